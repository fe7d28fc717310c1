//! One run: the server's side.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
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
use crate::testing::session::{End, Raised, Session, State};
use crate::testing::{Ended, SentEvent, World};

/// How often the server tries where the function does not say.
const DEFAULT_ATTEMPTS: u32 = 4;
/// What the server waits before a further attempt that names no time.
const BACK_OFF: Duration = Duration::from_secs(10);

pub(super) struct Server<'a> {
    world: &'a World,
    event: Value,
    now: Timestamp,
    stack: Vec<(String, Memo)>,
    /// What is to be done next.
    due: VecDeque<Task>,
    sleeping: Vec<(Timestamp, String)>,
    attempts: BTreeMap<String, u32>,
    events: Vec<SentEvent>,
    calls: u32,
}

enum Task {
    Run(String),
    Send(String, String),
}

/// How a call ended.
enum Called {
    Returned(Result<String>),
    Ended(End),
}

impl<'a> Server<'a> {
    pub(super) fn new(world: &'a World, event: &Outgoing) -> Self {
        let wire = event.wire().expect("the event of a test has a JSON form");
        let mut event = serde_json::to_value(wire).expect("an event is JSON");
        let members = event.as_object_mut().expect("an event is an object");
        members.entry("id").or_insert_with(|| json!("event-0"));
        members.entry("ts").or_insert_with(|| json!(world.now.as_millisecond()));
        Self {
            world,
            event,
            now: world.now,
            stack: Vec::new(),
            due: VecDeque::new(),
            sleeping: Vec::new(),
            attempts: BTreeMap::new(),
            events: Vec::new(),
            calls: 0,
        }
    }

    pub(super) fn run<F: Function>(mut self) -> Ended {
        let most =
            F::DECLARATION.retries.map_or(DEFAULT_ATTEMPTS, |retries| u32::from(retries) + 1);
        let mut attempt = 0;
        let result = loop {
            let stack = self.stack.len();
            match self.call::<F>(None, attempt, most) {
                Called::Returned(Ok(json)) => break Ok(json),
                Called::Returned(Err(error)) => {
                    attempt += 1;
                    if !self.again(&error, attempt, most) {
                        break Err(error);
                    }
                    continue;
                }
                Called::Ended(end) => self.note(end),
            }
            self.work::<F>(most);
            if self.stack.len() > stack {
                attempt = 0;
            }
        };
        let took = self.now.duration_since(self.world.now);
        Ended {
            result: result.map(|json| serde_json::from_str(&json).expect("a result is JSON")),
            steps: self.stack.into_iter().map(|(id, _)| id).collect(),
            events: self.events,
            lines: Vec::new(),
            calls: self.calls,
            took: Duration::try_from(took).expect("time goes forward"),
            attempts: self.attempts,
        }
    }

    /// Notes what a call without a target found.
    fn note(&mut self, end: End) {
        match end {
            End::Due(id) => self.due.push_back(Task::Run(id)),
            End::Planned(steps) => {
                for (id, kind, options) in steps {
                    match kind {
                        "run" => self.due.push_back(Task::Run(id)),
                        "send-event" => self.due.push_back(Task::Send(id, options)),
                        _ => self.sleeping.push((wake_at(self.now, &options), id)),
                    }
                }
            }
            End::Waiting => {}
            End::Stuck => panic!(
                "the function waits for something that is not a step: outside of bodies only what \
                 `ctx` makes can be waited for"
            ),
            End::Ran(_) | End::Missing => unreachable!("only calls with a target end so"),
        }
    }

    /// Does one thing that is due, or lets time pass until something is.
    fn work<F: Function>(&mut self, most: u32) {
        match self.due.pop_front() {
            Some(Task::Run(id)) => self.execute::<F>(id, most),
            Some(Task::Send(id, options)) => self.send(id, &options),
            None => {
                let first = self.sleeping.iter().enumerate().min_by_key(|(_, (at, _))| *at);
                let (first, _) = first.expect("a function that waits has something planned");
                let (at, id) = self.sleeping.remove(first);
                self.now = self.now.max(at);
                self.stack.push((id, Ok("null".to_owned())));
            }
        }
    }

    /// Runs a step's body until it ended well or for good.
    fn execute<F: Function>(&mut self, id: String, most: u32) {
        loop {
            let attempt = self.attempts.get(&id).copied().unwrap_or_default();
            let replaced = self.world.replacement(&id, attempt);
            self.attempts.insert(id.clone(), attempt + 1);
            let outcome = match replaced {
                Some(outcome) => outcome,
                None => match self.call::<F>(Some(&id), attempt, most) {
                    Called::Ended(End::Ran(outcome)) => outcome,
                    _ => panic!(
                        "step `{id}` was found by one call and not by the next one: the function \
                         depends on something other than its event and its steps"
                    ),
                },
            };
            match outcome {
                Ok(json) => return self.stack.push((id, Ok(json))),
                Err(error) if self.again(&error, attempt + 1, most) => {}
                Err(error) => return self.stack.push((id, Err(error.to_json()))),
            }
        }
    }

    /// Whether there is a further attempt after this error; if so, its time has come.
    fn again(&mut self, error: &Error, made: u32, most: u32) -> bool {
        let delay = match error.policy() {
            Retry::Never => return false,
            Retry::Again => BACK_OFF,
            Retry::After(delay) => delay,
        };
        if made < most {
            self.pass(delay);
        }
        made < most
    }

    fn pass(&mut self, time: Duration) {
        let time = SignedDuration::try_from(time).expect("a test waits less than for ever");
        self.now = self.now.checked_add(time).expect("a test ends before the calendar does");
    }

    fn send(&mut self, id: String, options: &str) {
        let Options { events } = serde_json::from_str(options).expect("the SDK wrote it");
        let mut ids = Vec::new();
        for Sent { name, data, id } in events {
            self.events.push(SentEvent { name, data, id });
            ids.push(format!("event-{}", self.events.len()));
        }
        self.stack.push((id, Ok(json!({ "ids": ids }).to_string())));
    }

    fn call<F: Function>(&mut self, target: Option<&str>, attempt: u32, most: u32) -> Called {
        self.calls += 1;
        let planned = self.due.iter().map(|task| match task {
            Task::Run(id) | Task::Send(id, _) => id.clone(),
        });
        let asleep = self.sleeping.iter().map(|(_, id)| id.clone());
        let session = Rc::new(Session {
            stack: self.stack.clone(),
            outstanding: planned.chain(asleep).collect(),
            target: target.map(str::to_owned),
            state: RefCell::<State>::default(),
        });
        let call = json!({
            "run_id": "run-1", "attempt": attempt, "max_attempts": most,
            "event": self.event, "events": [self.event],
        });
        let host = Rc::clone(&session);
        let now = Some(self.world.now);
        let end =
            catch_unwind(AssertUnwindSafe(|| executor::run::<F>(host, call.to_string(), now)));
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

#[derive(Deserialize)]
struct Wait {
    milliseconds: Option<u64>,
    until: Option<Timestamp>,
}

fn wake_at(now: Timestamp, options: &str) -> Timestamp {
    let wait: Wait = serde_json::from_str(options).expect("the SDK wrote it");
    let milliseconds = wait.milliseconds.unwrap_or_default().min(i64::MAX.unsigned_abs());
    let time = SignedDuration::from_millis(milliseconds.cast_signed());
    wait.until.unwrap_or_else(|| now.checked_add(time).unwrap_or(Timestamp::MAX))
}
