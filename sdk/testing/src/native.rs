//! One call of a function in this process: the host's side of the conversation, as the runtime has it with components.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use protocol::call::Call;
use protocol::checkpoint::Checkpoint;
use protocol::function::{Checkpointing, FunctionConfig};
use protocol::op::{Op, OpCode, Timing};
use protocol::outcome::Outcome;
use protocol::replay::{self, Decision, Replay, ReplayError, Rigour, Sending, Stop};
use serde_json::value::RawValue;
use system_bus_sdk::testing::native::{self as sdk, Answer, Found, Host};
use system_bus_sdk::{Function, Result};

use crate::served::Called;
use crate::stage::{Body, Killed, Stage, failure};

/// Ends a call from below, as a host does. No code of the function sees it.
struct Raised;

/// Runs a function for one call.
pub(crate) fn call<F: Function>(
    stage: &Rc<Stage>,
    config: &FunctionConfig,
    call: Arc<Call>,
    rigour: Rigour,
) -> Result<Called, Killed> {
    let now = i64::try_from(call.run.unix_millis()).ok();
    let now = now.and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    let guest = call.for_guest();
    let session = Rc::new(Session::new(stage, config, call, rigour));
    let host = Rc::clone(&session);
    let outside = stage.outside();
    let end = catch_unwind(AssertUnwindSafe(|| sdk::run::<F>(host, guest, now)));
    drop(outside);
    match end {
        Ok(result) => {
            let result = result.map(raw).map_err(|error| failure(&error));
            let replay = session.state.borrow_mut().replay.take();
            let outcome = replay.expect("a call ends once").ended(result);
            session.close(outcome, None)
        }
        Err(raised) if raised.is::<Raised>() => {
            let end = session.state.borrow_mut().end.take();
            end.expect("whoever raises says why")
        }
        Err(panic) => resume_unwind(panic),
    }
}

/// One call, as the function's host sees it.
struct Session {
    stage: Rc<Stage>,
    call: Arc<Call>,
    function: String,
    /// How many results are gathered before they are stored; none where each step ends its call.
    gathers: Option<usize>,
    state: RefCell<State>,
}

struct State {
    replay: Option<Replay>,
    end: Option<Result<Called, Killed>>,
    running: Option<Body>,
    /// Ran, and not stored yet.
    held: Vec<(Body, Op)>,
    took: Duration,
}

/// [`Decision`] without what it borrows.
enum Next {
    Tell(Answer),
    Run(u32, Option<String>),
    Send(Sending),
    End(Outcome),
}

impl From<Decision<'_>> for Next {
    fn from(decision: Decision<'_>) -> Self {
        match decision {
            Decision::Resolve { step, value } => {
                let value = value.map(str::to_owned).map_err(str::to_owned);
                Self::Tell(Answer::Resolved { step, value })
            }
            Decision::Execute { step, input } => Self::Run(step, input.map(str::to_owned)),
            Decision::Stop(Stop::Send(sending)) => Self::Send(sending),
            Decision::Stop(Stop::Outcome(outcome)) => Self::End(outcome),
        }
    }
}

impl Session {
    fn new(stage: &Rc<Stage>, config: &FunctionConfig, call: Arc<Call>, rigour: Rigour) -> Self {
        let gathers = match config.checkpoint {
            Checkpointing::Off => None,
            Checkpointing::EveryStep => Some(1),
            Checkpointing::Batched { steps, .. } => usize::try_from(steps.get()).ok(),
        };
        let replay = Replay::new(Arc::clone(&call), Arc::clone(&stage.directory), rigour);
        let begun = State {
            replay: Some(replay),
            end: None,
            running: None,
            held: Vec::new(),
            took: Duration::ZERO,
        };
        Self {
            gathers: gathers.filter(|_| stage.checkpoints.get() && call.may_checkpoint()),
            stage: Rc::clone(stage),
            function: config.id.to_string(),
            state: RefCell::new(begun),
            call,
        }
    }

