//! How long the router waits, and how it is declared.

use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use super::request;
use crate::{Routed, route};

#[system_bus_sdk::test]
fn it_waits_all_of_the_time_and_not_only_the_largest_unit(kit: &mut Kit) {
    let wait = 2 * 60_000 + 50_000;
    kit.stub("decide-self-healing", move |_| {
        Ok(json!({
            "decision": {"action": "pause", "delayMs": wait, "reason": "r", "confidence": 1.0,
                "model": "m"},
            "policy": {"maxRetries": 5, "sleepMinMs": 5000, "sleepMaxMs": 14_400_000,
                "sleepStepMs": 5000},
        }))
    });
    let run = kit.start::<route>(request(json!({})));
    kit.advance(Duration::from_millis(wait - 1));
    assert_eq!(kit.look(run).waits_for(), ["self-healing-router-wait"]);
    kit.advance(Duration::from_millis(1));
    assert_eq!(kit.until_ended(run).output::<Routed>().delay_ms, wait);
}

#[system_bus_sdk::test]
fn settings_and_the_request_say_how_long(kit: &mut Kit) {
    kit.config("SELF_HEALING_ROUTER_SLEEP_MIN_MS", "60000");
    kit.config("SELF_HEALING_ROUTER_SLEEP_STEP_MS", "5000");
    let routed: Routed = kit.run::<route>(request(json!({}))).output();
    assert!((60_000..65_000).contains(&routed.delay_ms), "{routed:?}");
    let asks = json!({"retryPolicy": {"sleepMinMs": 90_000, "sleepStepMs": 5000}, "attempt": 1});
    let routed: Routed = kit.run::<route>(request(asks)).output();
    assert!((180_000..185_000).contains(&routed.delay_ms), "{routed:?}");
}

#[system_bus_sdk::test]
fn settings_that_change_on_the_way_change_no_decision(kit: &mut Kit) {
    let run = kit.start::<route>(request(json!({})));
    kit.until_waiting();
    kit.config("SELF_HEALING_ROUTER_MAX_RETRIES", "1");
    kit.config("SELF_HEALING_ROUTER_SLEEP_MIN_MS", "3600000");
    assert!(kit.until_ended(run).output::<Routed>().delay_ms < 3_600_000);
}

#[test]
fn it_is_declared_as_the_server_expects() {
    let declared = <route as system_bus_sdk::Function>::DECLARATION;
    let declared = serde_json::to_value(declared).expect("it is JSON");
    assert_eq!(declared["id"], "system/self-healing.router");
    assert_eq!(declared["retries"], 2);
    assert_eq!(declared["concurrency"], json!([{"limit": 1}]));
    assert_eq!(declared["triggers"], json!([{"event": "system/self.healing.requested"}]));
}

#[system_bus_sdk::test]
fn the_sample_is_scheduled(kit: &mut Kit) {
    let sample = include_str!("../../events/self-healing-requested.json");
    let sample: Value = serde_json::from_str(sample).expect("the sample is JSON");
    let event = Outgoing::named("system/self.healing.requested", &sample["data"]);
    assert!(kit.run::<route>(event).output::<Routed>().delay_ms >= 90_000);
}
