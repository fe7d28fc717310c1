//! The world of one test.

mod calls;
mod outside;
mod time;

use std::collections::BTreeSet;
use std::rc::Rc;

use engine::offline::{DueCall, Offline};
use jiff::Timestamp;
use protocol::event::NewEvent;
use protocol::id::{AppId, RunId, StepId};
use protocol::reply::Reply;
use protocol::sync::{Announced, SyncPayload};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use system_bus_sdk::testing::native;
use system_bus_sdk::{Event, Function, Outgoing};
use url::Url;

use crate::crash::Watch;
use crate::effects::Effects;
use crate::journal::SentEvent;
use crate::path::shown;
use crate::run::{Run, Step};
use crate::served::{Native, Served};
use crate::stage::{Body, Stage};

/// The Inngest app that all functions of a test are of.
const APP: &str = "test";

/// The world of one test: its functions, what stands in for the rest of the world, and the time.
///
/// Nothing happens but inside of [`advance`](Self::advance), [`until_waiting`](Self::until_waiting) and
/// [`until_ended`](Self::until_ended), and what is due at once also inside of [`send`](Self::send) and its like. The
/// time begins at 2026-01-01T00:00:00Z and passes only there.
///
/// What a test says of steps names them by a path: `charge` means every step of that id, `charge[7]` the one with this
/// key, `charge:1` the second one of several without a key, and `fulfil-order/charge` only those of that function.
pub struct Kit {
    pub(crate) stage: Rc<Stage>,
    served: Vec<Rc<dyn Served>>,
    /// Calls whose bodies take time, with their answers and the moments at which they come.
    under_way: Vec<Answering>,
    /// Where components may send requests.
    #[cfg(feature = "component")]
    pub(crate) allowed: Vec<String>,
}

/// A call whose answer is on its way.
struct Answering {
    at: Timestamp,
    call: DueCall,
    reply: Reply,
    /// The body whose end it reports.
    reports: Option<Body>,
}

impl Default for Kit {
    fn default() -> Self {
        Self::new()
    }
}

impl Kit {
    /// A world without functions.
    pub fn new() -> Self {
        Self::watched(Watch::default())
    }

    pub(crate) fn watched(watch: Watch) -> Self {
        let start = Timestamp::from_second(1_767_225_600).expect("it is a time");
        let stage = Stage::new(Offline::new(start), watch, app());
        Self {
            stage: Rc::new(stage),
            served: Vec::new(),
            under_way: Vec::new(),
            #[cfg(feature = "component")]
            allowed: Vec::new(),
        }
    }

    /// Begins at another time.
    ///
    /// # Panics
    ///
    /// When something has happened already.
    pub fn at(&mut self, start: Timestamp) -> &mut Self {
        let fresh = self.stage.engine.borrow().runs().is_empty() && self.served.is_empty();
        assert!(fresh, "the time of a test is set before anything else: call `at` first");
        *self.stage.engine.borrow_mut() = Offline::new(start);
        self
    }

