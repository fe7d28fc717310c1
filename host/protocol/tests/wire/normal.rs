//! What must be equal in our reply and in the recorded one. Each difference that is allowed stands here, with its
//! reason; whatever is not mentioned must be the same.

use serde_json::{Map, Value, json};

/// A reply without what may differ.
pub(crate) fn reply(status: u16, headers: &Map<String, Value>, body: &Value) -> Value {
    let header = |name: &str| headers.get(name).cloned().unwrap_or_default();
    json!({
        "status": status,
        "no_retry": header("x-inngest-no-retry"),
        "version": header("x-inngest-req-version"),
        // Language and version of the SDK differ; one must be named.
        "sdk": !header("x-inngest-sdk").is_null(),
        // A date there, whole seconds here; the server takes both.
        "retry_after": !header("retry-after").is_null(),
        "body": match (status, body) {
            (206, Value::Array(ops)) => ops.iter().map(op).collect(),
            (200, result) => result.clone(),
            (_, failure) => error(failure),
        },
    })
}

fn op(op: &Value) -> Value {
    let code = op["op"].as_str().expect("an op has a name");
    for key in op.as_object().expect("an op is an object").keys() {
        let known = [
            "op",
            "id",
            "name",
            "displayName",
            "userland",
            "data",
            "error",
            "timing",
            // Empty there, or the kind of step as a label for the UI; we send none.
            "opts",
        ];
        assert!(known.contains(&key.as_str()), "{code} has the unknown member {key:?}");
    }
    if let Some(opts) = op["opts"].as_object() {
        assert!(opts.keys().all(|key| key == "type"), "{code} has options that mean something");
    }
    let failed = op.get("error").is_some();
    json!({
        "op": code,
        "id": op["id"],
        // Legacy, and only read for a sleep. There `sendEvent` for events, here always the step's own name.
        "name": if code == "Sleep" { op["name"].clone() } else { Value::Null },
        "displayName": op["displayName"],
        "userland": op["userland"],
        "error": if failed { error(&op["error"]) } else { Value::Null },
        // There a failure is copied into `data`, unread by the server; here it is null, as in every other op
        // without data.
        "data": if failed { Value::Null } else { op["data"].clone() },
        "timing": op.get("timing").map(timing),
    })
}

/// Moments differ; a start and a duration in whole nanoseconds must be there.
fn timing(timing: &Value) -> bool {
    timing["a"].is_i64() && timing["b"].is_u64()
}

/// An error without its stack, which differs, and without the mark `__serialized`, which only that SDK reads.
fn error(error: &Value) -> Value {
    let cause = error.get("cause").map(self::error);
    json!({ "name": error["name"], "message": error["message"], "cause": cause })
}
