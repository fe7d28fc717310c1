//! What a running function does next, decided from its call: the host's half of `wit/steps.wit`.
//!
//! A pure machine. The guest reports steps it found and dropped; the machine answers with one thing to do, or with
//! the end of the invocation. It decides in this order:
//!
//! 1. the target of a targeted call runs as soon as it is found, before anything else is resolved: resolving first
//!    could let the other side of a race win and drop it;
//! 2. else the found step whose memo comes first in the server's order of completion is resolved;
//! 3. else a targeted call has no target;
//! 4. else a single new step runs at once, where the server allows that and the function has not raced;
//! 5. else all new steps are planned; if there is none, the function waits for something that is not a step.
//!
//! A step that ran may be kept: its result is stored elsewhere, and the function goes on with it as with a memo.
//!
//! With more than the lenient [`Rigour`] it first proves that the memo fits the code: then 1. waits until nothing is
//! left to resolve, and nothing is run, planned, sent or answered before `fit` has agreed.

mod decision;
mod error;
mod fit;
mod kind;
mod options;
mod proving;
mod register;
mod stored;
#[cfg(test)]
mod tests;
mod told_again;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use serde_json::value::RawValue;

pub use self::decision::{Decision, Found, Stop};
pub use self::error::ReplayError;
use self::fit::Proof;
pub use self::fit::{Misfit, Rigour};
pub use self::kind::{Kind, KindError};
pub use self::options::{Message, Sending};
use self::register::Slot;
pub use self::told_again::answer_from_memo;
use crate::EVERY_END_WAKES;
use crate::call::Call;
use crate::directory::Directory;
use crate::id::StepId;
use crate::memo::{Memo, Shape};
use crate::op::{ErrorObject, Op, OpCode, Retry, Timing};
use crate::outcome::Outcome;
use crate::step::{StepName, StepNames};

/// The most steps one invocation may find. The server gives a run up at 1000 of them unless told otherwise, and
/// never takes more than this.
pub const MAX_STEPS: usize = 10_000;

/// The machine of one invocation.
#[derive(Debug)]
pub struct Replay {
    call: Arc<Call>,
    directory: Arc<Directory>,
    names: StepNames,
    /// Former ids of the steps that were found.
    aliases: BTreeSet<StepId>,
    /// What is known of whether the memo fits this code.
    proof: Proof,
    steps: Vec<Slot>,
    /// Found steps with a memo, by the server's order of completion.
    waiting: BinaryHeap<Reverse<(u32, u32)>>,
    /// Found steps without one, in the order in which they were found; dropped ones are removed.
    fresh: Vec<u32>,
    running: Option<u32>,
    /// The step that ran last, until it is kept.
    ran: Option<u32>,
    /// Results of steps that ran in this invocation and whose function goes on.
    kept: BTreeMap<u32, Box<RawValue>>,
    /// Whether no further step may run at once.
    planning: bool,
    /// Whether the function has entered a race.
    raced: bool,
}

/// [`Decision`] before its texts are looked up.
enum Choice {
    Resolve(u32),
    Execute(u32),
    Stop(Stop),
}

impl Replay {
    /// The machine for a call, before the function has run. `directory` says where invoked functions live, `rigour`
    /// how much has to be known of the memo before anything new happens.
    pub fn new(call: Arc<Call>, directory: Arc<Directory>, rigour: Rigour) -> Self {
        Self {
            call,
            directory,
            names: StepNames::default(),
            aliases: BTreeSet::new(),
            proof: Proof::new(rigour),
            steps: Vec::new(),
            waiting: BinaryHeap::new(),
            fresh: Vec::new(),
            running: None,
            ran: None,
            kept: BTreeMap::new(),
            planning: false,
            raced: false,
        }
    }

    /// The function enters a race: from here on the server is to wake it at every end of a step.
    pub fn enter_race(&mut self) {
        self.raced = true;
    }

