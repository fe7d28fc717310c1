//! The events.

use system_bus_sdk::prelude::*;

/// Somebody wants a video.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event("pipeline/video.requested")]
#[serde(rename_all = "camelCase")]
pub struct VideoRequested {
    /// Where it is.
    pub url: String,
    /// The most lines that it may have: 1080 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_quality: Option<i64>,
    /// The session that asked, which the gateway tells too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_session: Option<String>,
}

/// A video was kept.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event("pipeline/video.downloaded")]
#[serde(rename_all = "camelCase")]
pub struct VideoDownloaded {
    /// The name of its folder.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Who made it.
    pub channel: String,
    /// Where it came from.
    pub url: String,
    /// When it was published, as `2026-03-01`; none where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_date: Option<String>,
    /// How long it is, in seconds.
    pub duration: f64,
    /// Where it is kept.
    pub nas_path: String,
    /// Where it is on this machine.
    pub tmp_dir: String,
}

/// A transcript is wanted.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event("pipeline/transcript.requested")]
#[serde(rename_all = "camelCase")]
pub struct TranscriptRequested {
    /// What it is made of: `youtube`.
    pub source: String,
    /// The file that is listened to.
    pub audio_path: String,
    /// Everything that is known of it.
    #[serde(flatten)]
    pub video: VideoDownloaded,
    /// The session that asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_session: Option<String>,
}
