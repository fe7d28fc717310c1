//! Events: what a caller sends, and the checks the server makes on it.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha1::{Digest, Sha1};

use crate::id::{RunId, StepId};

/// The longest event name the server takes in, in characters.
pub const MAX_NAME_CHARS: usize = 512;
/// The longest event name a trigger may have, in characters.
pub const MAX_TRIGGER_CHARS: usize = 255;
/// The most events one request may carry.
pub const MAX_EVENTS: usize = 5_000;
/// Names the server keeps for itself begin with this.
pub const RESERVED: &str = "inngest/";
/// The event that starts a run of a cron trigger; its data is `{"cron": "<expression>"}`.
pub const SCHEDULED: &str = "inngest/scheduled.timer";
/// The event the server sends when a run has failed for good.
pub const FAILED: &str = "inngest/function.failed";
/// The event the server sends at every end of a run.
pub const FINISHED: &str = "inngest/function.finished";

/// An event's name, or a trigger's pattern of names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct EventName(String);

/// Why a text is not an event name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event name {name:?} {problem}")]
pub struct EventNameError {
    name: String,
    problem: String,
}

impl EventName {
    /// The name of an event that somebody sends: not empty, not too long, not reserved for the server.
    pub fn sendable(name: &str) -> Result<Self, EventNameError> {
        if name.starts_with(RESERVED) {
            return Err(fault(
                name,
                "is reserved: names that begin with inngest/ belong to the server",
            ));
        }
        Self::checked(name, MAX_NAME_CHARS)
    }

    /// What a trigger may listen to: a name, or a pattern with `*` as its last segment after `/` or `.`.
    ///
    /// Reserved names are allowed here: the server's own events can start functions.
    pub fn pattern(name: &str) -> Result<Self, EventNameError> {
        let stem = name.strip_suffix("/*").or_else(|| name.strip_suffix(".*")).unwrap_or(name);
        if stem.contains('*') {
            return Err(fault(
                name,
                "has a * that is not its last segment; only `…/*` and `….*` match",
            ));
        }
        Self::checked(name, MAX_TRIGGER_CHARS)
    }

