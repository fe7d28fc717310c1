//! What is told of a session.

use outside::digest;
use system_bus_sdk::prelude::*;

/// Why a session is looked at.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// It is about to forget its beginning.
    Compaction,
    /// It has ended.
    Shutdown,
    /// It had ended long ago.
    Backfill,
}

impl Trigger {
    /// As events and documents call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Compaction => "compaction",
            Self::Shutdown => "shutdown",
            Self::Backfill => "backfill",
        }
    }

    /// Which of them an event may have.
    fn of(event: &str, named: &str) -> Option<Self> {
        match (event, named) {
            ("memory/session.compaction.pending", "compaction") => Some(Self::Compaction),
            ("memory/session.ended", "shutdown") => Some(Self::Shutdown),
            ("memory/session.ended", "backfill") => Some(Self::Backfill),
            _ => None,
        }
    }
}

/// What is known of a session, without what was said in it: that stays in the event.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Which.
    pub session_id: String,
    /// What is the same whenever the same part of it is sent again.
    pub dedupe_key: String,
    /// Why it is looked at.
    pub trigger: Trigger,
    /// What people call it.
    pub session_name: Option<String>,
    /// How many messages it has.
    pub message_count: u64,
    /// How many tokens it had; how many messages, where nobody has counted.
    pub total_tokens: u64,
    /// How many files it read.
    pub files_read: usize,
    /// How many files it changed.
    pub files_modified: usize,
    /// When it was captured.
    pub captured_at: Timestamp,
}

impl Session {
    /// Reads an event. `now` is for an event that says no time.
    pub(crate) fn of(event: &Incoming<Value>, now: Timestamp) -> Result<Self> {
        let invalid = |why: String| Error::stop(why).named("Invalid");
        let text = |name: &str| {
            let text = event.data[name].as_str().map(str::trim).filter(|text| !text.is_empty());
            text.ok_or_else(|| invalid(format!("an event of a session needs `{name}`")))
        };
        let (session_id, dedupe_key) = (line(text("sessionId")?), text("dedupeKey")?.to_owned());
        let named = text("trigger")?;
        let trigger = Trigger::of(&event.name, named)
            .ok_or_else(|| invalid(format!("`{}` has no trigger `{named}`", event.name)))?;
        // What was said may be empty once it is cleaned, but not missing.
        text("messages")?;
        let length = |name: &str| event.data[name].as_array().map_or(0, Vec::len);
        let message_count = event.data["messageCount"].as_u64().unwrap_or(0);
        let counted =
            event.data["tokensBefore"].as_u64().filter(|_| trigger == Trigger::Compaction);
        let captured = event.data["capturedAt"].as_str().and_then(|time| time.parse().ok());
        Ok(Self {
            session_id,
            dedupe_key,
            trigger,
            session_name: event.data["sessionName"].as_str().map(line),
            message_count,
            total_tokens: counted.unwrap_or(message_count),
            files_read: length("filesRead"),
            files_modified: length("filesModified"),
            captured_at: captured.or(event.ts).unwrap_or(now),
        })
    }

    /// The day on which it was captured, as `2026-03-01`.
    pub(crate) fn date(&self) -> String {
        self.captured_at.to_string()[..10].to_owned()
    }

    /// The time of that day, as `12:34`.
    pub(crate) fn time(&self) -> String {
        self.captured_at.to_string()[11..16].to_owned()
    }

    /// What stands for the dedupe key where it has to be short and plain.
    pub(crate) fn mark(&self) -> String {
        digest(&self.dedupe_key)[..12].to_owned()
    }
}

/// One line of at most 200 characters.
fn line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
