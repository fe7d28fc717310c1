//! A link, the book of requests, and what must hold between them: a request runs once, a reply is kept until it is stored
//! or nobody wants it, and nothing that is due stays due.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use prost::Message;
use protocol::call::Call;
use protocol::connect::book::{Book, Lease, Taken};
use protocol::connect::link::{Heard, Link};
use protocol::connect::request::Request;
use protocol::connect::response::frame;
use protocol::reply::Reply;

use super::{frames, journal};
use crate::reply;

/// Both, and what should be in the book.
pub(super) struct World {
    now: Instant,
    link: Link,
    ready: bool,
    book: Book,
    /// The requests in the book: how many bytes the response of each takes, or none while it runs.
    requests: BTreeMap<String, Option<usize>>,
}

impl World {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let (link, book) = (Link::new(now), Book::default());
        Self { now, link, ready: false, book, requests: BTreeMap::new() }
    }

    /// The gateway sends a frame.
    pub(super) fn hear(&mut self, bytes: Bytes) {
        frames::frame(&bytes);
        match self.link.hear(self.now, bytes) {
            Ok(Heard::Ready(intervals)) => {
                assert!(!self.ready, "a connection gets ready once");
                assert!(!intervals.heartbeat.is_zero() && !intervals.extend_lease.is_zero());
                self.ready = true;
                self.book.connected(self.now, intervals.extend_lease);
                let running = self.requests.values().filter(|bytes| bytes.is_none()).count();
                assert_eq!(self.book.leases_due(self.now).len(), running, "all leases at once");
            }
            Ok(Heard::Request(request)) => self.take(*request),
            Ok(Heard::Lease(ack)) => {
                assert!(self.ready);
                let id = ack.request_id.clone();
                let kept = ack.new_lease_id.as_ref().is_some_and(|lease| !lease.is_empty());
                let expected = match self.requests.get(&id) {
                    Some(None) if kept => Lease::Kept,
                    Some(None) => {
                        self.requests.remove(&id);
                        Lease::Lost
                    }
                    _ => Lease::Unknown,
                };
                assert_eq!(self.book.extended(ack), expected);
            }
            Ok(Heard::Stored(id)) => {
                assert!(self.ready);
                let answered = matches!(self.requests.get(&id), Some(Some(_)));
                assert_eq!(self.book.stored(&id), answered);
                if answered {
                    self.requests.remove(&id);
                }
            }
            Ok(Heard::Hello | Heard::Closing | Heard::Nothing) => {}
            Err(error) => {
                assert!(!error.to_string().is_empty());
                self.disconnect();
            }
        }
    }

    fn take(&mut self, request: Request) {
        assert!(self.ready, "a request before the connection is ready");
        looked_at(&request);
        let id = request.envelope.id().to_owned();
        match (self.book.take(self.now, request.envelope), self.requests.get(&id)) {
            (Taken::New(_), None) => drop(self.requests.insert(id, None)),
            (Taken::Running, Some(None)) | (Taken::Answered(_), Some(Some(_))) => {}
            (taken, known) => panic!("{taken:?} of {known:?}"),
        }
    }

    /// Time passes.
    pub(super) fn pass(&mut self, milliseconds: u32) {
        self.now += Duration::from_millis(milliseconds.into());
        match self.link.due(self.now) {
            Ok(_) => assert!(self.link.next() > self.now, "what is due stays due"),
            Err(_) => self.disconnect(),
        }
        for lease in self.book.leases_due(self.now) {
            assert_eq!(self.requests.get(&lease.request_id), Some(&None), "it does not run");
        }
        self.book.overdue(self.now);
        assert!(self.book.next().is_none_or(|next| next > self.now), "what is due stays due");
    }

    /// One of the requests that run gets its reply.
    pub(super) fn answer(&mut self, which: usize, status: u8, body: &[u8]) {
        let Some(id) = self.nth(which, Option::is_none) else { return };
        let (status, no_retry, retry_after) = match status % 4 {
            0 => (200, None, None),
            1 => (206, None, None),
            2 => (206, Some(false), Some(u64::from(status))),
            _ => (500, Some(true), None),
        };
        let answer = Reply { status, no_retry, retry_after, version: 2, body: body.to_vec() };
        let response = self.book.answer(&id, answer.clone()).expect("it runs");
        assert_eq!((response.request_id.as_str(), &*response.body), (id.as_str(), body));
        frames::frame(&frame(&response).encode_to_vec().into());
        assert!(self.book.answer(&id, answer).is_none(), "the first reply counts");
        assert!(self.book.unsent().iter().any(|unsent| unsent.request_id == id));
        self.requests.insert(id.clone(), Some(response.encoded_len()));
        if self.ready {
            self.book.sent(&id, self.now);
            assert!(self.book.unsent().iter().all(|unsent| unsent.request_id != id));
        }
    }

    /// One of the requests is given up.
    pub(super) fn forget(&mut self, which: usize) {
        let Some(id) = self.nth(which, |_| true) else { return };
        self.book.forget(&id);
        self.requests.remove(&id);
    }

    /// The socket breaks, and another is opened.
    pub(super) fn disconnect(&mut self) {
        self.book.disconnected();
        assert_eq!(self.book.unsent().len(), self.requests.values().flatten().count());
        self.link = Link::new(self.now);
        self.ready = false;
    }

    fn nth(&self, which: usize, fits: impl Fn(&Option<usize>) -> bool) -> Option<String> {
        let fitting: Vec<_> = self.requests.iter().filter(|(_, bytes)| fits(bytes)).collect();
        let (id, _) = fitting.get(which % fitting.len().max(1))?;
        Some((*id).clone())
    }

    /// The book has what it should have.
    pub(super) fn agrees(&self) {
        assert_eq!(self.book.kept(), self.requests.values().flatten().sum::<usize>());
        assert_eq!(self.book.is_empty(), self.requests.is_empty());
        let running = self.book.running().map(|envelope| envelope.id());
        let expected = self.requests.iter().filter(|(_, bytes)| bytes.is_none());
        assert!(running.eq(expected.map(|(id, _)| id.as_str())));
        assert_eq!(self.book.has_unsent(), !self.book.unsent().is_empty());
    }
}

/// What must hold of any request.
fn looked_at(request: &Request) {
    let Request { envelope, body } = request;
    journal::of(envelope);
    let ack = envelope.ack();
    assert_eq!((ack.request_id.as_str(), ack.run_id.as_str()), (envelope.id(), envelope.run()));
    let extension = envelope.extend(envelope.lease());
    assert_eq!(extension.system_trace_ctx, ack.system_trace_ctx);
    assert_eq!((extension.lease_id.as_str(), extension.step_id), (envelope.lease(), ack.step_id));
    drop(envelope.trace());
    let terms = envelope.terms();
    let route = envelope.route();
    if let Some(back) = envelope.hand_back("fresh", "the worker stops") {
        reply::check(&back, terms);
        let target = route.as_ref().expect("a route").target;
        assert!(target.is_none() || !terms.attempt.is_last(), "this hurts the run");
        assert_ne!(back.no_retry, Some(true), "what is handed back comes again");
    }
    if let Ok(call) = route.and_then(|route| Call::decode(route, body)) {
        assert_eq!(call.terms(), terms, "both readers of the body read the same");
    }
}
