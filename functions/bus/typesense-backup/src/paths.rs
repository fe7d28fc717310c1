//! Names of snapshots, and which paths may be removed.

use jiff::Timestamp;

/// The day on the Pacific coast, as `20260301`.
pub(crate) fn date_stamp(now: Timestamp) -> String {
    let zone = jiff::tz::TimeZone::get("America/Los_Angeles").unwrap_or(jiff::tz::TimeZone::UTC);
    now.to_zoned(zone).strftime("%Y%m%d").to_string()
}

/// The day and what started the run, so that two runs of a day do not share a snapshot.
pub(crate) fn snapshot_stamp(date: &str, event: &str) -> String {
    let safe = event.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_');
    let safe: String = safe.take(64).collect();
    format!("{date}-{}", if safe.is_empty() { "run" } else { &safe })
}

/// Where a snapshot is staged: each by itself, since a run that waits for the NAS lets others begin.
pub(crate) fn stage(root: &str, stamp: &str) -> String {
    format!("{root}/{stamp}")
}

/// Whether a path is one name within a root, and so may be removed with everything in it.
pub(crate) fn is_within(root: &str, path: &str) -> bool {
    let sound = root.starts_with('/')
        && root.len() > 1
        && root.split('/').skip(1).all(|part| !["", ".", ".."].contains(&part));
    let name = path.strip_prefix(root).and_then(|rest| rest.strip_prefix('/'));
    sound && name.is_some_and(|name| !name.contains('/') && !["", ".", ".."].contains(&name))
}
