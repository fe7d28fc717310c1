//! Telling people, once for each state of things: a check is made every hour, and what has not
//! changed is no news.

use serde::{Deserialize, Serialize};
use system_bus_sdk::prelude::*;

/// What people were told last.
const LATCH: &str = "function-health:told";
/// After this long the same is told again.
const AGAIN: Duration = Duration::from_hours(24);

/// What became of telling people.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Told {
    /// There is nothing to tell.
    Nothing,
    /// They were told before.
    Before,
    /// They are told now.
    Now,
    /// That it is over.
    Resolved,
    /// They could not be told.
    Lost,
}

/// Tells what is wrong, or that nothing is any more. Redis and the gateway are optional: without
/// them nothing is remembered, and the check goes on.
pub(crate) fn tell(io: &Io, problems: &[String]) -> Told {
    let before = io.redis().get(LATCH).ok().flatten();
    let before = before.as_ref().and_then(|value| value.str().ok()).map(str::to_owned);
    let state = problems.join("\n");
    if problems.is_empty() {
        return over(io, before.is_some());
    }
    if before.as_deref() == Some(&state) {
        return Told::Before;
    }
    let details = serde_json::json!({ "problems": problems });
    let pushed = io.gateway().alert("functions are not registered or do not run", &details);
    // Remembered only when it was told: an alert that was lost is made again.
    if !(pushed.pushed || pushed.queued) {
        return Told::Lost;
    }
    if let Err(why) = io.redis().set(LATCH, state).expires_in(AGAIN).always() {
        log::warn!("what was told is not remembered: {why}");
    }
    Told::Now
}

fn over(io: &Io, was_told: bool) -> Told {
    if !was_told {
        return Told::Nothing;
    }
    let text = serde_json::json!({ "message": "all functions are registered and run again" });
    let pushed = io.gateway().notify("system.function-health.resolved", &text);
    if !(pushed.pushed || pushed.queued) {
        return Told::Lost;
    }
    if let Err(why) = io.redis().delete([LATCH]) {
        log::warn!("that it is over is not remembered: {why}");
    }
    Told::Resolved
}
