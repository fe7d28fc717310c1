//! What we announce has changed: a connection that tells it takes the place of the one that tells the old.
//!
//! A handshake registers the functions, so a new connection is made while the old one goes on. When the new one is ready
//! the old one is paused, answers what it has, and is closed: there is always one that takes calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::connect::backoff::Backoff;
use protocol::connect::frames::{ConnectMessage, Kind};
use protocol::sync::Conflict;

use super::Desk;
use super::lines::Held;
use crate::connect::line::LineId;
use crate::connect::told::Told;
use crate::sync::{SyncState, pause_blocked};

/// How long a call may be on its way to a connection that was paused.
const SETTLE: Duration = Duration::from_millis(500);

/// How long a paused connection may stay for what it has. What runs longer than that goes on, and is answered over its
/// successor.
const STAY: Duration = Duration::from_secs(30);

impl Desk {
    /// What we announce may have changed. Where that is nothing to the server, no connection is touched.
    pub(super) fn announce(&mut self, now: Instant) {
        let announced = Arc::clone(&self.setup.announced.borrow_and_update());
        let told = Told::new(&self.setup.payloads, announced);
        let changed = !told.is(&self.wanted);
        self.wanted = Arc::new(told);
        if !changed || self.stopping.is_some() {
            return;
        }
        tracing::info!(app = %self.setup.payloads.app, "what is announced has changed; connecting anew");
        // What was wrong with the old functions may not be wrong with these.
        self.backoff = Backoff::default();
        self.blocked = 0;
        self.dial_at = now;
        self.setup.state.send_replace(SyncState::BEGIN);
    }

    /// Whether a connection is open that tells what we announce now.
    pub(super) fn is_told(&self) -> bool {
        self.open_held().is_some_and(|held| held.told.is(&self.wanted))
    }

    /// What the next connection is to tell. While others own some of what we announce, that is what we have told already,
    /// without what is not ours any more; once that is told, only waiting is left.
    pub(super) fn next_told(&self) -> Arc<Told> {
        let less = self
            .open_held()
            .filter(|_| self.blocked > 0)
            .and_then(|held| held.told.giving_up(&self.setup.payloads, &self.wanted));
        less.map_or_else(|| Arc::clone(&self.wanted), Arc::new)
    }

    /// Others own some of what was to be told.
    pub(super) fn owned(&mut self, conflicts: Vec<Conflict>, now: Instant) {
        let app = &self.setup.payloads.app;
        self.setup
            .state
            .send_if_modified(|state| state.note_conflicts(app, conflicts, Timestamp::now()));
        let gives_up = self.blocked == 0 && self.open_line().is_some();
        let pause = pause_blocked(self.blocked, self.setup.look_again);
        self.blocked += 1;
        self.dial_at = if gives_up { now } else { now + pause };
    }

    /// This connection is ready, and the others have had their time: those that tell the same are closed, and those that
    /// tell something else are paused first, so that no call on its way to them is lost.
    pub(super) fn relieve(&mut self, id: LineId, told: &Told, now: Instant) {
        for held in self.lines.iter_mut().filter(|held| held.id != id && held.paused.is_none()) {
            if held.open.is_some() && !held.leaving && !held.told.is(told) {
                held.line.send(&ConnectMessage::empty(Kind::WorkerPause));
                held.paused = Some(now);
                held.leaving = true;
            } else {
                held.close();
            }
        }
    }

    /// Closes what was paused and has nothing to answer any more.
    pub(super) fn settle(&mut self, now: Instant) {
        for held in &mut self.lines {
            if held.settles_at().is_some_and(|at| now >= at) {
                held.close();
            }
        }
    }

    /// When a paused connection is to be closed, if nothing happens before.
    pub(super) fn settles_at(&self) -> Option<Instant> {
        self.lines.iter().filter_map(Held::settles_at).min()
    }

    /// The worker ends, or another one takes over: the registration is nothing that we look after any more.
    pub(super) fn stand_down(&self) {
        self.setup.state.send_replace(SyncState::StoodDown { at: Timestamp::now() });
    }
}

impl Held {
    fn settles_at(&self) -> Option<Instant> {
        let stay = if self.carries.is_empty() { SETTLE } else { STAY };
        self.paused.filter(|_| !self.closed).map(|since| since + stay)
    }
}
