//! The meetings that were looked at, in Redis.

use outside::{Changes, Store};
use system_bus_sdk::prelude::*;

use crate::events::Meeting;

/// The set of their ids.
const SET: &str = "granola:processed";
/// How long it is kept after the last one.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// Whether a meeting was looked at.
pub(crate) fn is(io: &Io, id: &str) -> Result<bool> {
    Ok(Store::of(io).set_contains(SET, id)?)
}

/// Those that were not, each once. Without Redis nobody knows: then the step fails, since looking at all of them again
/// would hand out their tasks again.
pub(crate) fn without(io: &Io, meetings: &[Meeting]) -> Result<Vec<Meeting>> {
    let mut new: Vec<Meeting> = Vec::new();
    for meeting in meetings {
        let known = new.iter().any(|one| one.meeting_id == meeting.meeting_id);
        if !known && !is(io, &meeting.meeting_id)? {
            new.push(meeting.clone());
        }
    }
    Ok(new)
}

/// Notes that a meeting was looked at.
pub(crate) fn mark(io: &Io, id: &str) -> Result<()> {
    Store::of(io).make(Changes::default().set_add(SET, id).expire(SET, KEPT))?;
    Ok(())
}
