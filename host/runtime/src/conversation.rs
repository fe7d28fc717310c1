//! A running function and its host: what the guest reports goes to its [`Replay`], which decides.
//!
//! [`steps`] and [`blocking`] are the two interfaces a guest may speak. Both come down to [`CallState::decide`], which
//! asks the replay until there is something to tell the guest, and to [`CallState::body_ended`].

mod blocking;
mod steps;

use protocol::op::{ErrorObject, Op, OpCode, Retry, Timing};
use protocol::outcome::Outcome;
use protocol::replay::{Decision, Replay, ReplayError, Sending, Stop};
use serde_json::value::RawValue;

pub(crate) use self::blocking::Group;
use crate::backstage::Stored;
use crate::bindings::system_bus::durable::failures::{self, Failure};
use crate::fault::{Fault, Limit, SECRET_REVEALED};
use crate::state::{CallState, End};

/// What the guest is told.
enum Told {
    /// A step has ended.
    Resolved { step: u32, value: Result<String, String> },
    /// A body is to run.
    Execute { step: u32, input: Option<String> },
}

/// [`Decision`] without what it borrows.
enum Next {
    Told(Told),
    Stop(Stop),
}

impl From<Decision<'_>> for Next {
    fn from(decision: Decision<'_>) -> Self {
        match decision {
            Decision::Resolve { step, value } => Self::Told(Told::Resolved {
                step,
                value: value.map(str::to_owned).map_err(str::to_owned),
            }),
            Decision::Execute { step, input } => {
                Self::Told(Told::Execute { step, input: input.map(str::to_owned) })
            }
            Decision::Stop(stop) => Self::Stop(stop),
        }
    }
}

/// How long a step that the host carried out took.
fn since(start: jiff::Timestamp, began: std::time::Instant) -> Timing {
    Timing { start, took: began.elapsed() }
}

impl CallState {
    fn replay(&mut self) -> Result<&mut Replay, Fault> {
        self.replay.as_mut().ok_or(Fault::OutsideStep {
            capability: "steps while it was describing itself,",
            place: None,
        })
    }

    /// Asks the replay what to do, and does what the guest has no part in, until there is something to tell the guest
    /// or the invocation ends.
    async fn decide(
        &mut self,
        ask: impl FnOnce(&mut Replay) -> Result<Decision<'_>, ReplayError> + Send,
    ) -> wasmtime::Result<Told> {
        if self.backstage.as_ref().is_some_and(|backstage| !backstage.has_time()) {
            self.replay()?.plan_only();
        }
        let mut next = ask(self.replay()?).map(Next::from).map_err(Fault::Rules)?;
        loop {
            match next {
                Next::Told(told) => {
                    self.note(&told);
                    return Ok(told);
                }
                Next::Stop(Stop::Outcome(outcome)) => return self.end(outcome),
                Next::Stop(Stop::Send(sending)) => self.send(sending).await?,
            }
            next = self.replay()?.next([], &[]).map(Next::from).map_err(Fault::Rules)?;
        }
    }

    fn note(&mut self, told: &Told) {
        match told {
            // What was logged before the end of a step that an earlier call saw, that call has emitted.
            Told::Resolved { step, .. }
                if self.replay.as_ref().is_some_and(|r| r.is_kept(*step)) =>
            {
                self.log.flush();
                self.records.flush();
            }
            Told::Resolved { .. } => {
                self.log.replayed();
                self.records.replayed();
            }
            Told::Execute { .. } => {
                self.log.flush();
                self.records.flush();
                self.enter_body();
            }
        }
    }

    /// Carries out a step that sends something. Returns when its function may go on in this call.
    async fn send(&mut self, sending: Sending) -> wasmtime::Result<()> {
        self.log.flush();
        self.records.flush();
        let (start, began) = (jiff::Timestamp::now(), std::time::Instant::now());
        // The guest has no part in how long its server takes.
        self.deadline.renew(self.limits.step);
        let Some(backstage) = self.backstage.clone() else {
            return Err(Fault::Host("the call has no way to its server".to_owned()).into());
        };
        let sent = backstage.send(&sending).await;
        let timing = since(start, began);
        let Sending { step, .. } = sending;
        let race = self.replay()?.raced();
        match sent {
            Ok(data) => {
                self.keep_or_end(Outcome::StepRan { step, race, data, timing: Some(timing) }).await
            }
            Err((error, retry)) => {
                self.end(Outcome::StepFailed { step, race, error, retry, timing: Some(timing) })
            }
        }
    }

