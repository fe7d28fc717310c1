//! Events as the engine keeps them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use protocol::event::{FAILED, FINISHED, NewEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use ulid::Ulid;

/// The engine's own id of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(Ulid);

impl From<Ulid> for EventId {
    fn from(id: Ulid) -> Self {
        Self(id)
    }
}

impl FromStr for EventId {
    type Err = ulid::DecodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ulid::from_string(text).map(Self)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.array_to_str(&mut [0; ulid::ULID_LEN]))
    }
}

impl Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An event that was taken in, or that the engine made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: EventId,
    pub(crate) name: String,
    pub(crate) received_at: Timestamp,
    /// The sender's key, by which runs are deduplicated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    /// The event as calls carry it: canonical JSON.
    pub(crate) body: Box<RawValue>,
}

impl Event {
    /// An event from outside.
    pub(crate) fn received(id: EventId, new: &NewEvent, now: Timestamp) -> Self {
        let parse = |raw: &RawValue| serde_json::from_str(raw.get()).unwrap_or(Value::Null);
        let mut data = parse(&new.data);
        if let Some(members) = data.as_object_mut() {
            // The server's own corner of an event's data; nobody else may write there.
            members.remove("_inngest");
        }
        let user = new.user.as_deref().map_or_else(|| json!({}), parse);
        let mut body = json!({"data": data, "name": new.name.as_str(), "user": user});
        if let Some(version) = &new.v {
            body["v"] = json!(version);
        }
        Self::assemble(id, new.id.clone(), new.ts, body, now)
    }

    /// An event the engine makes. `key` becomes its visible id.
    pub(crate) fn made(
        id: EventId,
        name: &str,
        data: &Value,
        key: Option<String>,
        now: Timestamp,
    ) -> Self {
        let body = json!({"data": data, "name": name, "user": {}});
        Self::assemble(id, key, None, body, now)
    }

    /// The event of an invocation.
    pub(crate) fn invoking(
        id: EventId,
        name: &str,
        data: &Value,
        user: &Value,
        version: Option<String>,
        now: Timestamp,
    ) -> Self {
        let mut body = json!({"data": data, "name": name, "user": user});
        if let Some(version) = version {
            body["v"] = json!(version);
        }
        Self::assemble(id, None, None, body, now)
    }

    fn assemble(
        id: EventId,
        key: Option<String>,
        ts: Option<i64>,
        mut body: Value,
        now: Timestamp,
    ) -> Self {
        body["id"] = json!(key.clone().unwrap_or_else(|| id.to_string()));
        body["ts"] = json!(ts.unwrap_or_else(|| now.as_millisecond()));
        let name = body["name"].as_str().unwrap_or_default().to_owned();
        Self { id, name, received_at: now, key, body: canonical(&body) }
    }

    /// What makes two events the same one to a function.
    pub(crate) fn identity(&self) -> String {
        self.key.clone().unwrap_or_else(|| self.id.to_string())
    }

    /// The event as JSON to look into.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.body.get()).unwrap_or(Value::Null)
    }

    /// The event without empty members, as the API tells it.
    pub(crate) fn lean(&self) -> Value {
        let mut json = self.json();
        if let Some(members) = json.as_object_mut() {
            members.retain(|name, member| name == "data" || *member != json!({}));
        }
        json
    }

    /// When the runs it starts may begin, if that is later than now.
    pub(crate) fn due(&self, now: Timestamp) -> Option<Timestamp> {
        self.happened().filter(|ts| *ts > now)
    }

    /// When it happened, by the word of its sender.
    pub(crate) fn happened(&self) -> Option<Timestamp> {
        let ts = self.json()["ts"].as_i64();
        ts.and_then(|ts| Timestamp::from_millisecond(ts).ok())
    }

    /// Whether it tells of the end of a run. Runs it starts tell nobody of theirs, or they would never end.
    pub(crate) fn tells_of_an_end(&self) -> bool {
        [FINISHED, FAILED, CANCELED].contains(&self.name.as_str())
    }
}

/// The event that tells of a canceled run.
pub(crate) const CANCELED: &str = "inngest/function.cancelled";

/// A value in canonical form (RFC 8785).
pub(crate) fn canonical(value: &Value) -> Box<RawValue> {
    let text = serde_json_canonicalizer::to_string(value).unwrap_or_else(|_| value.to_string());
    RawValue::from_string(text).expect("a serializer writes JSON")
}

/// Makes the ids of one request's events deterministic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seed {
    millis: u64,
    bytes: [u8; 10],
}

impl Seed {
    /// Parses `<milliseconds>,<base64 of ten bytes>`; anything else counts as absent.
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let (millis, bytes) = header.split_once(',')?;
        let bytes = BASE64_STANDARD.decode(bytes.trim()).ok()?.try_into().ok()?;
        Some(Self { millis: millis.trim().parse().ok()?, bytes })
    }

    /// The id of the event at this place of the request.
    pub(crate) fn id(self, index: usize) -> EventId {
        let mut bytes = [0; 16];
        bytes[6..].copy_from_slice(&self.bytes);
        let mut count = [0; 4];
        count.copy_from_slice(&bytes[12..]);
        // Recorded from the real server: the first event's id is the seed plus one.
        let place = u32::try_from(index).unwrap_or(u32::MAX).wrapping_add(1);
        let count = u32::from_be_bytes(count).wrapping_add(place);
        bytes[12..].copy_from_slice(&count.to_be_bytes());
        Ulid::from_parts(self.millis, u128::from_be_bytes(bytes)).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_ids_are_those_of_the_real_server() {
        // As a real server answered to this seed.
        let seed = Seed::parse("1795347640761,bBn0mYmeA2ZiDw==").expect("a seed");
        assert_eq!(seed.id(0).to_string(), "01M81GXWDSDGCZ96C9KR1PCRGG");
        assert_eq!(seed.id(1).to_string(), "01M81GXWDSDGCZ96C9KR1PCRGH");
        for bad in ["", "1", "x,bBn0mYmeA2ZiDw==", "1,AA==", "1,!"] {
            assert_eq!(Seed::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_received_event_is_completed_and_canonical() {
        let now = "2026-11-22T13:00:00Z".parse().expect("a time");
        let id: EventId = "01M81GXWDSDGCZ96C9KR1PCRGG".parse().expect("an id");
        let body = br#"{"name":"a/b","data":{"z":1,"a":2.0,"_inngest":{"x":1}},"v":"1"}"#;
        let new = &NewEvent::parse_all(body).expect("an event")[0];
        let event = Event::received(id, new, now);
        assert_eq!(
            event.body.get(),
            concat!(
                r#"{"data":{"a":2,"z":1},"id":"01M81GXWDSDGCZ96C9KR1PCRGG","name":"a/b","#,
                r#""ts":1795352400000,"user":{},"v":"1"}"#
            )
        );
        let text = serde_json::to_string(&event).expect("JSON");
        let again: Event = serde_json::from_str(&text).expect("an event");
        assert_eq!(again.body.get(), event.body.get());
    }
}
