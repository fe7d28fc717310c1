//! Whole requests.

mod outcomes;
mod waits;

use serde_json::{Value, json};
use system_bus_sdk::prelude::*;

/// A request that is complete, with these members in place of its own; `null` leaves one out.
fn request(members: Value) -> Outgoing {
    let mut data = json!({
        "sourceFunction": "system/check-system-health",
        "targetComponent": "Gateway",
        "targetEventName": "gateway/health.check.requested",
        "problemSummary": "Gateway is down",
        "domain": "gateway-bridge",
        "attempt": 0,
        "evidence": [{"type": "probe", "detail": "nothing listens"}],
        "playbook": {"actions": ["look"]},
        "context": {"checkMode": "core"},
        "owner": "system",
        "dryRun": false,
    });
    let Value::Object(members) = members else { panic!("members are an object") };
    for (name, value) in members {
        data[name] = value;
    }
    Outgoing::named("system/self.healing.requested", &data)
}
