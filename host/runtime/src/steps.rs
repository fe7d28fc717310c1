//! The interface `steps` of a running function: what it reports goes to its [`Replay`], which decides.

use protocol::op::{ErrorObject, Retry};
use protocol::replay::{Decision, Found, Replay, ReplayError, Stop};
use serde_json::value::RawValue;

use crate::bindings::system_bus::durable::failures::{self, Failure};
use crate::bindings::system_bus::durable::steps::{self, Answer, Execution, Resolution};
use crate::fault::{Fault, Limit};
use crate::invoke::Ending;
use crate::state::{CallState, End};

/// What a decision means for the guest: an answer, or nothing more.
enum Told {
    Answer(Answer),
    Execute(Answer),
    End(Ending),
}

fn told(decision: Decision<'_>) -> Told {
    match decision {
        Decision::Resolve { step, value } => Told::Answer(Answer::Resolved(Resolution {
            step,
            value: value.map(str::to_owned).map_err(str::to_owned),
        })),
        Decision::Execute { step, input } => {
            Told::Execute(Answer::Execute(Execution { step, input: input.map(str::to_owned) }))
        }
        Decision::Stop(Stop::Outcome(outcome)) => Told::End(Ending::Outcome(outcome)),
        Decision::Stop(Stop::Send(sending)) => Told::End(Ending::Send(sending)),
    }
}

impl CallState {
    fn decide(
        &mut self,
        ask: impl FnOnce(&mut Replay) -> Result<Decision<'_>, ReplayError>,
    ) -> wasmtime::Result<Answer> {
        let replay = self.replay.as_mut().ok_or_else(no_run)?;
        match ask(replay).map(told).map_err(Fault::Rules)? {
            Told::Answer(answer) => {
                self.log.replayed();
                Ok(answer)
            }
            Told::Execute(answer) => {
                self.log.flush();
                self.enter_body();
                Ok(answer)
            }
            Told::End(ending) => self.end(ending),
        }
    }

    /// Ends the instance here. The guest cannot notice or prevent it.
    fn end<T>(&mut self, ending: Ending) -> wasmtime::Result<T> {
        self.ending = Some(ending);
        Err(End.into())
    }

    /// A result as the guest wrote it: JSON, and not too much of it.
    pub(crate) fn result(&self, json: String) -> Result<Box<RawValue>, Fault> {
        if json.len() > self.limits.result {
            return Err(Fault::Limit(Limit::Result {
                size: json.len(),
                limit: self.limits.result,
            }));
        }
        RawValue::from_string(json).map_err(|error| Fault::NotJson(error.to_string()))
    }
}

fn no_run() -> Fault {
    Fault::OutsideStep { capability: "steps while it was describing itself,", place: None }
}

/// A failure as the guest wrote it.
pub(crate) fn failure(failure: &Failure) -> (ErrorObject, Retry) {
    let retry = match failure.retry {
        failures::Retry::Again => Retry::Again,
        failures::Retry::After(millis) => Retry::After(std::time::Duration::from_millis(millis)),
        failures::Retry::Never => Retry::Never,
    };
    (ErrorObject::parse(&failure.error), retry)
}

impl failures::Host for CallState {}

impl steps::Host for CallState {
    fn next(&mut self, found: Vec<steps::Found>, dropped: Vec<u32>) -> wasmtime::Result<Answer> {
        self.decide(|replay| {
            let found = found.iter().map(|step| Found {
                name: &step.id,
                kind: &step.kind,
                options: &step.options,
            });
            replay.next(found, &dropped)
        })
    }

    fn next_one(&mut self, id: String, kind: String, options: String) -> wasmtime::Result<Answer> {
        self.decide(|replay| {
            replay.next([Found { name: &id, kind: &kind, options: &options }], &[])
        })
    }

    fn race(&mut self) -> wasmtime::Result<()> {
        self.replay.as_mut().ok_or_else(no_run)?.enter_race();
        Ok(())
    }

    fn finish(&mut self, outcome: Result<String, Failure>) -> wasmtime::Result<()> {
        let result = match outcome {
            Ok(json) => Ok(self.result(json)?),
            Err(guest) => Err(failure(&guest)),
        };
        let timing = self.leave_body();
        let replay = self.replay.as_mut().ok_or_else(no_run)?;
        let outcome = match result {
            Ok(data) => replay.finished(data, timing),
            Err((error, retry)) => replay.failed(error, retry, timing),
        };
        let ending = Ending::Outcome(outcome.map_err(Fault::Rules)?);
        self.end(ending)
    }
}
