//! One record, in the form in which it is kept.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::bindings::system_bus::durable::telemetry::{Event, Level};

/// How long an action, a component or an error may be, in bytes; more is cut off.
const LONGEST: usize = 1024;

/// How much metadata one record may have, in bytes of JSON.
const METADATA: usize = 8 * 1024;

/// What the records of a process say of where they come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The session that the process belongs to; empty where it belongs to none.
    pub session: String,
    /// The machine.
    pub system: String,
}

/// Whose record it is.
pub(super) struct Source<'s> {
    pub(super) component: &'s str,
    pub(super) function: &'s str,
    pub(super) run: &'s str,
    pub(super) step: Option<&'s str>,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) id: String,
    /// Milliseconds since 1970.
    pub(super) timestamp: i64,
    pub(super) session_id: String,
    pub(super) system_id: String,
    pub(super) level: &'static str,
    /// What it was told by: always `system-bus`.
    pub(super) source: &'static str,
    pub(super) component: String,
    pub(super) action: String,
    #[serde(rename = "duration_ms", skip_serializing_if = "Option::is_none")]
    pub(super) duration_ms: Option<u64>,
    pub(super) success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    pub(super) metadata: Map<String, Value>,
}

impl Record {
    /// The record of an event. An empty component is filled with the name of the one that calls, an empty action with the
    /// function's; a failure without words becomes `operation_failed`; metadata that is no object of JSON, or too large, is
    /// replaced by a member that says so. Whose record it is stands in the metadata, over what a guest says.
    pub(super) fn of(
        event: Event,
        source: &Source<'_>,
        origin: &Origin,
        id: String,
        at: i64,
    ) -> Self {
        let error = event.error.map(shortened).filter(|error| !error.trim().is_empty());
        let error = match (event.success, error) {
            (false, None) => Some("operation_failed".to_owned()),
            (_, error) => error,
        };
        let mut metadata = metadata(&event.metadata);
        let own =
            [("function", Some(source.function)), ("run", Some(source.run)), ("step", source.step)];
        for (key, value) in own {
            if let Some(value) = value {
                metadata.insert(key.to_owned(), value.into());
            }
        }
        Self {
            id,
            timestamp: at,
            session_id: origin.session.clone(),
            system_id: origin.system.clone(),
            level: name(event.level),
            source: "system-bus",
            component: or(event.component, source.component),
            action: or(event.action, source.function),
            duration_ms: event.took,
            success: event.success,
            error,
            metadata,
        }
    }

    /// What records of the level `debug` are limited by.
    pub(super) fn key(&self) -> String {
        format!("{}:{}", self.component, self.action)
    }
}

/// A level as records write it.
fn name(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
        Level::Fatal => "fatal",
    }
}

/// An event without what nobody may read: `redact` takes it out of a text.
pub(super) fn clean(event: Event, redact: &dyn Fn(String) -> String) -> Event {
    let metadata = match serde_json::from_str(&event.metadata) {
        // Within the values: what is taken out shall leave JSON behind.
        Ok(value) if event.metadata.len() <= METADATA => clean_value(value, redact).to_string(),
        // What is no JSON, or too much, is not recorded.
        _ => event.metadata,
    };
    Event {
        component: redact(event.component),
        action: redact(event.action),
        error: event.error.map(redact),
        metadata,
        ..event
    }
}

fn clean_value(value: Value, redact: &dyn Fn(String) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(redact(text)),
        Value::Array(values) => {
            values.into_iter().map(|value| clean_value(value, redact)).collect()
        }
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (redact(name), clean_value(value, redact)))
            .collect(),
        // A secret may be all digits.
        other => {
            let text = other.to_string();
            let clean = redact(text.clone());
            if clean == text { other } else { Value::String(clean) }
        }
    }
}

fn or(text: String, other: &str) -> String {
    if text.trim().is_empty() { other.to_owned() } else { shortened(text) }
}

