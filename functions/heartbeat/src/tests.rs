//! Whole beats.

mod kit;

use crate::{Beaten, HeartbeatRequested, pulse};
use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_sdk::testing::Harness;

#[test]
fn the_timer_asks_for_a_core_check() {
    let now: Timestamp = "2026-03-01T12:15:00Z".parse().expect("a time");
    let end = Harness::new().at(now).run::<pulse>(Cron { cron: "*/15 * * * *".to_owned() });
    let beaten: Beaten = end.output();
    assert_eq!((beaten.beat.source.as_str(), beaten.beat.at), ("heartbeat-15m", now));
    assert_eq!(end.steps, ["record-beat", "request-services-check"]);
    assert_eq!(end.events[0].name, "system/services.check.requested");
    assert_eq!(end.events[0].data, json!({"mode": "core", "source": "heartbeat-15m"}));
}

#[test]
fn a_request_hands_its_targets_on() {
    let sample = include_str!("../events/heartbeat-requested.json");
    let sample: Value = serde_json::from_str(sample).expect("the sample is JSON");
    assert_eq!(sample["name"], HeartbeatRequested::NAME);
    let request: HeartbeatRequested =
        serde_json::from_value(sample["data"].clone()).expect("the sample fits");
    let end = Harness::new().run::<pulse>(request);
    assert_eq!(end.output::<Beaten>().beat.source, "heartbeat-request");
    assert_eq!(end.events[0].data["targets"], sample["data"]["targets"]);
}

#[test]
fn the_cron_declaration_is_what_the_server_expects() {
    let declaration = <pulse as system_bus_sdk::Function>::DECLARATION;
    assert_eq!(
        serde_json::to_value(declaration).expect("it is JSON"),
        json!({
            "id": "heartbeat",
            "name": "Heartbeat",
            "retries": 2,
            "triggers": [{"event": "system/heartbeat.requested"}, {"cron": "*/15 * * * *"}],
            "input": [{
                "event": "system/heartbeat.requested",
                "fields": ["targets"],
                "schema": {"type": "object", "properties": {"targets": {
                    "type": "array",
                    "description": "What the check is to probe; the check's own list unless given.",
                }}},
            }],
            "steps": [
                {"id": "record-beat", "kind": "run"},
                {"id": "request-services-check", "kind": "send-event"},
            ],
        })
    );
}
