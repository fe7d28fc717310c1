//! A function's options in one form, whichever side wrote them: what we told, and what the server made of it.
//!
//! The server writes durations its own way, sorts limits, leaves out what is its default, and makes a rate limit of an
//! idempotency. Checkpointing is left out: the server does nothing with it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// What a server assumes when a function says nothing about retries.
const DEFAULT_RETRIES: u64 = 4;

/// Texts by the name of the option; an option that is not there has none.
pub(super) type Options = BTreeMap<&'static str, String>;

/// The options of a function as the sync payload writes it.
pub(super) fn told(function: &Value) -> Options {
    let attempts = function["steps"]["step"]["retries"]["attempts"].as_u64();
    options(function, attempts)
}

/// The options of a function's configuration as the server tells it; none when it does not tell them: a configuration
/// without steps is not the whole one.
pub(super) fn held(config: &Map<String, Value>) -> Option<Options> {
    let step = config.get("steps")?.as_array()?.first()?;
    Some(options(&Value::Object(config.clone()), step["retries"].as_u64()))
}

fn options(function: &Value, retries: Option<u64>) -> Options {
    let once = |key: &Value| {
        let given = key.as_str().is_some_and(|key| !key.is_empty());
        given.then(|| serde_json::json!({"limit": 1, "period": "24h", "key": key}))
    };
    let rate_limit =
        once(&function["idempotency"]).unwrap_or_else(|| function["rateLimit"].clone());
    let mut options: Options = [
        ("concurrency", list(limits(&function["concurrency"]))),
        ("throttle", object(&function["throttle"])),
        ("rate limit", object(&rate_limit)),
        ("debounce", object(&function["debounce"])),
        ("batch", object(&function["batchEvents"])),
        ("priority", object(&function["priority"])),
        ("cancel", list(function["cancel"].as_array().map_or(&[], Vec::as_slice))),
        ("timeouts", object(&function["timeouts"])),
        ("singleton", object(&function["singleton"])),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .collect();
    let retries = retries.unwrap_or(DEFAULT_RETRIES);
    options.insert("retries", retries.to_string());
    options
}

/// The limits of steps; the server tells them in a member of their own where it has added limits of its own.
fn limits(concurrency: &Value) -> &[Value] {
    let list = concurrency.as_array().or_else(|| concurrency["step"].as_array());
    list.map_or(&[], Vec::as_slice)
}

/// The members in the order of their texts.
fn list(items: &[Value]) -> String {
    let mut texts: Vec<String> = items.iter().map(object).collect();
    texts.sort();
    texts.join(", ")
}

/// The members that mean something, in the order of their names.
fn object(value: &Value) -> String {
    let Some(members) = value.as_object() else { return String::new() };
    let mut texts: Vec<String> = members
        .iter()
        .filter_map(|(name, value)| Some(format!("{name} {}", member(name, value)?)))
        .collect();
    texts.sort();
    if texts.is_empty() { String::new() } else { format!("({})", texts.join(" ")) }
}

fn member(name: &str, value: &Value) -> Option<String> {
    match (name, value) {
        // The server's hash of the key, for itself.
        (_, Value::Null) | ("hash", _) => None,
        (_, Value::String(text)) if text.is_empty() => None,
        // The server names them with a capital, and tells the default as well.
        ("scope", Value::String(scope)) if scope.eq_ignore_ascii_case("fn") => None,
        ("scope" | "mode", Value::String(name)) => Some(name.to_ascii_lowercase()),
        ("burst", Value::Number(burst)) if burst.as_u64() == Some(0) => None,
        ("period" | "timeout" | "start" | "finish", Value::String(text)) => {
            Some(milliseconds(text).map_or_else(|| text.clone(), |number| format!("{number}ms")))
        }
        (_, Value::String(text)) => Some(text.trim().to_owned()),
        (_, other) => Some(other.to_string()),
    }
}

/// A duration as either side writes it: numbers, perhaps with fractions, with units that add up.
fn milliseconds(text: &str) -> Option<u64> {
    // In microseconds, so that a fraction of a millisecond is not lost.
    const UNITS: [(&str, f64); 9] = [
        ("ns", 0.001),
        ("us", 1.0),
        ("µs", 1.0),
        ("ms", 1e3),
        ("s", 1e6),
        ("m", 60e6),
        ("h", 3_600e6),
        ("d", 86_400e6),
        ("w", 604_800e6),
    ];
    let mut rest = text;
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let (_, unit) = UNITS.iter().find(|(unit, _)| *unit == &rest[..end])?;
        sum += number * unit;
        rest = &rest[end..];
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "durations are positive, and those that anybody writes are far smaller"
    )]
    let whole = (sum / 1e3).round() as u64;
    (!text.is_empty()).then_some(whole)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn durations_of_both_sides_are_equal_when_they_last_as_long() {
        for (one, other) in [
            ("36h", "1d12h"),
            ("24h", "24h0m0s"),
            ("1m30s", "90s"),
            ("336h", "2w"),
            ("1s500ms", "1.5s"),
            ("1h0m0s", "60m"),
        ] {
            assert_eq!(milliseconds(one), milliseconds(other), "{one} {other}");
            assert!(milliseconds(one).is_some(), "{one}");
        }
        for bad in ["", "1", "s", "1y", "1.2.3s", "soon"] {
            assert_eq!(milliseconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_a_server_adds_or_leaves_out_is_no_difference() {
        let ours = json!({
            "steps": {"step": {"id": "step"}},
            "concurrency": [{"limit": 10}, {"limit": 1, "key": "event.data.c", "scope": "env"}],
            "throttle": {"limit": 20, "period": "36h", "key": "event.data.t"},
            "idempotency": "event.data.id",
            "cancel": [{"event": "a/b", "timeout": "2h"}, {"event": "a/c"}],
        });
        let theirs = json!({
            "steps": [{"id": "step", "name": "step", "uri": "http://h/"}],
            "concurrency": {"fn": [{"limit": 3, "scope": "app", "id": "app:1"}], "step": [
                {"limit": 1, "key": "event.data.c", "scope": "Env", "hash": "abc"},
                {"limit": 10, "scope": "Fn", "hash": ""},
            ]},
            "throttle": {"limit": 20, "period": "1d12h", "burst": 0, "key": "event.data.t"},
            "rateLimit": {"limit": 1, "period": "24h0m0s", "key": "event.data.id"},
            "cancel": [{"event": "a/c"}, {"event": "a/b", "timeout": "2h"}],
            "timeouts": {}, "debounce": null, "checkpoint": {"batch_steps": 1},
        });
        let theirs = held(theirs.as_object().expect("an object"));
        assert_eq!(theirs, Some(told(&ours)));
        assert_eq!(told(&ours)["retries"], "4");
    }

    #[test]
    fn a_configuration_without_steps_tells_no_options() {
        let config = json!({"triggers": []});
        assert_eq!(held(config.as_object().expect("an object")), None);
    }
}
