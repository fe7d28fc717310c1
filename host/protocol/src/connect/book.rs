//! All requests that this process has taken and whose replies are not stored yet.
//!
//! It outlives sockets: a lease may be extended and a reply sent over any later connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prost::Message;

use super::frames::{ExtendLease, ExtendLeaseAck, SdkResponse};
use super::request::Envelope;
use crate::reply::Reply;

/// How long the gateway may take to say that it has stored a reply. Then the reply goes another way.
pub const REPLY_ACK: Duration = Duration::from_secs(5);

/// The requests, by id.
#[derive(Debug)]
pub struct Book {
    entries: BTreeMap<String, Entry>,
    extend_every: Duration,
    reply_ack: Duration,
    /// Bytes of all responses that are not stored yet.
    kept: usize,
}

#[derive(Debug)]
struct Entry {
    envelope: Arc<Envelope>,
    state: State,
}

#[derive(Debug)]
enum State {
    Running { lease: String, extend: Instant },
    Answered { response: Arc<SdkResponse>, bytes: usize, way: Way },
}

/// Where a response is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Sent over a socket; the word that it is stored is awaited until then.
    Sent { until: Instant },
    /// To be flushed.
    Flush,
}

/// What became of a request that arrived.
#[derive(Debug)]
pub enum Taken {
    /// It is new: acknowledge it and run it.
    New(Arc<Envelope>),
    /// It runs already: acknowledge it again, and no more.
    Running,
    /// Its reply is here: acknowledge it and send that.
    Answered(Arc<SdkResponse>),
}

/// What an answer to an extension means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// It is ours for longer.
    Kept,
    /// The server has given the request up: whatever its work does now is of no use to anybody.
    Lost,
    /// The request does not run here (any more).
    Unknown,
}

impl Default for Book {
    fn default() -> Self {
        Self::new(REPLY_ACK)
    }
}

impl Book {
    /// An empty book; a reply is overdue after `reply_ack`, which is [`REPLY_ACK`] but for tests.
    pub fn new(reply_ack: Duration) -> Self {
        let extend_every = Duration::from_secs(5);
        Self { entries: BTreeMap::new(), extend_every, reply_ack, kept: 0 }
    }

    /// A connection is ready: leases are extended this often from now on, and all at once first, since the time without
    /// a connection may have been long.
    pub fn connected(&mut self, now: Instant, extend_every: Duration) {
        self.extend_every = extend_every;
        for entry in self.entries.values_mut() {
            if let State::Running { extend, .. } = &mut entry.state {
                *extend = now;
            }
        }
    }

    /// Enters a request that arrived at `now`.
    pub fn take(&mut self, now: Instant, envelope: Envelope) -> Taken {
        if let Some(entry) = self.entries.get(envelope.id()) {
            return match &entry.state {
                State::Running { .. } => Taken::Running,
                State::Answered { response, .. } => Taken::Answered(Arc::clone(response)),
            };
        }
        let envelope = Arc::new(envelope);
        let state =
            State::Running { lease: envelope.lease().to_owned(), extend: now + self.extend_every };
        let entry = Entry { envelope: Arc::clone(&envelope), state };
        self.entries.insert(envelope.id().to_owned(), entry);
        Taken::New(envelope)
    }

    /// Takes the answer to an extension. After [`Lease::Lost`] the request is forgotten.
    pub fn extended(&mut self, ack: ExtendLeaseAck) -> Lease {
        let Some(Entry { state: State::Running { lease, .. }, .. }) =
            self.entries.get_mut(&ack.request_id)
        else {
            return Lease::Unknown;
        };
        if let Some(new) = ack.new_lease_id.filter(|new| !new.is_empty()) {
            *lease = new;
            return Lease::Kept;
        }
        self.entries.remove(&ack.request_id);
        Lease::Lost
    }