    fn ask(&self, ask: impl FnOnce(&mut Replay) -> Result<Decision<'_>, ReplayError>) -> Next {
        self.with(|replay| ask(replay).map(Next::from))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Replay) -> Result<T, ReplayError>) -> T {
        let mut state = self.state.borrow_mut();
        let acted = act(state.replay.as_mut().expect("the call goes on"));
        drop(state);
        acted.unwrap_or_else(|error| panic!("function `{}`: {error}", self.function))
    }

    /// Ends the call here.
    fn raise(&self, end: Result<Called, Killed>) -> ! {
        self.state.borrow_mut().end = Some(end);
        resume_unwind(Box::new(Raised))
    }

    /// Ends the call here where the worker has died.
    fn survive<T>(&self, lives: Result<T, Killed>) -> T {
        lives.unwrap_or_else(|killed| self.raise(Err(killed)))
    }

    /// Follows the replay until there is something to tell the function, or the call ends.
    fn follow(&self, mut next: Next) -> Answer {
        loop {
            match next {
                Next::Tell(answer) => return answer,
                Next::End(outcome) => self.raise(self.close(outcome, None)),
                Next::Run(step, input) => {
                    let name = self.with(|replay| Ok(replay.running_step()));
                    let body = self.begins(name.expect("the replay has just said so"));
                    match self.survive(self.stage.begin(&body)) {
                        None => return Answer::Execute { step, input },
                        Some(result) => self.body_ended(result),
                    }
                }
                Next::Send(sending) => self.send(&sending),
            }
            next = self.ask(|replay| replay.next([], &[]));
        }
    }

    fn begins(&self, step: protocol::step::StepName) -> Body {
        let attempt = self.call.attempt.number;
        let body = Body { function: self.function.clone(), run: self.call.run, step, attempt };
        self.state.borrow_mut().running = Some(body.clone());
        body
    }

    /// How long the body takes that has just run, and when it began.
    fn timing(&self, body: &Body) -> Timing {
        let took = self.stage.world.borrow().duration(&body.function, &body.step);
        self.state.borrow_mut().took = took;
        Timing { start: self.stage.engine.borrow().now(), took }
    }

    /// Carries out a step that sends something.
    fn send(&self, sending: &Sending) {
        let kind = match sending.what {
            replay::Message::Events(_) => "send-event",
            replay::Message::Signal { .. } => "send-signal",
        };
        self.stage.journal.borrow_mut().knows(self.call.run, &sending.step, kind);
        let body = self.begins(sending.step.clone());
        let result = match self.survive(self.stage.begin(&body)) {
            Some(result) => result.map(raw),
            None => Ok(self.stage.send(self.call.run, sending)),
        };
        self.state.borrow_mut().running = None;
        self.survive(self.stage.ended(&body));
        let (timing, race) = (Some(self.timing(&body)), self.with(|replay| Ok(replay.raced())));
        let step = body.step.clone();
        match result {
            Ok(data) => self.keep_or_end(body, Outcome::StepRan { step, race, data, timing }),
            Err(error) => {
                let (error, retry) = failure(&error);
                let outcome = Outcome::StepFailed { step, race, error, retry, timing };
                self.raise(self.close(outcome, Some(body)));
            }
        }
    }

    /// A body, or what stands in for it, has ended. Returns where the function goes on in this call.
    fn body_ended(&self, result: Result<String>) {
        let body = self.state.borrow_mut().running.take();
        let body = body.unwrap_or_else(|| panic!("a body ended that had not begun"));
        self.survive(self.stage.ended(&body));
        let timing = self.timing(&body);
        match result {
            Ok(json) => {
                let outcome = self.with(|replay| replay.finished(raw(json), timing));
                self.keep_or_end(body, outcome);
            }
            Err(error) => {
                let (error, retry) = failure(&error);
                let outcome = self.with(|replay| replay.failed(error, retry, timing));
                self.raise(self.close(outcome, Some(body)));
            }
        }
    }

    /// Lets the function go on with a result that is stored, or ends the call with it.
    fn keep_or_end(&self, body: Body, outcome: Outcome) {
        // A body that takes time ends its call: what comes by meanwhile comes before its result.
        let at_once = self.state.borrow().took.is_zero();
        let (Some(gathers), true, Outcome::StepRan { step, race, data, timing }) =
            (self.gathers, at_once, &outcome)
        else {
            self.raise(self.close(outcome, Some(body)));
        };
        let code = OpCode::StepRun { data: data.clone(), timing: *timing };
        let op = Op { step: step.clone(), code, race: *race };
        let held = {
            let mut state = self.state.borrow_mut();
            state.held.push((body, op));
            state.held.len()
        };
        if held >= gathers {
            self.survive(self.flush());
        }
        let data = data.clone();
        self.with(|replay| replay.keep(data));
    }

    /// Stores what is held.
    fn flush(&self) -> Result<(), Killed> {
        let held = std::mem::take(&mut self.state.borrow_mut().held);
        if held.is_empty() {
            return Ok(());
        }
        let (bodies, ops): (Vec<_>, Vec<_>) = held.into_iter().unzip();
        self.stage.journal.borrow_mut().reported(self.call.run, &ops);
        let stored = {
            let mut engine = self.stage.engine.borrow_mut();
            let now = engine.now();
            let checkpoint = Checkpoint::new(self.call.run, &self.call.dispatch, now, now, &ops);
            engine.checkpoint(self.call.run, &checkpoint)
        };
        stored.unwrap_or_else(|refusal| panic!("the engine stores no result: {refusal}"));
        bodies.iter().try_for_each(|body| self.stage.reported(body))
    }

    /// What the call comes to: whatever is held is stored first.
    fn close(&self, outcome: Outcome, reports: Option<Body>) -> Result<Called, Killed> {
        self.flush()?;
        Ok(Called { outcome, took: self.state.borrow().took, reports })
    }
}

impl Host for Session {
    fn next(&self, found: &[Found<'_>], dropped: &[u32]) -> Answer {
        let found = found.iter().map(|step| replay::Found {
            name: step.id,
            kind: step.kind,
            options: step.options,
        });
        let next = self.ask(|replay| replay.next(found, dropped));
        self.follow(next)
    }

    fn next_one(&self, found: Found<'_>) -> Answer {
        self.next(&[found], &[])
    }

    fn finish(&self, outcome: Result<String>) {
        self.body_ended(outcome);
    }

    fn race(&self) {
        self.with(|replay| {
            replay.enter_race();
            Ok(())
        });
    }

    fn misfit(&self, step: u32, why: &str) {
        if let Some(outcome) = self.with(|replay| replay.misfit(step, why)) {
            self.raise(self.close(outcome, None));
        }
    }
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("it was encoded")
}
