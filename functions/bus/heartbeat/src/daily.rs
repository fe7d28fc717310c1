//! What is asked for once a day, at its hour on the Pacific coast.

use jiff::Zoned;
use jiff::tz::TimeZone;
use outside::Folder;
use system_bus_sdk::prelude::*;

use crate::marks;

/// When a decision was last asked for.
const PITCH: &str = "adr:pitch:last-fired";
/// How long there is no other one.
const PITCH_LASTS: Duration = Duration::from_hours(20);
const DIGEST_LASTS: Duration = Duration::from_hours(24);
/// The root with what the memory keeps.
const ROOT: &str = "memory";
/// Where the digest of a day is, unless the operator says so.
const DIGEST_FILE: &str = "digests/{date}-digest.md";

/// Something to ask for.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// The day that it is for.
    pub(crate) date: String,
    /// The id of its event. Without Redis it is what keeps a second one away.
    pub(crate) id: String,
}

/// Between eight and ten: a decision that is worth working on.
pub(crate) fn pitch(io: &Io, run: &str, now: Timestamp) -> Option<Wish> {
    let local = local(now);
    if !(8..10).contains(&local.hour()) {
        return None;
    }
    let date = local.date().to_string();
    let id = format!("heartbeat-adr-pitch-{date}");
    let free = marks::claim(io, PITCH, PITCH_LASTS, run).unwrap_or_else(|refused| {
        marks::without_redis(io, "maybe-request-adr-pitch", &refused);
        true
    });
    free.then_some(Wish { date, id })
}

/// From a quarter to midnight: the digest of the day, unless it is written.
pub(crate) fn digest(io: &Io, run: &str, now: Timestamp) -> Option<Wish> {
    if !is_digest_time(now) {
        return None;
    }
    let date = local(now).date().to_string();
    let file = io.config("HEARTBEAT_DIGEST_FILE").filter(|file| !file.trim().is_empty());
    let file = file.as_deref().unwrap_or(DIGEST_FILE).replace("{date}", &date);
    // A folder that nobody may look into has no digest that we know of.
    if Folder::of(io, ROOT).size(file.trim()).is_ok_and(|size| size.is_some()) {
        return None;
    }
    let key = format!("heartbeat:digest:fanout:{date}");
    let free = marks::claim(io, &key, DIGEST_LASTS, run).unwrap_or_else(|refused| {
        marks::without_redis(io, "maybe-request-daily-digest", &refused);
        true
    });
    let id = format!("heartbeat-daily-digest-{date}");
    free.then_some(Wish { date, id })
}

/// Whether it is a quarter to midnight or later.
pub(crate) fn is_digest_time(now: Timestamp) -> bool {
    let local = local(now);
    local.hour() == 23 && local.minute() >= 45
}

fn local(now: Timestamp) -> Zoned {
    now.to_zoned(TimeZone::get("America/Los_Angeles").unwrap_or(TimeZone::UTC))
}
