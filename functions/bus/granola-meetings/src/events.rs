//! The events.

use system_bus_sdk::prelude::*;

/// New meetings are to be looked for.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("granola/check.requested")]
pub struct CheckRequested {
    /// Who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// All meetings of the past are to be looked at.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("granola/backfill.requested")]
#[serde(rename_all = "camelCase")]
pub struct BackfillRequested {
    /// Whether they are only counted.
    #[serde(default)]
    pub dry_run: bool,
    /// Further spans of time.
    #[serde(default)]
    pub custom_ranges: Vec<Range>,
}

/// The meetings of a span of time are to be listed.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event("granola/list.requested")]
pub struct Range {
    /// A name that Granola knows: `today`, `this_week`, `last_week`, `last_30_days`, or `custom`.
    pub range: String,
    /// Where it begins, as `2026-03-01`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Where it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
}

impl Range {
    pub(crate) fn named(range: &str) -> Self {
        Self { range: range.to_owned(), start: None, end: None }
    }
}

/// A meeting: the data of `meeting/noted`, and what an analysis is invoked with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Meeting {
    /// Its id.
    pub meeting_id: String,
    /// What it is called.
    #[serde(default)]
    pub title: String,
    /// When it was, as Granola writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Who was there.
    #[serde(default)]
    pub participants: Vec<String>,
    /// Who found it: `heartbeat` or `backfill`. Nobody is given tasks of an old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What was said in a meeting is known.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event("meeting/transcript.fetched")]
#[serde(rename_all = "camelCase")]
pub struct TranscriptFetched {
    /// Which.
    pub meeting_id: String,
    /// What it is called.
    pub title: String,
    /// When it was, as `2026-03-01`.
    pub date: String,
    /// Who was there.
    pub participants: Vec<String>,
    /// What was said.
    pub transcript: String,
}
