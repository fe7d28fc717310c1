//! Calls, as Telnyx tells of them.

use system_bus_sdk::prelude::*;

/// A call has begun.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[event("telnyx/call.initiated")]
pub struct CallInitiated {
    /// Which call.
    #[serde(default)]
    pub call_session_id: String,
    /// `incoming` or `outgoing`.
    #[serde(default)]
    pub direction: String,
    /// Who calls.
    #[serde(default)]
    pub from: String,
    /// Who is called.
    #[serde(default)]
    pub to: String,
}

/// A call was answered.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[event("telnyx/call.answered")]
pub struct CallAnswered {
    /// Which call.
    pub call_session_id: String,
}

/// Somebody is to be called.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event("notification/call.requested")]
pub struct CallRequested {
    /// What is said.
    pub message: String,
}

/// Whose number it is that a call goes to.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// Ours.
    Ours,
    /// Somebody else's, or a call of our own.
    Other,
}

impl CallInitiated {
    /// Why nobody waits for an answer to it, whatever our number is.
    pub(crate) fn unfit(&self) -> Option<&'static str> {
        if self.direction != "incoming" {
            return Some("it is not incoming");
        }
        self.call_session_id.trim().is_empty().then_some("it has no call_session_id")
    }

    /// Whether it goes to our number, and does not come from it.
    pub(crate) fn line(&self, ours: &str) -> Line {
        let (ours, to, from) = (digits(ours), digits(&self.to), digits(&self.from));
        if !ours.is_empty() && to == ours && from != ours { Line::Ours } else { Line::Other }
    }
}

/// A number without what people write between its digits.
fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}
