//! One run: the server's side.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::declare::Function;
use crate::error::{Error, Result, Retry};
use crate::event::Outgoing;
use crate::executor;
use crate::replay::Memo;
use crate::testing::ended::{Ended, SentEvent};
use crate::testing::pending::{Pending, Work, later, out_of_time};
use crate::testing::session::{End, Raised, Session, State};
use crate::testing::world::{Arrival, World};

/// How often the server tries where the function does not say.
const DEFAULT_ATTEMPTS: u32 = 5;
/// What the server waits before a further attempt that names no time.
const BACK_OFF: Duration = Duration::from_secs(10);
/// The id of every run.
pub(super) const RUN: &str = "run-1";

pub(super) struct Server<'a> {
    world: &'a World,
    batch: Vec<Value>,
    /// The most attempts.
    most: u32,
    now: Timestamp,
    /// What has ended, in that order.
    stack: Vec<(String, Memo)>,
    pending: Vec<Pending>,
    /// What comes from outside.
    arrivals: Vec<(Timestamp, Arrival)>,
    /// The function has entered a race.
    racing: bool,
    attempts: BTreeMap<String, u32>,
    events: Vec<SentEvent>,
    signals: Vec<(String, Value)>,
    calls: u32,
}

/// How a call ended.
enum Called {
    Returned(Result<String>),
    Ended(End),
}

impl<'a> Server<'a> {
    pub(super) fn new<F: Function>(world: &'a World, batch: &[Outgoing]) -> Self {
        let arrivals = world.arrivals.iter().map(|(after, arrival)| {
            let after = SignedDuration::try_from(*after).expect("a test is short");
            (later(world.now, after), arrival.clone())
        });
        let event =
            |(n, event): (usize, &Outgoing)| arrived(event, &format!("event-{}", n + 1), world.now);
        Self {
            world,
            batch: batch.iter().enumerate().map(event).collect(),
            most: F::DECLARATION.retries.map_or(DEFAULT_ATTEMPTS, |n| u32::from(n) + 1),
            now: world.now,
            stack: Vec::new(),
            pending: Vec::new(),
            arrivals: arrivals.collect(),
            racing: false,
            attempts: BTreeMap::new(),
            events: Vec::new(),
            signals: Vec::new(),
            calls: 0,
        }
    }

    pub(super) fn run<F: Function>(mut self) -> Ended {
        let mut attempt = 0;
        let result = loop {
            match self.call::<F>(None, attempt) {
                Called::Returned(Ok(json)) => break Ok(json),
                Called::Returned(Err(error)) => {
                    attempt += 1;
                    let Some(delay) = self.again(&error, attempt) else { break Err(error) };
                    self.now = later(self.now, delay);
                    continue;
                }
                Called::Ended(end) => self.note(end),
            }
            let before = self.stack.len();
            // In a race the function is called at every end, otherwise when all have ended.
            while self.stack.len() == before || !(self.racing || self.pending.is_empty()) {
                self.advance::<F>();
            }
            attempt = 0;
        };
        let took = self.now.duration_since(self.world.now);
        Ended {
            result: result.map(|json| serde_json::from_str(&json).expect("a result is JSON")),
            steps: self.stack.into_iter().map(|(id, _)| id).collect(),
            events: self.events,
            signals: self.signals,
            lines: Vec::new(),
            calls: self.calls,
            took: Duration::try_from(took).expect("time goes forward"),
            attempts: self.attempts,
            function: F::DECLARATION.id,
            event: self.batch.swap_remove(0),
        }
    }

    /// Notes what a call without a target found.
    fn note(&mut self, end: End) {
        match end {
            End::Due(id) => self.pending.push(Pending::body(self.world, self.now, id)),
            End::Planned(steps) => {
                let planned = |(id, kind, options): (String, _, String)| {
                    Pending::planned(self.world, self.now, id, kind, &options)
                };
                self.pending.extend(steps.into_iter().map(planned));
            }
            End::Waiting => {}
            End::Stuck => panic!(
                "the function waits for something that is not a step: outside of bodies only what \
                 `ctx` makes can be waited for"
            ),
            End::Ran(_) | End::Missing => unreachable!("only calls with a target end so"),
        }
    }

    /// Lets time pass until the next thing happens, and does it.
    fn advance<F: Function>(&mut self) {
        let first = |times: &mut dyn Iterator<Item = Timestamp>| {
            times.enumerate().min_by_key(|(_, at)| *at)
        };
        let pending = first(&mut self.pending.iter().map(|pending| pending.at));
        let arrival = first(&mut self.arrivals.iter().map(|(at, _)| *at));
        let (next, due) = pending.expect("a function that waits has something planned");
        match arrival {
            Some((arrival, at)) if at <= due => {
                let (at, arrival) = self.arrivals.remove(arrival);
                self.now = self.now.max(at);
                self.deliver(&arrival);
            }
            _ => {
                let step = self.pending.remove(next);
                self.now = self.now.max(step.at);
                self.work::<F>(step);
            }
        }
    }

    /// Ends the steps that wait for what has come. Says how many there were.
    fn deliver(&mut self, arrival: &Arrival) -> usize {
        let takes = |step: &mut Pending| match arrival {
            Arrival::Event(event) => step.takes_event(&self.batch[0], event),
            Arrival::Signal(signal, _) => step.takes_signal(signal),
        };
        let value = match arrival {
            Arrival::Event(event) => event.to_string(),
            Arrival::Signal(signal, data) => json!({"signal": signal, "data": data}).to_string(),
        };
        let ended: Vec<_> = self.pending.extract_if(.., takes).collect();
        let count = ended.len();
        self.stack.extend(ended.into_iter().map(|step| (step.id, Ok(value.clone()))));
        count
    }

