//! The beat that people see.

use outside::{Tell, Told};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::beat::Beat;
use crate::marks;

/// When people last saw one.
const LAST: &str = "heartbeat:visible:last_notified";
const PAUSE: Duration = Duration::from_hours(1);

/// Shows people that it beats, once in an hour. Without Redis the gateway has no way to them.
pub(crate) fn tell(io: &Io, beat: &Beat, run: &str, now: Timestamp) -> Option<Told> {
    let free = marks::claim(io, LAST, PAUSE, run).unwrap_or_else(|refused| {
        marks::without_redis(io, "maybe-emit-user-visible-heartbeat", &refused);
        false
    });
    let details = json!({
        "message": format!("The heart beats: {} checks were asked for", beat.checks.len()),
        "source": beat.source,
        "at": now,
        "checks": beat.checks.len(),
        "pruned": beat.pruned.removed,
    });
    free.then(|| Tell::notify("cron.heartbeat", details).by(io))
}
