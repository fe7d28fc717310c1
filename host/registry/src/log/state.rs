//! What readers see of the log, and what they must wait for.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use protocol::id::RunId;
use tokio::sync::watch;

use super::error::LogError;
use crate::activation::Activation;
use crate::history::History;

/// How far the newest line may be ahead of the clock before that is worth a warning.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// What readers see, all of it at once.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) history: Arc<History>,
    /// While lines are being written: the earliest time, in milliseconds, from which on they may hold.
    pub(super) pending: Option<u64>,
    pub(super) trouble: Option<LogError>,
}

impl State {
    /// Whether lines are being written that may hold for this run.
    pub(super) fn undecided(&self, run: RunId) -> bool {
        self.pending.is_some_and(|from| run.unix_millis() >= from)
    }
}

/// Lines that are being written. Dropped without an end, they have failed.
pub(super) struct Pending<'s>(&'s watch::Sender<State>);

impl<'s> Pending<'s> {
    /// From now on nothing is decided for runs from `from` on.
    pub(super) fn begin(state: &'s watch::Sender<State>, from: Timestamp) -> Self {
        let from = u64::try_from(from.as_millisecond()).unwrap_or(0);
        state.send_modify(|state| state.pending = Some(from));
        Self(state)
    }

    /// The lines are on disk.
    pub(super) fn publish(self, history: Arc<History>) {
        // At once: nobody may see the end of the wait without the lines.
        self.0.send_modify(|state| {
            state.history = history;
            state.pending = None;
        });
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.send_if_modified(|state| state.pending.take().is_some());
    }
}

/// From when on lines hold that are written now, in whole milliseconds: run ids have no fractions. Later than every run
/// that can have been decided, and later than the line before.
pub(super) fn holds_from(now: Timestamp, lead: Duration, last: Option<&Activation>) -> Timestamp {
    let lead = i64::try_from(lead.as_millis()).unwrap_or(i64::MAX);
    let from = now.as_millisecond().saturating_add(1).saturating_add(lead);
    let earliest = last.map_or(i64::MIN, |last| last.at.as_millisecond().saturating_add(1));
    if let Some(last) = last.filter(|last| last.at.duration_since(now) > CLOCK_TOLERANCE) {
        tracing::warn!(
            last = %last.at, now = %now,
            "the newest line of the activation log is ahead of this clock; what is activated now holds for new runs \
             only after that time: set the clock right"
        );
    }
    Timestamp::from_millisecond(from.max(earliest)).unwrap_or(Timestamp::MAX)
}
