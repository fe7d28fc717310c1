//! What is remembered of schedules between checks. The server forgets runs, and says of no function
//! since when it is there. Optional: without Redis a check knows what the server shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use system_bus_sdk::prelude::*;

use crate::verdict::Seen;

/// How long something is remembered: longer than twice the longest period that is usual.
const KEPT: Duration = Duration::from_hours(800 * 24);

/// What is remembered of one schedule.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Remembered {
    /// When a check first saw it, in milliseconds since 1970.
    pub first_seen: i64,
    /// When it last led to a run that completed.
    pub last_success: Option<i64>,
}

/// Remembers what was seen, and answers with what is known now. None while Redis is away.
pub(crate) fn remember(io: &Io, seen: &[Seen], now: i64) -> Option<BTreeMap<String, Remembered>> {
    let known = seen.iter().map(|one| Ok((one.key(), remember_one(io, one, now)?)));
    known.collect::<Result<_>>().inspect_err(|why| log::warn!("nothing is remembered: {why}")).ok()
}

fn remember_one(io: &Io, seen: &Seen, now: i64) -> Result<Remembered> {
    let key = format!("function-health:schedule:{}", seen.key());
    let before = io.redis().get(&key)?.and_then(|value| value.json::<Remembered>().ok());
    let known = Remembered {
        first_seen: before.map_or(now, |before| before.first_seen.min(now)),
        last_success: seen.last_success.max(before.and_then(|before| before.last_success)),
    };
    if before != Some(known) {
        let json = serde_json::to_vec(&known).stop()?;
        io.redis().set(key, json).expires_in(KEPT).always()?;
    }
    Ok(known)
}
