//! The desk's calls: taken, run, answered, and kept until the server has the reply.

use std::time::{Duration, Instant};

use protocol::connect::book::{Lease, Taken};
use protocol::connect::frames::{ConnectMessage, ExtendLeaseAck, Kind};
use protocol::connect::request::Request;
use protocol::connect::response;
use protocol::reply::Reply;

use super::{Desk, News};
use crate::chance;
use crate::connect::flush::{self, Flushed};
use crate::connect::line::LineId;
use crate::drain;

/// How many calls may wait for a slot. The server holds calls back by itself; more than these come from one that does
/// not, and are handed back.
const QUEUE: usize = 1_000;

impl Desk {
    /// Answers for the process before us: it cannot any more.
    pub(super) fn give_back_what_was_left(&mut self) {
        let left = std::mem::take(&mut self.setup.left);
        if !left.is_empty() {
            tracing::info!(
                calls = left.len(),
                "handing back calls that the last process of this instance took and did not answer"
            );
        }
        for envelope in left {
            let id = envelope.id().to_owned();
            let reply = envelope.hand_back(&chance::word(), "the worker died before it was done");
            if let Some(reply) = reply {
                self.book.take(Instant::now(), envelope);
                self.book.answer(&id, reply);
            } else {
                tracing::warn!(
                    run = envelope.run(),
                    function = envelope.slug(),
                    "a call died with the last process in its last attempt; the server will find out when its lease ends"
                );
                self.done(&id);
            }
        }
    }

    /// A call arrived over this connection.
    pub(super) fn requested(&mut self, line: LineId, request: Request) {
        let ack = ConnectMessage::around(Kind::WorkerRequestAck, &request.envelope.ack());
        match self.book.take(Instant::now(), request.envelope.clone()) {
            Taken::New(envelope) => {
                let id = envelope.id();
                let (run, function) = (envelope.run(), envelope.slug());
                tracing::debug!(request = id, run, function, "took a call");
                if let Some(journal) = &mut self.setup.journal {
                    journal.taken(&envelope);
                }
                if !self.send_over(line, &ack) {
                    // Nobody was told that it is ours: it goes to another worker, and must not run twice.
                    self.book.forget(id);
                    self.done(id);
                    return;
                }
                self.carry(line, id);
                let full = self.running.len() >= self.setup.concurrency + QUEUE;
                let back = (full || self.stopping.is_some())
                    .then(|| envelope.hand_back(&chance::word(), drain::REASON))
                    .flatten();
                match back {
                    Some(reply) => self.answered(id, reply),
                    None => self.begin(id.to_owned(), request),
                }
            }
            Taken::Running => {
                self.send_over(line, &ack);
            }
            Taken::Answered(again) => {
                if self.send_over(line, &ack) && self.send_over(line, &response::frame(&again)) {
                    self.book.sent(&again.request_id, Instant::now());
                }
            }
        }
    }

    /// Takes down over which connection a call came: that one stays until the call is done.
    fn carry(&mut self, line: LineId, id: &str) {
        if let Some(held) = self.lines.iter_mut().find(|held| held.id == line) {
            held.carries.insert(id.to_owned());
        }
    }

    fn begin(&mut self, id: String, request: Request) {
        let (tell, of) = (self.teller(), id.clone());
        let abort = self.setup.work.begin(request, move |reply| tell(News::Answered(of, reply)));
        self.running.insert(id, abort);
    }

    /// A call has its reply.
    pub(super) fn answered(&mut self, id: &str, reply: Reply) {
        self.running.remove(id);
        let Some(answer) = self.book.answer(id, reply) else { return };
        let now = Instant::now();
        if self.send(&response::frame(&answer)) {
            self.book.sent(id, now);
        } else {
            self.flush_at = self.flush_at.min(now);
        }
    }

    pub(super) fn stored(&mut self, id: &str) {
        if self.book.stored(id) {
            tracing::debug!(request = id, "a reply is stored");
            self.done(id);
        }
    }

    fn done(&mut self, id: &str) {
        if let Some(journal) = &mut self.setup.journal {
            journal.done(id);
        }
        for held in &mut self.lines {
            held.carries.remove(id);
        }
        self.release_leaving();
    }

    pub(super) fn extend_leases(&mut self, now: Instant) {
        for extension in self.book.leases_due(now) {
            self.send(&ConnectMessage::around(Kind::WorkerRequestExtendLease, &extension));
        }
    }

    pub(super) fn lease_answered(&mut self, ack: ExtendLeaseAck) {
        let id = ack.request_id.clone();
        if self.book.extended(ack) != Lease::Lost {
            return;
        }
        tracing::warn!(
            request = id,
            "the server has given up a call that runs here; it is stopped, and its reply would not count"
        );
        if let Some(running) = self.running.remove(&id) {
            running.abort();
        }
        self.done(&id);
    }

    /// Sends what no connection has carried yet over the open one.
    pub(super) fn resend(&mut self) {
        let now = Instant::now();
        for answer in self.book.unsent() {
            if self.send(&response::frame(&answer)) {
                self.book.sent(&answer.request_id, now);
            }
        }
    }

    pub(super) fn wants_flush(&self) -> bool {
        !self.flushing && self.book.has_unsent()
    }

    /// Hands over by HTTP what no connection carries.
    pub(super) fn flush(&mut self, now: Instant) {
        if !self.wants_flush() || now < self.flush_at {
            return;
        }
        self.flushing = true;
        let tell = self.teller();
        let round = flush::round(self.setup.api.clone(), self.book.unsent(), move |flushed| {
            tell(News::Flushed(flushed));
        });
        // It ends by itself: each reply is tried a few times.
        tokio::spawn(round);
    }

    pub(super) fn flushed(&mut self, flushed: Flushed) {
        match flushed {
            Flushed::Stored(id) => self.stored(&id),
            Flushed::Refused(id, error) => {
                tracing::error!(request = id, %error, "the server does not take the reply to a call; it is dropped");
                self.book.forget(&id);
                self.done(&id);
            }
            Flushed::Over(None) => {
                self.flushing = false;
                self.flush_backoff.succeeded();
            }
            Flushed::Over(Some(error)) => {
                self.flushing = false;
                let pause = self.flush_backoff.failed(chance::share());
                // A reply is worthless when its lease has ended, two minutes after the last extension.
                let pause = pause.min(Duration::from_secs(20));
                self.flush_at = Instant::now() + pause;
                tracing::warn!(replies = self.book.unsent().len(), %error, ?pause, "replies could not be handed over; trying again after a pause");
            }
        }
    }
}