    /// Nothing in the function can progress. `found` and `dropped` are what changed since the last call.
    pub fn next<'g>(
        &mut self,
        found: impl IntoIterator<Item = Found<'g>>,
        dropped: &[u32],
    ) -> Result<Decision<'_>, ReplayError> {
        for step in found {
            self.register(step)?;
        }
        for &ordinal in dropped {
            self.drop_step(ordinal)?;
        }
        if let Some(running) = self.running {
            return Err(ReplayError::Nested { outer: self.name_of(running), inner: String::new() });
        }
        Ok(match self.choose()? {
            Choice::Resolve(ordinal) => {
                Decision::Resolve { step: ordinal, value: self.memo_of(ordinal) }
            }
            Choice::Execute(ordinal) => {
                Decision::Execute { step: ordinal, input: self.input_of(ordinal) }
            }
            Choice::Stop(stop) => Decision::Stop(stop),
        })
    }

    /// The body that runs has succeeded, with this result as JSON.
    pub fn finished(
        &mut self,
        data: Box<RawValue>,
        timing: Timing,
    ) -> Result<Outcome, ReplayError> {
        let step = self.take_running()?;
        Ok(Outcome::StepRan { step, race: self.raced, data, timing: Some(timing) })
    }

    /// The body that runs has failed.
    pub fn failed(
        &mut self,
        error: ErrorObject,
        retry: Retry,
        timing: Timing,
    ) -> Result<Outcome, ReplayError> {
        let step = self.take_running()?;
        Ok(Outcome::StepFailed { step, race: self.raced, error, retry, timing: Some(timing) })
    }

    /// The step that ran last, a body or something the host sent, has its result stored: the function goes on, and
    /// sees it as it would see a memo.
    pub fn keep(&mut self, data: Box<RawValue>) -> Result<(), ReplayError> {
        let ordinal = self.ran.take().ok_or(ReplayError::NotRunning)?;
        self.fresh.retain(|&fresh| fresh != ordinal);
        self.kept.insert(ordinal, data);
        // After everything the server knows.
        self.waiting.push(Reverse((u32::MAX, ordinal)));
        Ok(())
    }

    /// Whether a step ran in this invocation and was kept.
    pub fn is_kept(&self, ordinal: u32) -> bool {
        self.kept.contains_key(&ordinal)
    }

    /// From here on no step runs at once: what is new is planned, and the server calls back for it.
    pub fn plan_only(&mut self) {
        self.planning = true;
    }

    /// Whether the function has entered a race.
    pub fn raced(&self) -> bool {
        self.raced
    }

    /// The function has ended, with its result as JSON or with a failure. Steps still found count as dropped.
    pub fn ended(self, result: Result<Box<RawValue>, (ErrorObject, Retry)>) -> Outcome {
        if let Some(outcome) = self.proved_at_the_end() {
            return outcome;
        }
        let Some(target) = self.call.route.target else {
            return match result {
                Ok(data) => Outcome::Done(data),
                Err((error, retry)) => Outcome::Failed { error, retry },
            };
        };
        let ending = match result {
            Ok(_) => "it returned without meeting the step".to_owned(),
            Err((error, _)) => format!("it failed with {}: {}", error.name, error.message),
        };
        Outcome::TargetNotFound { target, found: self.found_names(), ending }
    }

    /// The name of the step whose body runs now.
    pub fn running(&self) -> Option<String> {
        self.running.map(|ordinal| self.name_of(ordinal))
    }

    /// The step that runs now, as it is reported; none outside of bodies.
    pub fn running_step(&self) -> Option<StepName> {
        self.running.map(|ordinal| self.step_name(ordinal))
    }

    /// The event that the run began with, as JSON; `null` where the call has none.
    pub fn event(&self) -> &str {
        self.call.event()
    }

    fn choose(&mut self) -> Result<Choice, ReplayError> {
        let target = self.call.route.target;
        if self.proof.is_open() {
            return self.prove_first();
        }
        if let Some(ordinal) = self.fresh_target() {
            return self.carry_out(ordinal);
        }
        if let Some(ordinal) = self.next_to_resolve() {
            return Ok(Choice::Resolve(ordinal));
        }
        if let Some(target) = target {
            let ending = "it waits for other steps".to_owned();
            let outcome = Outcome::TargetNotFound { target, found: self.found_names(), ending };
            return Ok(Choice::Stop(Stop::Outcome(outcome)));
        }
        self.begin_new()
    }

    /// The found step whose memo comes first.
    fn next_to_resolve(&mut self) -> Option<u32> {
        while let Some(Reverse((_, ordinal))) = self.waiting.pop() {
            if !self.slot(ordinal).dropped {
                return Some(ordinal);
            }
        }
        None
    }

    /// The target, where it was found and is still wanted.
    fn fresh_target(&self) -> Option<u32> {
        let target = self.call.route.target?;
        self.fresh.iter().copied().find(|&ordinal| self.slot(ordinal).id == target)
    }

    /// Does what is new.
    fn begin_new(&mut self) -> Result<Choice, ReplayError> {
        match *self.fresh.as_slice() {
            [] => Err(ReplayError::Stuck),
            [only] if self.may_run_at_once(only) => self.carry_out(only),
            _ => self.plan(),
        }
    }

    /// Whether a lone new step may run in this call.
    ///
    /// Once a function has raced, the server calls it at every end of a step, and so while other steps of it are
    /// running, perhaps twice at once: the step may have been planned by an earlier call, or be found by another one
    /// now. A planned step is dispatched once, however often it is named.
    fn may_run_at_once(&self, ordinal: u32) -> bool {
        self.call.immediate && !self.planning && !self.raced && self.slot(ordinal).kind.runs()
    }

    /// Runs a step now: its body, or what the host does in its place.
    fn carry_out(&mut self, ordinal: u32) -> Result<Choice, ReplayError> {
        match self.slot(ordinal).kind {
            Kind::Run => {
                self.running = Some(ordinal);
                Ok(Choice::Execute(ordinal))
            }
            kind @ (Kind::SendEvent | Kind::SendSignal) => {
                let what = self.checked(ordinal, Message::parse(kind, self.options(ordinal)))?;
                // Whatever becomes of it, this machine does not ask for it again.
                self.fresh.retain(|&fresh| fresh != ordinal);
                self.ran = Some(ordinal);
                Ok(Choice::Stop(Stop::Send(Sending { step: self.step_name(ordinal), what })))
            }
            _ => {
                let op = self.op(ordinal)?;
                Ok(Choice::Stop(Stop::Outcome(Outcome::Planned(vec![op]))))
            }
        }
    }

    fn memo_of(&self, ordinal: u32) -> Result<&str, &str> {
        match self.slot(ordinal).memo.as_ref().map(|memo| self.call.memos.read(memo)) {
            Some(Memo::Error(error)) => Err(error),
            Some(Memo::Data(data) | Memo::Input(data)) => Ok(data),
            // Only steps with a memo or a kept result wait for one.
            None => Ok(self.kept.get(&ordinal).map_or("null", |kept| kept.get())),
        }
    }

    fn input_of(&self, ordinal: u32) -> Option<&str> {
        match self.call.memos.get(&self.slot(ordinal).id, Shape::Wrapped) {
            Some((Memo::Input(input), _)) => Some(input),
            _ => None,
        }
    }

    fn plan(&self) -> Result<Choice, ReplayError> {
        let ops =
            self.fresh.iter().map(|&ordinal| self.op(ordinal)).collect::<Result<Vec<_>, _>>()?;
        let waits = || ops.iter().any(|op| matches!(op.code, OpCode::WaitForEvent(_)));
        // No option makes the end of such a wait wake a function before its siblings have ended: only the execution
        // version does. It is told with the first answer, or ahead of what it shall apply to, as long as the server
        // records it: once a run is planned step by step it does not, and the wait wins when its siblings have ended.
        let recorded = self.call.immediate;
        let outcome = if self.raced && recorded && self.call.version > EVERY_END_WAKES && waits() {
            Outcome::Switch
        } else {
            Outcome::Planned(ops)
        };
        Ok(Choice::Stop(Stop::Outcome(outcome)))
    }

    fn op(&self, ordinal: u32) -> Result<Op, ReplayError> {
        let (kind, options) = (self.slot(ordinal).kind, self.options(ordinal));
        let code = options::op(kind, options, self.input_of(ordinal), &self.directory);
        let code = self.checked(ordinal, code)?;
        Ok(Op { step: self.step_name(ordinal), code, race: self.raced })
    }

    fn checked<T>(&self, ordinal: u32, result: Result<T, KindError>) -> Result<T, ReplayError> {
        result.map_err(|error| ReplayError::Kind { name: self.name_of(ordinal), error })
    }

    fn take_running(&mut self) -> Result<StepName, ReplayError> {
        let ordinal = self.running.take().ok_or(ReplayError::NotRunning)?;
        self.fresh.retain(|&fresh| fresh != ordinal);
        self.ran = Some(ordinal);
        Ok(self.step_name(ordinal))
    }

    fn slot(&self, ordinal: u32) -> &Slot {
        // Ordinals in `waiting`, `fresh` and `running` were made by `register`.
        &self.steps[ordinal as usize]
    }

    fn options(&self, ordinal: u32) -> &str {
        self.slot(ordinal).report.as_ref().map_or("", |report| &report.options)
    }

    fn name_of(&self, ordinal: u32) -> String {
        self.slot(ordinal).report.as_ref().map(|report| report.name.clone()).unwrap_or_default()
    }

    fn step_name(&self, ordinal: u32) -> StepName {
        let slot = self.slot(ordinal);
        let index = slot.report.as_ref().map_or(0, |report| report.index);
        StepName { id: slot.id, name: self.name_of(ordinal), index }
    }

    fn found_names(&self) -> Vec<StepName> {
        self.fresh.iter().map(|&ordinal| self.step_name(ordinal)).collect()
    }
}
