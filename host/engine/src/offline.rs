//! The engine without sockets, files and clocks, for tests: whoever owns it makes its calls and lets its time pass.
//!
//! It is the same machine as behind the [`Engine`](crate::Engine), with the same rules and the same bytes in its calls.
//! What the driver does with tasks and timers is left to the owner: it takes the [calls](Offline::calls) and the
//! [requests](Offline::requests) that are due, says how each ended, and moves the time on to
//! [what is due next](Offline::next_due). Ids and jitter come from a counter, so equal owners see equal runs.

mod state;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use protocol::checkpoint::Checkpoint;
use protocol::event::NewEvent;
use protocol::id::{RunId, StepId};
use protocol::sync::SyncPayload;
use serde_json::value::RawValue;
use ulid::Ulid;

use crate::activity::Activity;
use crate::app::SyncRequest;
use crate::call::Order;
use crate::entropy::Entropy;
use crate::event::{EventId, Seed};
use crate::machine::record::Table;
use crate::machine::{Incoming, Machine, Settings};
use crate::queue::CallId;
use crate::reply::{Answer, Reply};
use crate::request::{Kind, Response};
use crate::run::Errand;

pub use state::{EndedStep, RunState, RunStatus};

/// How many calls may be under way at once; an owner that makes them one after the other never gets there.
const AT_ONCE: usize = 10_000;

/// An engine whose calls and whose time are its owner's.
///
/// ```
/// use engine::offline::Offline;
///
/// let now = "2026-03-01T12:00:00Z".parse().unwrap();
/// let mut engine = Offline::new(now);
/// assert!(engine.calls().is_empty());
/// assert_eq!(engine.now(), now);
/// ```
#[derive(Debug)]
pub struct Offline {
    machine: Machine,
    entropy: Numbered,
    now: Timestamp,
    /// Memos stay here after their run has ended.
    memos: BTreeMap<RunId, BTreeMap<StepId, Box<RawValue>>>,
}

/// A call to be made.
#[derive(Debug)]
pub struct DueCall {
    id: CallId,
    /// Whose it is.
    pub run: RunId,
    /// The query of its URL: which function, and which step.
    pub query: String,
    /// Its body, as a worker gets it.
    pub body: Bytes,
}

/// A request that the engine would make in a run's name.
#[derive(Debug)]
pub struct DueRequest {
    errand: Box<Errand>,
    /// Whether it is a question to a model, whose error statuses are failures.
    pub is_inference: bool,
    /// Which run wants it.
    pub run: RunId,
    /// The step's name.
    pub step: String,
    /// The method, in capitals.
    pub method: String,
    /// Where to.
    pub url: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

/// What came back from a request.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The HTTP status.
    pub status: u16,
    /// Names and values, each name once.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

/// A counter in place of randomness.
#[derive(Debug, Default)]
struct Numbered(u64);

impl Entropy for Numbered {
    fn bits(&mut self) -> u128 {
        self.0 += 1;
        // Ids differ in their last characters; jitter, taken from the other half, is none.
        u128::from(self.0)
    }

    fn ulid(&mut self, now: Timestamp) -> Ulid {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        Ulid::from_parts(millis, self.bits())
    }
}

impl Offline {
    /// An engine at this time that knows no app.
    pub fn new(now: Timestamp) -> Self {
        let settings = Settings { retry_interval: None, call_concurrency: AT_ONCE };
        let machine = Machine::new(settings);
        Self { machine, entropy: Numbered::default(), now, memos: BTreeMap::new() }
    }

    /// The same with one pause before each further attempt, in place of the growing table that begins at 15 seconds.
    #[must_use]
    pub fn with_retry_interval(self, pause: Duration) -> Self {
        let settings = Settings { retry_interval: Some(pause), call_concurrency: AT_ONCE };
        Self { machine: Machine::new(settings), ..self }
    }

    /// Registers the functions of an app, in place of those it had.
    ///
    /// The error is what a worker would be told, with the reason that the engine keeps.
    pub fn sync(&mut self, payload: &SyncPayload) -> Result<(), String> {
        let body = serde_json::to_vec(payload).map_err(|error| error.to_string())?;
        let request = SyncRequest::parse(&body)?;
        let app = request.app_name.clone();
        self.machine.sync(request, self.now).map_err(|error| {
            let reason = self.machine.app(&app).and_then(|app| app.registration.error.clone());
            format!("{error}: {}", reason.unwrap_or_default())
        })?;
        self.keep();
        Ok(())
    }

    /// Takes events in, as one request; their ids, in order. With the `x-inngest-event-id-seed` of an earlier request it
    /// gives the ids that one got, and nothing happens twice.
    pub fn receive(&mut self, events: Vec<NewEvent>, seed: Option<&str>) -> Vec<EventId> {
        let incoming = Incoming { events, seed: seed.and_then(Seed::parse) };
        let ids = self.machine.receive(&incoming, self.now, &mut self.entropy);
        self.keep();
        ids
    }

