//! Each service, up and down.

use outside::testing::World;
use serde_json::json;
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use super::system::{Shared, check, well};
use crate::{Report, Service, Status, check_system_health};

const NAMES: [&str; 9] = [
    "Redis",
    "Inngest",
    "Worker",
    "Gateway",
    "Webhooks",
    "Typesense",
    "Agent Secrets",
    "NFS Mounts",
    "Kubernetes",
];

#[system_bus_sdk::test(crash = "everywhere")]
fn all_is_well(kit: &mut Kit) {
    let (world, system) = well(kit);
    let run =
        kit.run::<check_system_health>(Outgoing::named("system/health.requested", &json!({})));
    run.assert_steps([
        "ping-services",
        "emit-otel-health-summary",
        "push-to-convex",
        "reconcile-health-transition-latch",
        "commit-health-transition-latch",
        "emit-network-update",
        "record-health-check-result",
    ]);
    let report: Report = run.output();
    assert_eq!(report.status, Status::Noop);
    let names: Vec<_> = report.found.services.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, NAMES);
    let system = system.borrow();
    assert_eq!(system.convex.len(), 9);
    let fields = &system.convex["system-status:nfs-mounts"]["fields"];
    assert_eq!((&fields["status"], &fields["name"]), (&json!("healthy"), &json!("NFS Mounts")));
    assert!(world.heard().is_empty());
    assert_eq!(world.actions(), ["system.health.checked"]);
    let checked = world.redis(|redis| redis.texts["health:last_check"].clone());
    assert_eq!(checked, "2026-03-01T20:00:00Z");
    let result = world.redis(|redis| redis.texts["health:last_result"].clone());
    assert!(result.contains("\"status\":\"noop\""), "{result}");
    let events = kit.events();
    assert_eq!(events.iter().filter(|one| one.name == "system/network.update").count(), 1);
}

/// What makes a service go down, and what is said of it.
type Fault = (&'static str, fn(&World, &Shared), &'static str);

const FAULTS: &[Fault] = &[
    (
        "Redis",
        |world, _| {
            world.redis_down();
        },
        "Redis is away",
    ),
    ("Inngest", |_, system| system.borrow_mut().close_port(8288), "http://localhost:8288/health"),
    (
        "Gateway",
        |world, _| {
            world.without("gateway", "gateway.pid");
        },
        "gateway.pid",
    ),
    (
        "Gateway",
        |world, _| {
            world.file("gateway", "gateway.pid", "0");
        },
        "names no process",
    ),
    (
        "Gateway",
        |world, _| {
            world.file("gateway", "gateway.pid", "-1");
        },
        "holds no number",
    ),
    ("Gateway", |_, system| fails(system, "kill -0 4711", 1), "no process 4711"),
    (
        "Gateway",
        |world, _| {
            world.file("gateway", "gateway.ws.port", "70000");
        },
        "no port",
    ),
    ("Gateway", |_, system| answers(system, "http://127.0.0.1:3018/", 200), "expected 426"),
    ("Webhooks", |_, system| answers(system, "http://localhost:3111/webhooks", 500), "500"),
    ("Typesense", |_, system| system.borrow_mut().close_port(8108), "typesense.joelclaw"),
    ("Agent Secrets", |_, system| fails(system, "secrets health", 1), "code 1: no"),
    ("Agent Secrets", |_, system| fails(system, "secrets health", 124), "did not end in time"),
    ("NFS Mounts", |_, system| fails(system, "stat /Volumes/three-body", 124), "three-body"),
    ("Kubernetes", |_, system| fails(system, "kubectl get --raw=/readyz", 1), "kubectl"),
];

fn fails(system: &Shared, line: &str, code: i32) {
    system.borrow_mut().failing.insert(line.to_owned(), code);
}

fn answers(system: &Shared, url: &str, status: u16) {
    system.borrow_mut().answers.insert(url.to_owned(), Response::new(status));
}

#[test]
fn each_service_that_is_down_is_found_and_no_other() {
    for (name, spoil, said) in FAULTS {
        let mut kit = Kit::new();
        let (world, system) = well(&mut kit);
        spoil(&world, &system);
        let report = check(&mut kit, "system/health.requested", &json!({}));
        let down: Vec<&Service> = report.found.down().collect();
        assert_eq!(down.len(), 1, "{name}: {down:?}");
        assert_eq!(down[0].name, *name);
        assert!(down[0].detail.contains(said), "{name}: {}", down[0].detail);
        assert_eq!(report.status, Status::Degraded);
        let key = format!("system-status:{}", name.to_lowercase().replace(' ', "-"));
        assert_eq!(system.borrow().convex[&key]["fields"]["status"], "down");
        assert_eq!(world.actions()[0], "system.health.checked!");
    }
}

#[system_bus_sdk::test]
fn a_worker_that_is_down_is_found_with_its_webhooks(kit: &mut Kit) {
    let (_world, system) = well(kit);
    system.borrow_mut().close_port(3111);
    let report = check(kit, "system/health.requested", &json!({}));
    let down: Vec<_> = report.found.down().map(|one| one.name.as_str()).collect();
    assert_eq!(down, ["Worker", "Webhooks"]);
}

#[system_bus_sdk::test]
fn mails_have_to_come_in(kit: &mut Kit) {
    let (_world, system) = well(kit);
    kit.config("FRONT_PROJECTION_COLLECTION", "front_messages");
    kit.config("FRONT_PROJECTION_MAX_AGE_MINUTES", "30");
    let now = kit.now().as_second();
    let mut front = |newest: Option<i64>| {
        let hits = newest.map(|newest| json!({ "document": { "timestamp": newest } }));
        let hits: Vec<_> = hits.into_iter().collect();
        system.borrow_mut().found = vec![("front_messages", json!({ "hits": hits }))];
        let report = check(kit, "system/health.requested", &json!({}));
        let front = report.found.services.last().expect("it is probed").clone();
        assert_eq!(front.name, "Front Projection");
        (front.up, front.detail)
    };
    assert_eq!(front(Some(now - 1800)), (true, "the newest mail is 30 minutes old".to_owned()));
    assert!(front(Some((now - 1800) * 1000)).0);
    assert_eq!(front(Some(now - 7200)), (false, "the newest mail is 120 minutes old".to_owned()));
    assert!(front(None).1.contains("holds no mail"));
}

#[system_bus_sdk::test]
fn probes_may_be_left_out(kit: &mut Kit) {
    let (world, _system) = well(kit);
    kit.config("JOELCLAW_HEALTH_SKIP", "kubernetes, NFS Mounts");
    let report = check(kit, "system/health.requested", &json!({}));
    assert_eq!(report.found.services.len(), 7);
    assert!(!world.lines().iter().any(|line| line.contains("kubectl") || line.contains("stat")));
}