    /// The leases to extend at `now`.
    pub fn leases_due(&mut self, now: Instant) -> Vec<ExtendLease> {
        let every = self.extend_every;
        let due = self.entries.values_mut().filter_map(|entry| match &mut entry.state {
            State::Running { lease, extend } if now >= *extend => {
                *extend = now + every;
                Some(entry.envelope.extend(lease))
            }
            State::Running { .. } | State::Answered { .. } => None,
        });
        due.collect()
    }

    /// Strikes a request out: it is not ours after all, or nobody will answer it.
    pub fn forget(&mut self, id: &str) {
        if let Some(Entry { state: State::Answered { bytes, .. }, .. }) = self.entries.remove(id) {
            self.kept -= bytes;
        }
    }

    /// Enters the reply to a request, to be sent or flushed. None when nobody waits for it: its lease is lost.
    pub fn answer(&mut self, id: &str, reply: Reply) -> Option<Arc<SdkResponse>> {
        let entry = self.entries.get_mut(id)?;
        let State::Running { .. } = entry.state else { return None };
        let response = Arc::new(entry.envelope.respond(reply));
        let bytes = response.encoded_len();
        self.kept += bytes;
        entry.state = State::Answered { response: Arc::clone(&response), bytes, way: Way::Flush };
        Some(response)
    }

    /// The response was sent over a socket at `now`.
    pub fn sent(&mut self, id: &str, now: Instant) {
        if let Some(State::Answered { way, .. }) = self.entries.get_mut(id).map(|e| &mut e.state) {
            *way = Way::Sent { until: now + self.reply_ack };
        }
    }

    /// The server has the response. False when it did so before.
    pub fn stored(&mut self, id: &str) -> bool {
        match self.entries.get(id).map(|entry| &entry.state) {
            Some(State::Answered { bytes, .. }) => {
                self.kept -= bytes;
                self.entries.remove(id).is_some()
            }
            // An acknowledgement for what still runs is somebody else's mistake.
            Some(State::Running { .. }) | None => false,
        }
    }

    /// Sends the responses whose acknowledgement is overdue at `now` the other way; how many they are.
    pub fn overdue(&mut self, now: Instant) -> usize {
        self.reroute(|until| now >= until)
    }

    /// No socket is open any more: the acknowledgements that were awaited will not come.
    pub fn disconnected(&mut self) -> usize {
        self.reroute(|_| true)
    }

    fn reroute(&mut self, overdue: impl Fn(Instant) -> bool) -> usize {
        let mut count = 0;
        for entry in self.entries.values_mut() {
            if let State::Answered { way, .. } = &mut entry.state
                && let Way::Sent { until } = *way
                && overdue(until)
            {
                *way = Way::Flush;
                count += 1;
            }
        }
        count
    }

    /// The responses to flush, and to send over a new connection.
    pub fn unsent(&self) -> Vec<Arc<SdkResponse>> {
        let unsent = self.entries.values().filter_map(|entry| match &entry.state {
            State::Answered { response, way: Way::Flush, .. } => Some(Arc::clone(response)),
            State::Answered { .. } | State::Running { .. } => None,
        });
        unsent.collect()
    }

    /// Whether [`Book::unsent`] has any.
    pub fn has_unsent(&self) -> bool {
        self.entries
            .values()
            .any(|entry| matches!(entry.state, State::Answered { way: Way::Flush, .. }))
    }

    /// When to look again at [`Book::leases_due`] and [`Book::overdue`]; none when nothing will come due by itself.
    pub fn next(&self) -> Option<Instant> {
        let moments = self.entries.values().filter_map(|entry| match &entry.state {
            State::Running { extend, .. } => Some(*extend),
            State::Answered { way: Way::Sent { until }, .. } => Some(*until),
            State::Answered { way: Way::Flush, .. } => None,
        });
        moments.min()
    }

    /// The requests that run.
    pub fn running(&self) -> impl Iterator<Item = &Arc<Envelope>> {
        self.entries.values().filter_map(|entry| match &entry.state {
            State::Running { .. } => Some(&entry.envelope),
            State::Answered { .. } => None,
        })
    }