    /// A body has ended. Returns when its function may go on in this call.
    async fn body_ended(&mut self, result: Result<String, Failure>) -> wasmtime::Result<()> {
        let result = match result {
            Ok(json) => self.stored(json, "the step's result")?,
            Err(guest) => Err(self.failure(&guest)),
        };
        let timing = self.leave_body(result.is_ok());
        let replay = self.replay()?;
        match result {
            Ok(data) => {
                let outcome = replay.finished(data, timing).map_err(Fault::Rules)?;
                self.keep_or_end(outcome).await
            }
            Err((error, retry)) => {
                let outcome = replay.failed(error, retry, timing).map_err(Fault::Rules)?;
                self.end(outcome)
            }
        }
    }

    /// Lets the function go on with the result of a step that is stored, or ends the invocation with it.
    async fn keep_or_end(&mut self, outcome: Outcome) -> wasmtime::Result<()> {
        let storing = self.backstage.clone().filter(|backstage| backstage.stores());
        let (Some(backstage), Outcome::StepRan { step, race, data, timing }) = (storing, &outcome)
        else {
            return self.end(outcome);
        };
        let data = data.clone();
        let code = OpCode::StepRun { data: data.clone(), timing: *timing };
        let op = Op { step: step.clone(), code, race: *race };
        self.deadline.renew(self.limits.step);
        let stored = backstage.store(op).await;
        self.deadline.renew(self.limits.replay);
        match stored {
            Stored::Kept => Ok(self.replay()?.keep(data).map_err(Fault::Rules)?),
            Stored::No => self.end(outcome),
            // The worker puts what it holds before the ops of this outcome: there are none.
            Stored::Held => self.end(Outcome::Planned(Vec::new())),
            Stored::Superseded => self.end(Outcome::Superseded),
        }
    }

    /// A stored result does not decode in the guest. Returns where the function is to see an error.
    fn misfits(&mut self, step: u32, why: &str) -> wasmtime::Result<()> {
        let why = &self.guards.redact(why).into_owned();
        match self.replay()?.misfit(step, why).map_err(Fault::Rules)? {
            Some(outcome) => self.end(outcome),
            None => Ok(()),
        }
    }

    /// Ends the instance here. The guest cannot notice or prevent it.
    fn end<T>(&mut self, outcome: Outcome) -> wasmtime::Result<T> {
        self.ending = Some(outcome);
        Err(End.into())
    }

    /// A result as it may be stored; a final error instead where it holds what nobody may read. `what` says whose it is.
    ///
    /// An error and not a fault: what the body did has happened, and no repetition makes the result another one.
    pub(crate) fn stored(
        &self,
        json: String,
        what: &str,
    ) -> Result<Result<Box<RawValue>, (ErrorObject, Retry)>, Fault> {
        let result = self.result(json)?;
        Ok(self.guards.reveals(result.get()).map(|()| result).map_err(|revealed| {
            let message = format!("{what} holds {revealed}");
            (ErrorObject::new(SECRET_REVEALED, message), Retry::Never)
        }))
    }

    /// A failure as the guest wrote it, without what nobody may read.
    pub(crate) fn failure(&self, guest: &Failure) -> (ErrorObject, Retry) {
        let (error, retry) = failure(guest);
        (self.guards.error(error), retry)
    }

    /// A result as the guest wrote it: JSON, and not too much of it.
    fn result(&self, json: String) -> Result<Box<RawValue>, Fault> {
        if json.len() > self.limits.result {
            return Err(Fault::Limit(Limit::Result {
                size: json.len(),
                limit: self.limits.result,
            }));
        }
        RawValue::from_string(json).map_err(|error| Fault::NotJson(error.to_string()))
    }
}

/// A failure as the guest wrote it.
fn failure(failure: &Failure) -> (ErrorObject, Retry) {
    let retry = match failure.retry {
        failures::Retry::Again => Retry::Again,
        failures::Retry::After(millis) => Retry::After(std::time::Duration::from_millis(millis)),
        failures::Retry::Never => Retry::Never,
    };
    (ErrorObject::parse(&failure.error), retry)
}

impl failures::Host for CallState {}
