//! Telling people.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use system_bus_sdk::Io;

/// Something to be told.
#[must_use = "nobody hears of it before `by`"]
#[derive(Clone, Debug)]
pub struct Tell {
    manner: Manner,
    words: String,
    details: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Progress,
    Notify,
    Alert,
}

/// What became of it: what a step that tells something ends with.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// Whether it reached a list.
    pub pushed: bool,
    /// Whether it waits until the system is awake.
    #[serde(default)]
    pub queued: bool,
    /// The id of what was pushed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Why nobody heard of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Tell {
    /// How a run is getting on.
    pub fn progress(message: impl Into<String>, details: Value) -> Self {
        Self { manner: Manner::Progress, words: message.into(), details }
    }

    /// Something of this type has happened.
    pub fn notify(kind: impl Into<String>, details: Value) -> Self {
        Self { manner: Manner::Notify, words: kind.into(), details }
    }

    /// Somebody has to look.
    pub fn alert(message: impl Into<String>, details: Value) -> Self {
        Self { manner: Manner::Alert, words: message.into(), details }
    }

    /// Tells it. It does not fail: the answer says what became of it.
    pub fn by(self, io: &Io) -> Told {
        let told = push(&self, io);
        if let Some(why) = &told.error {
            system_bus_sdk::log::warn!("nobody heard of `{}`: {why}", told.kind);
        }
        told
    }
}

#[cfg(target_family = "wasm")]
fn push(tell: &Tell, io: &Io) -> Told {
    let gateway = io.gateway();
    let pushed = match tell.manner {
        Manner::Progress => gateway.progress(&tell.words, &tell.details),
        Manner::Notify => gateway.notify(&tell.words, &tell.details),
        Manner::Alert => gateway.alert(&tell.words, &tell.details),
    };
    Told {
        pushed: pushed.pushed,
        queued: pushed.queued,
        event_id: pushed.event_id,
        kind: pushed.kind,
        error: pushed.error,
    }
}

#[cfg(not(target_family = "wasm"))]
fn push(tell: &Tell, io: &Io) -> Told {
    let mut payload = tell.details.clone();
    let kind = match tell.manner {
        Manner::Notify => tell.words.clone(),
        Manner::Progress | Manner::Alert => {
            payload["message"] = Value::String(tell.words.clone());
            if tell.manner == Manner::Alert { "alert" } else { "progress" }.to_owned()
        }
    };
    crate::testing::told(&io.idempotency_key(), &kind, payload)
}
