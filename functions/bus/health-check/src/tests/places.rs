//! Services that may be in several places.

use serde_json::json;
use system_bus_sdk::http::Response;
use system_bus_testing::Kit;

use super::system::{check, well};

#[system_bus_sdk::test]
fn places_are_tried_in_their_order(kit: &mut Kit) {
    let (world, system) = well(kit);
    let close = |url: &str| system.borrow_mut().closed.insert(url.to_owned());
    let inngest = |kit: &mut Kit| {
        let report = check(kit, "system/health.requested", &json!({}));
        report.found.services[1].endpoint.clone().expect("a place")
    };
    let found = inngest(kit);
    assert_eq!((found.class.as_deref(), found.skipped.len()), (Some("localhost"), 0));
    // Nobody asks colima as long as nobody has to.
    assert!(!world.lines().contains(&"colima list --json".to_owned()));

    close("http://localhost:8288");
    let found = inngest(kit);
    assert_eq!(found.url.as_deref(), Some("http://192.168.64.9:8288/health"));
    assert_eq!(found.class.as_deref(), Some("vm"));
    assert_eq!(found.skipped[0].url, "http://localhost:8288/health");

    system.borrow_mut().failing.insert("colima list --json".to_owned(), 1);
    assert_eq!(inngest(kit).url.as_deref(), Some("http://192.168.64.2:8288/health"));

    close("http://192.168.64.2:8288");
    let found = inngest(kit);
    assert_eq!(found.class.as_deref(), Some("service-dns"));
    let url = "http://inngest-svc.joelclaw.svc.cluster.local:8288/health";
    assert_eq!(found.url.as_deref(), Some(url));
    assert_eq!(found.skipped.len(), 2);

    kit.config("JOELCLAW_HEALTH_INNGEST_URLS", "http://bus.test:1/, http://{vm}:2");
    let found = inngest(kit);
    assert_eq!(found.url.as_deref(), Some("http://bus.test:1/health"));
    assert_eq!(found.class.as_deref(), Some("configured"));
    close("http://bus.test:1");
    kit.config("JOELCLAW_HEALTH_VM_ADDRESS", "10.0.0.7");
    assert_eq!(inngest(kit).url.as_deref(), Some("http://10.0.0.7:2/health"));
}

#[system_bus_sdk::test]
fn typesense_has_to_say_that_it_is_well(kit: &mut Kit) {
    let (_world, system) = well(kit);
    let ill = Response::new(200).with_json(&json!({ "ok": false }));
    system.borrow_mut().answers.insert("http://localhost:8108/health".to_owned(), ill);
    let report = check(kit, "system/health.requested", &json!({}));
    let endpoint = report.found.services[5].endpoint.clone().expect("a place");
    assert_eq!(endpoint.class.as_deref(), Some("vm"));
    assert_eq!(endpoint.skipped[0].reason, "does not say that it is well");
}