    /// Does what is due for a step: an attempt of it, or the end of its time.
    fn work<F: Function>(&mut self, step: Pending) {
        let attempt = self.attempts.get(&step.id).copied().unwrap_or_default();
        let replaced = step.work.is_replaceable().then(|| {
            self.attempts.insert(step.id.clone(), attempt + 1);
            self.world.replacement(&step.id, attempt)
        });
        let outcome = match (replaced.flatten(), &step.work) {
            (Some(outcome), _) => outcome,
            (None, Work::Wake | Work::WaitForEvent { .. } | Work::WaitForSignal { .. }) => {
                Ok("null".to_owned())
            }
            (None, Work::OutOfTime) => Err(out_of_time()),
            (None, Work::Run) => self.execute::<F>(&step.id, attempt),
            (None, Work::Send { options }) => Ok(self.send(options)),
            (None, Work::Signal { signal, data }) => {
                self.signals.push((signal.clone(), data.clone()));
                let waited = self.deliver(&Arrival::Signal(signal.clone(), data.clone())) > 0;
                Ok(if waited { json!({ "run_id": RUN }) } else { Value::Null }.to_string())
            }
            (None, Work::Invoke { function, data }) => self.world.invoke(function, data),
            (None, Work::Fetch { options }) => self.world.fetch(options),
            (None, Work::Infer { options }) => self.world.infer(options),
        };
        let Pending { id, work, .. } = step;
        match outcome {
            Ok(json) => self.stack.push((id, Ok(json))),
            Err(error) => match self.again(&error, attempt + 1) {
                Some(delay) if work.is_repeated() => {
                    let takes = SignedDuration::try_from(self.world.duration(&id));
                    let delay = delay + takes.expect("a test is short");
                    self.pending.push(Pending { id, at: later(self.now, delay), work });
                }
                _ => self.stack.push((id, Err(error.to_json()))),
            },
        }
    }

    /// Runs a step's body once.
    fn execute<F: Function>(&mut self, id: &str, attempt: u32) -> Result<String> {
        match self.call::<F>(Some(id), attempt) {
            Called::Ended(End::Ran(outcome)) => outcome,
            _ => panic!(
                "step `{id}` was found by one call and not by the next one: the function depends \
                 on something other than its event and its steps"
            ),
        }
    }

    /// After which time there is a further attempt, if there is one.
    fn again(&self, error: &Error, made: u32) -> Option<SignedDuration> {
        let delay = match error.policy() {
            Retry::Never => return None,
            Retry::Again => BACK_OFF,
            Retry::After(delay) => delay,
        };
        let delay = SignedDuration::try_from(delay).expect("a test waits less than for ever");
        (made < self.most).then_some(delay)
    }

    /// Sends events; the run itself may wait for one of them.
    fn send(&mut self, options: &str) -> String {
        let Options { events } = serde_json::from_str(options).expect("the SDK wrote it");
        let mut ids = Vec::new();
        for Sent { name, data, id } in events {
            self.events.push(SentEvent { name, data, id });
            let sent = self.events.last().expect("it was pushed a line above");
            let number = format!("event-{}", self.events.len());
            let event = json!({
                "name": sent.name, "data": sent.data, "id": sent.id.as_ref().unwrap_or(&number),
                "ts": self.now.as_millisecond(),
            });
            self.arrivals.push((self.now, Arrival::Event(event)));
            ids.push(number);
        }
        json!({ "ids": ids }).to_string()
    }

    fn call<F: Function>(&mut self, target: Option<&str>, attempt: u32) -> Called {
        self.calls += 1;
        let session = Rc::new(Session {
            stack: self.stack.clone(),
            outstanding: self.pending.iter().map(|step| step.id.clone()).collect(),
            target: target.map(str::to_owned),
            state: RefCell::<State>::default(),
        });
        let call = json!({
            "run_id": RUN, "attempt": attempt, "max_attempts": self.most,
            "event": self.batch[0], "events": self.batch,
        });
        let host = Rc::clone(&session);
        let now = Some(self.world.now);
        let end =
            catch_unwind(AssertUnwindSafe(|| executor::run::<F>(host, call.to_string(), now)));
        self.racing |= session.state.borrow().racing;
        let called = match end {
            Ok(result) => Called::Returned(result),
            Err(raised) if raised.is::<Raised>() => {
                let end = session.state.borrow_mut().end.take();
                Called::Ended(end.expect("whoever raises says why"))
            }
            Err(panic) => resume_unwind(panic),
        };
        if target.is_none() && !matches!(called, Called::Returned(Err(_))) {
            self.all_reached(&session);
        }
        called
    }

    /// A function that always takes the same way finds again whatever it found before.
    fn all_reached(&self, session: &Session) {
        let state = session.state.borrow();
        for (id, _) in &self.stack {
            assert!(
                state.steps.iter().any(|step| step.id == *id),
                "step `{id}` ended in an earlier call and was not reached in this one: the \
                 function depends on something other than its event and its steps"
            );
        }
    }
}

/// An event as the server hands it on.
pub(super) fn arrived(event: &Outgoing, id: &str, now: Timestamp) -> Value {
    let wire = event.wire().expect("the event of a test has a JSON form");
    let mut event = serde_json::to_value(wire).expect("an event is JSON");
    let members = event.as_object_mut().expect("an event is an object");
    members.entry("id").or_insert_with(|| json!(id));
    members.entry("ts").or_insert_with(|| json!(now.as_millisecond()));
    event
}

#[derive(Deserialize)]
struct Options {
    events: Vec<Sent>,
}

#[derive(Deserialize)]
struct Sent {
    name: String,
    data: Value,
    #[serde(default)]
    id: Option<String>,
}