    /// Serves a function. Its triggers, its schedules and its options hold from now on.
    ///
    /// # Panics
    ///
    /// When a host would not take it; the message says why.
    pub fn serve<F: Function + 'static>(&mut self) -> &mut Self {
        self.add(Rc::new(Native::<F>::new()));
        self
    }

    pub(crate) fn add(&mut self, function: Rc<dyn Served>) {
        let id = function.config().id.clone();
        self.served.retain(|served| served.config().id != id);
        self.served.push(function);
        let announced = Announced::active(self.served.iter().map(|served| served.config()));
        let url = Url::parse("http://kit.invalid/").expect("it is a URL");
        let payload = SyncPayload::new(&app(), None, &url, &announced);
        let synced = self.stage.engine.borrow_mut().sync(&payload);
        synced.unwrap_or_else(|reason| panic!("the server would refuse function `{id}`: {reason}"));
    }

    fn serves(&self, id: &str) -> bool {
        self.served.iter().any(|served| served.config().id.as_str() == id)
    }

    /// Sends an event; the runs that it began at once. What is due at once happens.
    ///
    /// # Panics
    ///
    /// When it is no event that anybody may send.
    #[track_caller]
    pub fn send(&mut self, event: impl Into<Outgoing>) -> Vec<RunId> {
        let before: BTreeSet<_> = self.stage.engine.borrow().runs().into_iter().collect();
        let json = native::wire(&event.into()).expect("the event of a test has a JSON form");
        let events = NewEvent::parse_all(json.as_bytes());
        let events = events.unwrap_or_else(|error| panic!("the server would refuse it: {error}"));
        self.stage.engine.borrow_mut().receive(events, None);
        let mut runs = self.stage.engine.borrow().runs();
        self.work();
        runs.retain(|run| !before.contains(run));
        runs
    }

    /// Serves a function unless it is served already, sends an event, and answers with the run of this function that it
    /// began.
    ///
    /// # Panics
    ///
    /// When the event begins no run of it at once: it is of another kind, a condition does not hold, or the function
    /// gathers events.
    #[track_caller]
    pub fn start<F: Function + 'static>(&mut self, event: impl Into<Outgoing>) -> RunId {
        let id = F::DECLARATION.id;
        if !self.serves(id) {
            self.serve::<F>();
        }
        let runs = self.send(event);
        let own = runs.into_iter().find(|run| self.look(*run).function == id);
        own.unwrap_or_else(|| {
            panic!(
                "the event began no run of `{id}` at once: compare its name and its data with the triggers, and use \
                 `send` where the function gathers or delays events"
            )
        })
    }

    /// [`start`](Self::start), and then all the time that the run needs: how it ended.
    ///
    /// # Panics
    ///
    /// Where `start` and [`until_ended`](Self::until_ended) do.
    #[track_caller]
    pub fn run<F: Function + 'static>(&mut self, event: impl Into<Outgoing>) -> Run {
        let run = self.start::<F>(event);
        self.until_ended(run)
    }

    /// Sends a signal; the run that waited for it, if one did. What is due at once happens.
    ///
    /// # Panics
    ///
    /// When the data has no JSON form.
    pub fn signal(&mut self, signal: &str, data: &impl Serialize) -> Option<RunId> {
        let data = to_raw_value(data).expect("the data of a test has a JSON form");
        let woken = self.stage.engine.borrow_mut().signal(signal, &data);
        self.work();
        woken
    }

    /// Cancels a run from outside; whether there was something to cancel.
    pub fn cancel(&mut self, run: RunId) -> bool {
        let canceled = self.stage.engine.borrow_mut().cancel(run);
        self.work();
        canceled
    }

    /// The runs of a function, in the order in which they were made.
    pub fn runs<F: Function>(&self) -> Vec<Run> {
        self.runs_of(F::DECLARATION.id)
    }

    /// The same for a function of which only the id is known.
    pub fn runs_of(&self, function: &str) -> Vec<Run> {
        let runs = self.stage.engine.borrow().runs();
        let runs = runs.into_iter().map(|run| self.look(run));
        runs.filter(|run| run.function == function).collect()
    }

    /// A run as it stands.
    ///
    /// # Panics
    ///
    /// When there is none: a run is forgotten a week after it has ended.
    #[track_caller]
    pub fn look(&self, run: RunId) -> Run {
        let state = self.stage.engine.borrow().run(run);
        let state = state.unwrap_or_else(|| panic!("there is no run {run}, or not any more"));
        let journal = self.stage.journal.borrow();
        let ended = |id: StepId| state.steps.iter().any(|step| step.id == id);
        let steps = state.steps.iter().map(|step| {
            let known = journal.step(run, step.id);
            let name = known.map_or_else(|| step.id.to_string(), |known| shown(&known.step));
            let kind = known.map_or("run", |known| known.kind);
            let attempts = journal.attempts(run, &name);
            Step { result: result(kind, &step.memo), name, kind, attempts }
        });
        let steps = steps.collect();
        let known: Vec<_> = journal.steps_of(run).collect();
        let attempts = known.iter().map(|known| {
            let name = shown(&known.step);
            let attempts = journal.attempts(run, &name);
            (name, attempts)
        });
        let waiting =
            known.iter().filter(|known| !state.status.is_final() && !ended(known.step.id));
        Run {
            id: run,
            function: app().function_of(&state.slug).unwrap_or(&state.slug).to_owned(),
            status: state.status,
            steps,
            waiting: waiting.map(|known| shown(&known.step)).collect(),
            attempts: attempts.collect(),
            output: state.output.and_then(|output| serde_json::from_str(output.get()).ok()),
        }
    }

    /// The events that functions have sent, in that order.
    pub fn events(&self) -> Vec<SentEvent> {
        self.stage.journal.borrow().sent.clone()
    }

    /// The events of one kind that functions have sent.
    ///
    /// # Panics
    ///
    /// When the data of one does not fit.
    #[track_caller]
    pub fn sent<E: Event>(&self) -> Vec<E> {
        let events = self.events().into_iter().filter(|event| event.name == E::NAME);
        events.map(|event| decoded(event.data, E::NAME)).collect()
    }

    /// What has happened outside, and where stubs note what they do there.
    pub fn effects(&self) -> Effects {
        self.stage.effects.clone()
    }
}

impl std::fmt::Debug for Kit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let served = self.served.iter().map(|served| served.config().id.to_string());
        f.debug_struct("Kit").field("served", &served.collect::<Vec<_>>()).finish_non_exhaustive()
    }
}

pub(crate) fn app() -> AppId {
    APP.parse().expect("it is an id")
}

#[track_caller]
fn decoded<T: DeserializeOwned>(data: Value, what: &str) -> T {
    serde_json::from_value(data)
        .unwrap_or_else(|error| panic!("the data of an event `{what}` does not fit: {error}"))
}

/// What a memo says of the end of its step.
fn result(kind: &str, memo: &RawValue) -> Result<Value, system_bus_sdk::Error> {
    let mut memo: Value = serde_json::from_str(memo.get()).unwrap_or_default();
    match kind {
        // The event itself, which has a member `data` of its own.
        "wait-for-event" | "sleep" => Ok(memo),
        _ if memo.get("error").is_some() => Err(native::from_stored(&memo["error"].to_string())),
        _ => Ok(memo["data"].take()),
    }
}