    /// Whether nothing runs and every response is stored.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of the responses that are not stored yet.
    pub fn kept(&self) -> usize {
        self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::tests::request;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn reply() -> Reply {
        Reply { status: 206, no_retry: None, retry_after: None, version: 2, body: b"[]".to_vec() }
    }

    fn book(ids: &[&str], now: Instant) -> Book {
        let mut book = Book::default();
        book.connected(now, 30 * SECOND);
        for id in ids {
            assert!(matches!(book.take(now, request(id, None).envelope), Taken::New(_)));
        }
        book
    }

    fn ack(id: &str, new: Option<&str>) -> ExtendLeaseAck {
        ExtendLeaseAck {
            request_id: id.to_owned(),
            new_lease_id: new.map(str::to_owned),
            ..Default::default()
        }
    }

    #[test]
    fn leases_are_extended_at_their_pace_with_the_latest_id() {
        let start = Instant::now();
        let mut book = book(&["a"], start);
        assert_eq!(book.next(), Some(start + 30 * SECOND));
        assert!(book.leases_due(start + 29 * SECOND).is_empty());
        let due = book.leases_due(start + 30 * SECOND);
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].lease_id, "01M81GEH2NXAJFC1G2XF3K4RVH");
        assert_eq!(book.extended(ack("a", Some("second"))), Lease::Kept);
        let due = book.leases_due(start + 60 * SECOND);
        assert_eq!(due[0].lease_id, "second");
        // A new connection extends at once.
        book.connected(start + 61 * SECOND, 30 * SECOND);
        assert_eq!(book.leases_due(start + 61 * SECOND).len(), 1);
    }

    #[test]
    fn a_lost_lease_makes_the_reply_worthless() {
        let start = Instant::now();
        let mut book = book(&["a", "b"], start);
        assert_eq!(book.extended(ack("a", None)), Lease::Lost);
        assert_eq!(book.extended(ack("a", None)), Lease::Unknown);
        assert_eq!(book.extended(ack("b", Some(""))), Lease::Lost);
        assert!(book.answer("a", reply()).is_none());
        assert!(book.is_empty() && book.kept() == 0);
    }

    #[test]
    fn a_request_that_comes_twice_runs_once() {
        let now = Instant::now();
        let mut book = book(&["a"], now);
        assert!(matches!(book.take(now, request("a", None).envelope), Taken::Running));
        book.answer("a", reply()).expect("a response");
        assert!(matches!(book.take(now, request("a", None).envelope), Taken::Answered(_)));
        assert!(book.answer("a", reply()).is_none(), "the first reply counts");
        assert_eq!(book.running().count(), 0);
    }

    #[test]
    fn a_reply_is_kept_until_it_is_stored() {
        let start = Instant::now();
        let mut book = book(&["a", "b"], start);
        assert!(!book.stored("a"), "it still runs");
        book.answer("a", reply()).expect("a response");
        assert!(book.kept() > 0);
        assert_eq!(book.unsent().len(), 1);
        book.sent("a", start);
        assert!(book.unsent().is_empty());
        assert_eq!(book.next(), Some(start + REPLY_ACK));
        assert_eq!(book.overdue(start + SECOND), 0);
        assert_eq!(book.overdue(start + REPLY_ACK), 1);
        assert_eq!(book.unsent().len(), 1);
        assert!(book.stored("a") && !book.stored("a"));
        assert_eq!((book.kept(), book.is_empty()), (0, false));
        assert!(book.leases_due(start + 31 * SECOND).iter().all(|due| due.request_id == "b"));
    }

    #[test]
    fn without_a_socket_nothing_is_awaited_from_it() {
        let start = Instant::now();
        let mut book = book(&["a", "b"], start);
        for id in ["a", "b"] {
            book.answer(id, reply()).expect("a response");
        }
        book.sent("a", start);
        assert_eq!(book.disconnected(), 1);
        assert_eq!(book.unsent().len(), 2);
        assert_eq!(book.next(), None);
        for id in ["a", "b", "c"] {
            book.forget(id);
        }
        assert!(book.is_empty() && book.kept() == 0);
    }
}
