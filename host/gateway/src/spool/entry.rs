//! One event in the spool.

use jiff::Timestamp;
use protocol::event::NewEvent;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// An event that was accepted, as it is put into the spool.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Who sent it.
    pub provider: String,
    /// The event's id, by which repeats are known.
    pub id: String,
    /// When it was accepted, in milliseconds since 1970.
    pub at: i64,
    /// The trace that began with it: 32 hexadecimal digits.
    pub trace: String,
    /// The span of its delivery, where spans are exported: 16 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<String>,
    /// Whether somebody had it sent again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replay: bool,
    /// The event, as the server wants it.
    pub event: Box<RawValue>,
}

impl Entry {
    /// The entry of an event.
    pub fn new(provider: &str, event: &NewEvent, at: Timestamp, trace: String) -> Self {
        let text = serde_json::to_string(event).expect("events are JSON");
        let id =
            event.id.clone().unwrap_or_else(|| blake3::hash(text.as_bytes()).to_hex().to_string());
        Self {
            provider: provider.to_owned(),
            id,
            at: at.as_millisecond(),
            trace,
            span: None,
            replay: false,
            event: RawValue::from_string(text).expect("it is JSON"),
        }
    }

    /// The same, beneath a span of its trace.
    #[must_use]
    pub fn within(self, span: Option<String>) -> Self {
        Self { span, ..self }
    }

    /// About how much room it takes, in bytes.
    pub fn size(&self) -> u64 {
        (self.event.get().len() + self.id.len() + self.provider.len() + 128) as u64
    }
}

/// An entry in its place.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its number: those that came later have higher ones.
    pub number: u64,
    /// When it was written, in milliseconds since 1970: the same for all that were written together.
    pub written: i64,
    /// The entry.
    pub entry: Entry,
}

/// How long a moment is, in milliseconds: long enough that what comes one by one goes to the server together.
const MOMENT: i64 = 1000;

impl Waiting {
    /// The moment in which it was written: the time of its id at the server.
    pub(crate) fn moment(&self) -> i64 {
        self.written - self.written.rem_euclid(MOMENT)
    }
}
