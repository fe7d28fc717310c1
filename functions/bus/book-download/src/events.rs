//! The events.

use system_bus_sdk::prelude::*;

/// Somebody wants a book.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("pipeline/book.download")]
#[serde(rename_all = "camelCase")]
pub struct BookWanted {
    /// What to look for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Which one, where somebody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// The form that is wanted: `pdf`, `epub` and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// What it is to be called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it is about.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The session that asked, which the gateway tells too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_session: Option<String>,
}

/// A document is to be read in.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event("docs/ingest.requested")]
#[serde(rename_all = "camelCase")]
pub struct IngestRequested {
    /// Where it is on this machine.
    pub path: String,
    /// Where it is kept; none where that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nas_path: Option<String>,
    /// Its title.
    pub title: String,
    /// What it is about.
    pub tags: Vec<String>,
    /// Who asks.
    pub source: String,
}

/// A book was fetched.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event("pipeline/book.downloaded")]
#[serde(rename_all = "camelCase")]
pub struct BookDownloaded {
    /// Which one.
    pub md5: String,
    /// Its title.
    pub title: String,
    /// Its form.
    pub format: String,
    /// Where it is on this machine.
    pub path: String,
    /// How large it is.
    pub bytes: u64,
    /// Where it is kept; none where that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nas_path: Option<String>,
    /// Why it is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_error: Option<String>,
    /// How it was chosen.
    pub reason: String,
}