    fn checked(name: &str, limit: usize) -> Result<Self, EventNameError> {
        if name.trim().is_empty() {
            return Err(fault(name, "is empty"));
        }
        if name.chars().count() > limit {
            return Err(fault(name, &format!("is longer than {limit} characters")));
        }
        if name.chars().any(char::is_control) {
            return Err(fault(name, "holds a control character"));
        }
        Ok(Self(name.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether an event of this `name` starts a function that listens to `self`.
    ///
    /// ```
    /// use protocol::event::EventName;
    /// assert!(EventName::pattern("shop/*").unwrap().matches("shop/order.paid"));
    /// assert!(!EventName::pattern("shop/order.*").unwrap().matches("shop/orders"));
    /// ```
    pub fn matches(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            // `shop/*` keeps its separator, so `shop` and `shopping/x` do not match.
            Some(stem) if stem.ends_with(['/', '.']) => {
                name.len() > stem.len() && name.starts_with(stem)
            }
            _ => self.0 == name,
        }
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn fault(name: &str, problem: &str) -> EventNameError {
    EventNameError { name: name.chars().take(80).collect(), problem: problem.to_owned() }
}

/// An event as somebody sends it, checked.
#[derive(Debug, Clone, Serialize)]
pub struct NewEvent {
    /// What happened.
    pub name: EventName,
    /// Its payload, a JSON object.
    pub data: Box<RawValue>,
    /// The sender's key: a function runs at most once for each, for about a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// When it happened, in milliseconds since 1970; absent means when it arrives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ts: Option<i64>,
    /// Deprecated companion of `data`, a JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<Box<RawValue>>,
    /// The payload's version, free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub v: Option<String>,
}

/// Why events cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The text is not one event and not an array of events.
    #[error("not an event or an array of events: {0}")]
    Malformed(String),
    /// One event of the array breaks a rule; those before it are fine.
    #[error("event {index}: {problem}")]
    Refused {
        /// Its place in the array, from 0.
        index: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// More than [`MAX_EVENTS`].
    #[error("{0} events are more than 5000 in one request; send them in several")]
    TooMany(usize),
}

#[derive(Deserialize)]
struct RawEvent {
    name: Option<String>,
    data: Option<Box<RawValue>>,
    id: Option<String>,
    ts: Option<i64>,
    user: Option<Box<RawValue>>,
    v: Option<String>,
}

impl NewEvent {
    /// Parses a request body: one event, or an array of them.
    ///
    /// ```
    /// let events = protocol::event::NewEvent::parse_all(br#"{"name":"demo/hello"}"#).unwrap();
    /// assert_eq!(events[0].data.get(), "{}");
    /// ```
    pub fn parse_all(body: &[u8]) -> Result<Vec<Self>, EventError> {
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        let raw: Vec<&RawValue> = if first == Some(&b'[') {
            serde_json::from_slice(body)
                .map_err(|error| EventError::Malformed(error.to_string()))?
        } else {
            vec![
                serde_json::from_slice(body)
                    .map_err(|error| EventError::Malformed(error.to_string()))?,
            ]
        };
        if raw.len() > MAX_EVENTS {
            return Err(EventError::TooMany(raw.len()));
        }
        raw.into_iter()
            .enumerate()
            .map(|(index, raw)| {
                Self::parse(raw).map_err(|problem| EventError::Refused { index, problem })
            })
            .collect()
    }

    fn parse(raw: &RawValue) -> Result<Self, String> {
        let raw: RawEvent = serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
        let name = EventName::sendable(&raw.name.ok_or("it has no name")?)
            .map_err(|error| error.to_string())?;
        let data = match raw.data {
            Some(data) if data.get().starts_with('{') => data,
            None => empty_object(),
            Some(data) if data.get() == "null" => empty_object(),
            Some(_) => return Err("data is not a JSON object".to_owned()),
        };
        Ok(Self {
            name,
            data,
            id: raw.id.filter(|id| !id.is_empty()),
            // The server reads 0 as "now" too.
            ts: raw.ts.filter(|ts| *ts != 0),
            user: raw.user.filter(|user| user.get().starts_with('{')),
            v: raw.v,
        })
    }
}

/// The value of [`crate::header::EVENT_ID_SEED`] for the events that a step sends.
///
/// The server makes the events' ids from it, so a repeated request, or a repeated attempt of the step, sends
/// nothing twice.
///
/// ```
/// let run = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().unwrap();
/// let seed = protocol::event::id_seed(run, protocol::id::StepId::hash("announce"));
/// assert!(seed.starts_with("1795347640545,"));
/// ```
pub fn id_seed(run: RunId, step: StepId) -> String {
    let entropy = Sha1::new().chain_update(run.to_bytes()).chain_update(step.as_bytes()).finalize();
    format!("{},{}", run.unix_millis(), BASE64_STANDARD.encode(&entropy[..10]))
}

fn empty_object() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).expect("an empty object is JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_as_the_server_does() {
        for (pattern, name, fits) in [
            ("shop/order.paid", "shop/order.paid", true),
            ("shop/order.paid", "shop/order.paid.late", false),
            ("shop/*", "shop/order.paid", true),
            ("shop/*", "shop/", false),
            ("shop/*", "shopping/x", false),
            ("shop/order.*", "shop/order.paid", true),
            ("shop/order.*", "shop/orders", false),
        ] {
            assert_eq!(
                EventName::pattern(pattern).expect(pattern).matches(name),
                fits,
                "{pattern} {name}"
            );
        }
        assert!(EventName::pattern("shop/*/x").is_err());
        assert!(EventName::pattern("*").is_err());
        assert!(EventName::pattern("inngest/function.failed").is_ok());
    }

    #[test]
    fn what_is_sent_is_checked() {
        let parse = |body: &str| NewEvent::parse_all(body.as_bytes());
        assert_eq!(
            parse(r#"[{"name":"a/b"},{"name":"c/d","ts":0,"id":""}]"#).expect("two").len(),
            2
        );
        assert_eq!(parse(" {\"name\":\"a/b\",\"data\":null}").expect("one")[0].data.get(), "{}");
        assert_eq!(parse("[]").expect("none").len(), 0);
        for (body, says) in [
            ("", "not an event"),
            ("7", "event 0: "),
            ("{}", "event 0: it has no name"),
            (
                r#"[{"name":"a/b"},{"name":"inngest/x"}]"#,
                "event 1: event name \"inngest/x\" is reserved",
            ),
            (r#"{"name":"a/b","data":[1]}"#, "data is not a JSON object"),
            (r#"{"name":" "}"#, "is empty"),
        ] {
            let error = parse(body).expect_err(body).to_string();
            assert!(error.contains(says), "{body}: {error}");
        }
        let many = format!("[{}]", vec![r#"{"name":"a/b"}"#; MAX_EVENTS + 1].join(","));
        assert_eq!(parse(&many).expect_err("too many"), EventError::TooMany(5001));
    }
}
