//! The desk's connections: one that is used, and for moments another that replaces it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::connect::backoff::Backoff;
use protocol::connect::frames::{ConnectMessage, Kind, WorkerStatus};
use protocol::connect::link::{Heard, Intervals, LinkError};
use protocol::sync::{Conflict, Differences, HeldFunction};

use super::{Desk, News};
use crate::chance;
use crate::connect::line::{Line, LineError, LineId, LineNews};
use crate::connect::told::Told;
use crate::server_api::ApiError;
use crate::sync::SyncState;

/// A connection that lived this long was a good one: the next failure is a first one.
const PROVEN: Duration = Duration::from_secs(10);

/// With more bytes of replies than this not stored, no new connection is made: it would only bring more.
const KEEP: usize = 64 << 20;

/// A connection, or an attempt at one.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) id: LineId,
    pub(super) line: Line,
    /// What its handshake says.
    pub(super) told: Arc<Told>,
    group: Option<String>,
    /// Since when it is ready.
    pub(super) open: Option<Instant>,
    /// It will be closed: it is used only while there is no other.
    pub(super) leaving: bool,
    /// Since when it takes no more calls, because a newer one announces something else.
    pub(super) paused: Option<Instant>,
    /// It was told to close, and ends as soon as the gateway has answered.
    pub(super) closed: bool,
    /// The calls that came over it and are not done.
    pub(super) carries: HashSet<String>,
}

impl Desk {
    /// The connection to send over: the newest that is ready.
    pub(super) fn open_line(&self) -> Option<&Line> {
        self.open_held().map(|held| &held.line)
    }

    pub(super) fn open_held(&self) -> Option<&Held> {
        let ready = || self.lines.iter().rev().filter(|held| held.open.is_some());
        ready().find(|held| !held.leaving).or_else(|| ready().next())
    }

    /// Sends over whatever connection is open; false when none is.
    pub(super) fn send(&self, frame: &ConnectMessage) -> bool {
        self.open_line().is_some_and(|line| line.send(frame))
    }

    /// Sends over this connection only; false when it is gone.
    pub(super) fn send_over(&self, id: LineId, frame: &ConnectMessage) -> bool {
        self.lines.iter().find(|held| held.id == id).is_some_and(|held| held.line.send(frame))
    }

    pub(super) fn wants_line(&self) -> bool {
        let has_one = self.lines.iter().any(|held| {
            // One that is on its way is waited for, whatever it will say.
            !held.leaving && (held.open.is_none() || held.told.is(&self.wanted))
        });
        self.stopping.is_none() && !has_one && self.book.kept() <= KEEP
    }

    /// Dials when that is due.
    pub(super) fn dial(&mut self, now: Instant) {
        if !self.wants_line() || now < self.dial_at {
            return;
        }
        self.dialled += 1;
        let id = self.dialled;
        let tell = self.teller();
        let told = self.next_told();
        let line = self.setup.dialler.dial(Arc::clone(&told), self.exclude.clone(), move |news| {
            tell(News::Line(id, news));
        });
        self.lines.push(Held {
            id,
            line,
            told,
            group: None,
            open: None,
            leaving: false,
            paused: None,
            closed: false,
            carries: HashSet::new(),
        });
    }

    pub(super) fn line_news(&mut self, id: LineId, news: LineNews) {
        match news {
            LineNews::Group(group) => {
                if let Some(held) = self.held(id) {
                    held.group = Some(group);
                }
            }
            LineNews::Heard(Heard::Ready(intervals)) => self.opened(id, intervals),
            LineNews::Heard(Heard::Request(request)) => self.requested(id, *request),
            LineNews::Heard(Heard::Lease(ack)) => self.lease_answered(ack),
            LineNews::Heard(Heard::Stored(id)) => self.stored(&id),
            LineNews::Heard(Heard::Closing) => self.closing(id),
            LineNews::Heard(Heard::Hello | Heard::Nothing) => {}
            LineNews::StatusDue => self.report(id),
            LineNews::Ended(error) => self.ended(id, &error),
        }
    }

    fn held(&mut self, id: LineId) -> Option<&mut Held> {
        self.lines.iter_mut().find(|held| held.id == id)
    }

    fn opened(&mut self, id: LineId, intervals: Intervals) {
        let now = Instant::now();
        let Some(held) = self.held(id) else { return };
        held.open = Some(now);
        let told = Arc::clone(&held.told);
        let functions = told.payload.slugs().count();
        tracing::info!(app = %self.setup.payloads.app, functions, "connected to the gateway and registered");
        self.exclude.clear();
        self.look_at = Some(now + self.setup.look_again);
        if told.is(&self.wanted) {
            self.blocked = 0;
            self.setup.state.send_replace(SyncState::Synced {
                at: Timestamp::now(),
                functions,
                payload: told.fingerprint.clone(),
                foreign: Vec::new(),
            });
        } else {
            // What we announce has changed meanwhile.
            self.dial_at = now;
        }
        // Whatever an old one was to carry goes over this one.
        self.relieve(id, &told, now);
        self.book.connected(now, intervals.extend_lease);
        self.resend();
    }

    fn closing(&mut self, id: LineId) {
        let Some(held) = self.held(id).filter(|held| !held.leaving) else { return };
        tracing::info!("the gateway is about to leave; connecting elsewhere first");
        held.leaving = true;
        let group = held.group.clone();
        self.exclude.extend(group);
        self.dial_at = Instant::now();
    }