pub(super) fn shortened(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

fn metadata(text: &str) -> Map<String, Value> {
    let problem =
        |why: String| Map::from_iter([("metadata_problem".to_owned(), Value::String(why))]);
    if text.trim().is_empty() {
        return Map::new();
    }
    if text.len() > METADATA {
        return problem(format!("{} bytes; at most {METADATA} are kept", text.len()));
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(members)) => members,
        Ok(_) => problem("not an object of JSON".to_owned()),
        Err(error) => problem(format!("not JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(event: Event) -> Value {
        let source =
            Source { component: "backup", function: "daily", run: "01R", step: Some("copy") };
        let origin = Origin { session: "s1".to_owned(), system: "mini".to_owned() };
        let record = Record::of(event, &source, &origin, "id1".to_owned(), 1_700_000_000_000);
        serde_json::to_value(record).expect("JSON")
    }

    fn event() -> Event {
        Event {
            level: Level::Info,
            component: "health-check".to_owned(),
            action: "probe.redis".to_owned(),
            success: true,
            error: None,
            took: Some(12),
            metadata: r#"{"port":6379,"run":"forged"}"#.to_owned(),
        }
    }

    #[test]
    fn a_record_has_the_form_that_is_searched() {
        assert_eq!(
            record(event()),
            json!({
                "id": "id1", "timestamp": 1_700_000_000_000_i64, "sessionId": "s1", "systemId": "mini",
                "level": "info", "source": "system-bus", "component": "health-check", "action": "probe.redis",
                "duration_ms": 12, "success": true,
                "metadata": {"port": 6379, "function": "daily", "run": "01R", "step": "copy"},
            })
        );
    }

    #[test]
    fn nothing_of_a_record_shows_what_nobody_may_read() {
        let redact = |text: String| {
            text.replace("hunter2", "[secret door]").replace("1234567", "[secret pin]")
        };
        let told = Event {
            level: Level::Info,
            component: "a hunter2".to_owned(),
            action: "hunter2".to_owned(),
            success: false,
            error: Some("no hunter2".to_owned()),
            took: None,
            metadata: json!({"hunter2": {"deep": ["x hunter2", 1_234_567, 1, null, true]}})
                .to_string(),
        };
        let clean = clean(told, &redact);
        assert_eq!(
            (&*clean.component, &*clean.action, clean.error.as_deref()),
            ("a [secret door]", "[secret door]", Some("no [secret door]"))
        );
        let metadata: Value = serde_json::from_str(&clean.metadata).expect("JSON");
        assert_eq!(
            metadata,
            json!({"[secret door]": {"deep": ["x [secret door]", "[secret pin]", 1, null, true]}})
        );
        for metadata in ["", "hunter2", "{"] {
            let unclean = Event { metadata: metadata.to_owned(), ..event() };
            let record = record(super::clean(unclean, &redact)).to_string();
            assert!(!record.contains("hunter2"), "{record}");
        }
    }

    #[test]
    fn what_is_left_out_or_wrong_is_filled() {
        let failed = Event { success: false, level: Level::Fatal, ..event() };
        assert_eq!(record(failed.clone())["error"], "operation_failed");
        assert_eq!(record(failed.clone())["level"], "fatal");
        assert_eq!(
            record(Event { error: Some(" ".into()), ..failed.clone() })["error"],
            "operation_failed"
        );
        assert_eq!(record(Event { error: Some("refused".into()), ..failed })["error"], "refused");
        let empty = record(Event { component: " ".into(), action: String::new(), ..event() });
        assert_eq!((&empty["component"], &empty["action"]), (&json!("backup"), &json!("daily")));
        for (metadata, problem) in [
            ("[1]".to_owned(), "not an object"),
            ("{".to_owned(), "not JSON"),
            (format!("{{\"a\":\"{}\"}}", "x".repeat(METADATA)), "at most"),
        ] {
            let record = record(Event { metadata, ..event() });
            let said = record["metadata"]["metadata_problem"].as_str().expect("a problem");
            assert!(said.contains(problem), "{said}");
            assert_eq!(record["metadata"]["run"], "01R");
        }
        let long = record(Event { action: "é".repeat(LONGEST), ..event() });
        assert!(long["action"].as_str().expect("text").len() <= LONGEST + "…".len());
    }
}
