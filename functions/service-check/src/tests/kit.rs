//! Checks with time and with crashes.

use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use super::network;
use crate::{HealingRequested, Report, Status, check_services};

fn targets() -> Outgoing {
    let data = json!({"targets": [
        {"name": "web", "kind": "http", "url": "http://a:80/health"},
        {"name": "redis", "kind": "tcp", "address": "a:1"},
        {"name": "mail", "kind": "http", "url": "http://a:81/"},
    ]});
    Outgoing::named("system/services.check.requested", &data)
}

#[system_bus_sdk::test(crash = "everywhere")]
fn healing_is_asked_for_once_for_each_service_whatever_dies(kit: &mut Kit) {
    kit.http(network);
    let run = kit.run::<check_services>(targets());
    run.assert_steps(["probe[web]", "probe[redis]", "probe[mail]", "request-healing"]);
    assert_eq!(run.output::<Report>().status, Status::Degraded);
    let healing = kit.sent::<HealingRequested>();
    let asked: Vec<_> = healing.iter().map(|one| one.target_component.as_str()).collect();
    assert_eq!(asked, ["redis", "mail"]);
}

#[system_bus_sdk::test]
fn probes_look_side_by_side(kit: &mut Kit) {
    kit.http(network);
    kit.takes("probe[web]", Duration::from_secs(1)).takes("probe[redis]", Duration::from_secs(2));
    let before = kit.now();
    let run = kit.start::<check_services>(targets());
    kit.until_waiting();
    assert_eq!(kit.look(run).step_names().last(), Some(&"request-healing"));
    assert_eq!(kit.now().duration_since(before).as_secs(), 2);
}