    /// Replaces the connection, because a handshake registers the functions: with a pause, so that a server that loses
    /// them each time is not stormed.
    fn replace(&mut self) {
        for held in &mut self.lines {
            held.leaving = true;
        }
        self.dial_at = Instant::now() + self.backoff.failed(chance::share());
    }

    fn ended(&mut self, id: LineId, error: &LineError) {
        let Some(at) = self.lines.iter().position(|held| held.id == id) else { return };
        let held = self.lines.remove(at);
        let now = Instant::now();
        if self.open_line().is_none() {
            self.book.disconnected();
            self.flush_at = now;
        }
        if held.leaving || matches!(error, LineError::Ours) {
            tracing::debug!(%error, "a connection has ended");
            return;
        }
        if held.open.is_some_and(|open| now.duration_since(open) >= PROVEN) {
            self.backoff.succeeded();
        }
        if let LineError::Owned(conflicts) = error {
            self.owned(conflicts.clone(), now);
            return;
        }
        if matches!(error, LineError::Link(LinkError::Refused(_))) {
            self.backoff.hopeless();
        }
        // While an old connection still carries what runs, its successor is tried for at a short pace, and its failures
        // say little: a server that restarts is away for as long as that lasts.
        let pause = if self.open_line().is_some() {
            Backoff::default().failed(chance::share())
        } else {
            self.backoff.failed(chance::share())
        };
        self.dial_at = now + pause;
        // There is no elsewhere yet: what idles is given up, so that a server that waits for its clients can leave.
        self.release_leaving();
        if self.stopping.is_none() {
            tracing::warn!(app = %self.setup.payloads.app, %error, ?pause, "not connected; trying again after a pause");
        }
        if self.stopping.is_none() && !self.is_told() {
            let failures = u32::try_from(self.backoff.failures()).unwrap_or(u32::MAX);
            let error = Some(error.to_string());
            self.setup.state.send_replace(SyncState::Pending { failures, error });
        }
    }

    /// Closes what is about to leave, once it has nothing to carry any more: a single server leaves when its last client
    /// has.
    pub(super) fn release_leaving(&mut self) {
        if self.book.is_empty() {
            for held in self.lines.iter_mut().filter(|held| held.leaving && held.paused.is_none()) {
                held.close();
            }
        }
    }

    fn report(&self, id: LineId) {
        let status = WorkerStatus {
            in_flight_request_ids: self.book.running().map(|one| one.id().to_owned()).collect(),
            shutdown_requested: self.stopping.is_some(),
        };
        self.send_over(id, &ConnectMessage::around(Kind::WorkerStatus, &status));
    }

    /// Asks from time to time whether the server still has our functions, and nobody else.
    pub(super) fn look(&mut self, now: Instant) {
        let due = self.look_at.is_some_and(|at| now >= at);
        if !due || self.open_line().is_none() || self.stopping.is_some() {
            return;
        }
        self.look_at = None;
        let (tell, api, app) =
            (self.teller(), self.setup.api.clone(), self.setup.payloads.app.clone());
        let (owners, wanted) = (self.setup.dialler.owners.clone(), Arc::clone(&self.wanted));
        // It ends with the requests' own limit of time.
        tokio::spawn(async move {
            let held = api.functions(&app).await;
            // The connection itself tells whether the server is there.
            let conflicts = owners.conflicts(&wanted.announced).await.unwrap_or_default();
            tell(News::Has(held, conflicts));
        });
    }

    pub(super) fn compare(
        &mut self,
        answer: Result<Vec<HeldFunction>, ApiError>,
        conflicts: Vec<Conflict>,
    ) {
        let now = Instant::now();
        self.look_at = Some(now + self.setup.look_again);
        if !self.is_told() {
            // What the server has is about to be replaced.
            return;
        }
        if !conflicts.is_empty() {
            self.setup.state.send_if_modified(|state| {
                state.note_conflicts(&self.setup.payloads.app, conflicts, Timestamp::now())
            });
            return;
        }
        let payload = &self.wanted.payload;
        self.setup.state.send_if_modified(|state| {
            let free = matches!(state, SyncState::Blocked { .. });
            if free {
                *state = SyncState::Synced {
                    at: Timestamp::now(),
                    functions: payload.slugs().count(),
                    payload: self.wanted.fingerprint.clone(),
                    foreign: Vec::new(),
                };
            }
            free
        });
        let app = &self.setup.payloads.app;
        let held = match answer {
            Ok(held) => held,
            // The connection itself tells whether the server is there, and not every server has this route.
            Err(error) => {
                tracing::debug!(%app, %error, "the server cannot tell what it has");
                return;
            }
        };
        let Differences { wrong, foreign } = payload.differences(&held);
        self.setup.state.send_if_modified(|state| state.note_foreign(app, foreign));
        // A connection that is being replaced will be asked about again.
        let replaced = self.lines.iter().any(|held| held.leaving && held.paused.is_none());
        if !wrong.is_empty() && !replaced {
            tracing::warn!(%app, ?wrong, "the server has not what it was told; connecting anew");
            self.replace();
        }
    }

    /// Tells every connection that no more calls are wanted, and gives up those that are not ready.
    pub(super) fn pause(&mut self) {
        for held in &self.lines {
            if held.open.is_some() {
                held.line.send(&ConnectMessage::empty(Kind::WorkerPause));
            } else {
                held.line.tear();
            }
        }
    }

    pub(super) fn close_all(&mut self) {
        for held in &mut self.lines {
            held.close();
        }
    }
}

impl Held {
    /// Closes the connection after what was sent before; once is enough.
    pub(super) fn close(&mut self) {
        if !std::mem::replace(&mut self.closed, true) {
            self.line.close();
        }
    }
}
