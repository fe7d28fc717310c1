//! What the operator sets.

use system_bus_sdk::prelude::*;

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where videos are kept: a user and a host, as ssh takes them.
    pub(crate) host: String,
    /// The folder there.
    pub(crate) folder: String,
    /// The folder of the root `video-ingest`.
    pub(crate) ingest: String,
}

impl Settings {
    pub(crate) fn read(ctx: &Ctx) -> Self {
        Self::of(|key| ctx.config(key))
    }

    pub(crate) fn of(setting: impl Fn(&str) -> Option<String>) -> Self {
        // What begins with `-` would be an option of ssh; ssh gives a path with other characters to a shell.
        let plain = |c: char| c.is_ascii_alphanumeric() || "@._-/".contains(c);
        let text = |key: &str, other: &str| {
            let text = setting(key).map(|text| text.trim().trim_end_matches('/').to_owned());
            let text = text.filter(|text| !text.is_empty() && !text.starts_with('-'));
            text.filter(|text| text.chars().all(plain)).unwrap_or_else(|| other.to_owned())
        };
        Self {
            host: text("NAS_SSH_HOST", "joel@three-body"),
            folder: text("VIDEO_NAS_ROOT", "/volume1/home/joel/video"),
            ingest: text("VIDEO_INGEST_ROOT", "/tmp/video-ingest"),
        }
    }
}

/// The quality that is asked for, in lines: 1080 unless the event says, within what there is.
pub(crate) fn quality(asked: Option<i64>) -> i64 {
    asked.filter(|lines| *lines > 0).map_or(1080, |lines| lines.clamp(144, 4320))
}
