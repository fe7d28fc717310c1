//! The desk's connections: one that is used, and for moments another that replaces it.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use protocol::connect::backoff::Backoff;
use protocol::connect::frames::{ConnectMessage, Kind, WorkerStatus};
use protocol::connect::link::{Heard, Intervals, LinkError};
use protocol::sync::{Differences, HeldFunction};

use super::{Desk, News};
use crate::chance;
use crate::connect::line::{Line, LineError, LineId, LineNews};
use crate::server_api::ApiError;
use crate::sync::SyncState;

/// A connection that lived this long was a good one: the next failure is a first one.
const PROVEN: Duration = Duration::from_secs(10);

/// With more bytes of replies than this not stored, no further work is fetched. (What runs may still add its own.)
const KEEP: usize = 64 << 20;

/// A connection, or an attempt at one.
#[derive(Debug)]
pub(super) struct Held {
    id: LineId,
    line: Line,
    group: Option<String>,
    /// Since when it is ready.
    open: Option<Instant>,
    /// It will be closed: it is used only while there is no other.
    leaving: bool,
}

impl Desk {
    /// The connection to send over: the newest that is ready.
    pub(super) fn open_line(&self) -> Option<&Line> {
        let ready = || self.lines.iter().rev().filter(|held| held.open.is_some());
        ready().find(|held| !held.leaving).or_else(|| ready().next()).map(|held| &held.line)
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
        let has_one = self.lines.iter().any(|held| !held.leaving);
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
        let line =
            self.setup.dialler.dial(self.exclude.clone(), move |news| tell(News::Line(id, news)));
        self.lines.push(Held { id, line, group: None, open: None, leaving: false });
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
        let functions = self.setup.payload.slugs().count();
        tracing::info!(app = %self.setup.app, functions, "connected to the gateway and registered");
        self.exclude.clear();
        self.look_at = Some(now + self.setup.look_again);
        self.setup.state.send_replace(SyncState::Synced {
            at: Timestamp::now(),
            functions,
            foreign: Vec::new(),
        });
        // Whatever the old one was to carry goes over this one.
        for held in self.lines.iter().filter(|held| held.id != id) {
            held.line.close();
        }
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
        if self.stopping.is_none() {
            tracing::warn!(app = %self.setup.app, %error, ?pause, "not connected; trying again after a pause");
        }
        if self.open_line().is_none() {
            let failures = u32::try_from(self.backoff.failures()).unwrap_or(u32::MAX);
            let error = Some(error.to_string());
            self.setup.state.send_replace(SyncState::Pending { failures, error });
        }
    }

    /// Closes what is about to leave, once it has nothing to carry any more: a single server leaves when its last client
    /// has.
    pub(super) fn release_leaving(&mut self) {
        if self.book.is_empty() {
            for held in self.lines.iter().filter(|held| held.leaving) {
                held.line.close();
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

    /// Asks from time to time whether the server still has our functions.
    pub(super) fn look(&mut self, now: Instant) {
        let due = self.look_at.is_some_and(|at| now >= at);
        if !due || self.open_line().is_none() || self.stopping.is_some() {
            return;
        }
        self.look_at = None;
        let (tell, api, app) = (self.teller(), self.setup.api.clone(), self.setup.app.clone());
        // It ends with the request's own limit of time.
        tokio::spawn(async move { tell(News::Has(api.functions(&app).await)) });
    }

    pub(super) fn compare(&mut self, answer: Result<Vec<HeldFunction>, ApiError>) {
        self.look_at = Some(Instant::now() + self.setup.look_again);
        let app = &self.setup.app;
        let held = match answer {
            Ok(held) => held,
            // The connection itself tells whether the server is there, and not every server has this route.
            Err(error) => {
                tracing::debug!(%app, %error, "the server cannot tell what it has");
                return;
            }
        };
        let Differences { wrong, foreign } = self.setup.payload.differences(&held);
        self.setup.state.send_if_modified(|state| match state {
            SyncState::Synced { foreign: known, .. } if *known != foreign => {
                *known = foreign;
                true
            }
            _ => false,
        });
        // A connection that is being replaced will be asked about again.
        if !wrong.is_empty() && self.lines.iter().all(|held| !held.leaving) {
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

    pub(super) fn close_all(&self) {
        for held in &self.lines {
            held.line.close();
        }
    }
}