    /// Sends a signal; the run that waited for it, if one did.
    pub fn signal(&mut self, signal: &str, data: &RawValue) -> Option<RunId> {
        let run = self.machine.signal(signal, data, self.now, &mut self.entropy);
        self.keep();
        run
    }

    /// Cancels a run; whether it was there and had not ended.
    pub fn cancel(&mut self, run: RunId) -> bool {
        let status = self.machine.cancel(run, self.now, &mut self.entropy);
        self.keep();
        status.is_some_and(|before| !before.is_final())
    }

    /// What time it is here.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Moves the time on. It never goes back.
    pub fn pass_to(&mut self, then: Timestamp) {
        self.now = self.now.max(then);
        self.machine.tick(self.now, &mut self.entropy);
        self.keep();
    }

    /// When something happens next by itself, if anything does: a retry, the end of a sleep or of a wait, a schedule.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.machine.next_due(self.now)
    }

    /// Takes the calls that are due.
    pub fn calls(&mut self) -> Vec<DueCall> {
        self.machine.tick(self.now, &mut self.entropy);
        let orders = self.machine.dispatch(self.now, &mut self.entropy);
        self.keep();
        orders.into_iter().map(DueCall::of).collect()
    }

    /// A call was answered.
    #[expect(clippy::needless_pass_by_value, reason = "a call is answered once")]
    pub fn reply(&mut self, call: DueCall, reply: &protocol::reply::Reply) {
        let answer = Answer {
            status: reply.status,
            sdk: true,
            version: Some(reply.version),
            no_retry: reply.no_retry == Some(true),
            retry_after: reply.retry_after.map(|seconds| seconds.to_string()),
            body: Bytes::from(reply.body.clone()),
        };
        self.ended(call.id, Reply::Answered(answer));
    }

    /// A call was not answered: its worker is gone.
    #[expect(clippy::needless_pass_by_value, reason = "a call is answered once")]
    pub fn lose(&mut self, call: DueCall, reason: &str) {
        self.ended(call.id, Reply::Unreachable(reason.to_owned()));
    }

    fn ended(&mut self, call: CallId, reply: Reply) {
        self.machine.replied(call, reply, self.now, &mut self.entropy);
        self.keep();
    }

    /// Stores steps of a call that goes on.
    ///
    /// The error says why they are not stored: the call is then to stop.
    pub fn checkpoint(&mut self, run: RunId, checkpoint: &Checkpoint<'_>) -> Result<(), String> {
        let json = serde_json::to_vec(checkpoint).map_err(|error| error.to_string())?;
        let read = serde_json::from_slice(&json).map_err(|error| error.to_string())?;
        let stored = self.machine.checkpoint(run, &read, self.now, &mut self.entropy);
        self.keep();
        stored.map_err(|refusal| refusal.to_string())
    }

    /// Takes the requests that are to be made in the names of runs.
    pub fn requests(&mut self) -> Vec<DueRequest> {
        self.machine.take_errands().into_iter().map(DueRequest::of).collect()
    }

    /// A request was answered, or got no answer for this reason.
    pub fn answer(&mut self, request: DueRequest, answer: Result<Answered, String>) {
        let response = match answer {
            Ok(Answered { status, headers, body }) => Response::Answered { status, headers, body },
            Err(reason) => Response::Failed(reason),
        };
        self.machine.fetched(*request.errand, response, self.now, &mut self.entropy);
        self.keep();
    }

    /// What happened since the last time.
    pub fn activity(&mut self) -> Vec<Activity> {
        self.machine.take_activity()
    }

    /// Nothing is stored, but the memos of runs that have ended are to be had.
    fn keep(&mut self) {
        for record in self.machine.take_records() {
            let (Table::Memos, Some(value)) = (record.table, record.value) else { continue };
            let known = record.key.split_once('/').and_then(|(run, step)| {
                let memo = serde_json::from_slice::<Box<RawValue>>(&value).ok()?;
                Some((run.parse().ok()?, step.parse().ok()?, memo))
            });
            if let Some((run, step, memo)) = known {
                self.memos.entry(run).or_default().insert(step, memo);
            }
        }
    }
}

impl DueCall {
    fn of(order: Order) -> Self {
        Self {
            id: order.call,
            run: order.names.run,
            query: order.url.query().unwrap_or_default().to_owned(),
            body: Bytes::from(order.body),
        }
    }
}

impl DueRequest {
    fn of(errand: Errand) -> Self {
        let request = &errand.request;
        Self {
            is_inference: request.kind == Kind::Inference,
            run: errand.run,
            step: errand.step.name.clone(),
            method: request.method.to_string(),
            url: request.url.to_string(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            errand: Box::new(errand),
        }
    }
}

#[cfg(test)]
mod tests;
