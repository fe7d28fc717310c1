//! What the functions of a test did, beside what the engine knows of their runs.

use std::collections::{BTreeMap, BTreeSet};

use engine::EventId;
use protocol::event::NewEvent;
use protocol::id::{RunId, StepId};
use protocol::op::{Op, OpCode};
use protocol::step::StepName;
use serde_json::Value;

use crate::path::shown;

/// An event that a function sent.
#[derive(Debug, Clone, PartialEq)]
pub struct SentEvent {
    /// The run that sent it.
    pub run: RunId,
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Value,
    /// The id that the function gave it.
    pub id: Option<String>,
}

/// A step that somebody spoke of.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) step: StepName,
    /// As in `docs/guests.md`.
    pub(crate) kind: &'static str,
}

/// A body that began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Began {
    pub(crate) function: String,
    /// The step's id without its key.
    pub(crate) base: String,
    pub(crate) idempotency_key: String,
}

#[derive(Debug, Default)]
pub(crate) struct Journal {
    steps: BTreeMap<(RunId, StepId), Known>,
    attempts: BTreeMap<(RunId, String), u32>,
    pub(crate) sent: Vec<SentEvent>,
    /// By the engine's ids: one that is sent again under the same seed is the same one.
    accepted: BTreeSet<EventId>,
    pub(crate) bodies: Vec<Began>,
}

impl Journal {
    /// Notes the steps that are reported.
    pub(crate) fn reported(&mut self, run: RunId, ops: &[Op]) {
        for op in ops {
            self.knows(run, &op.step, kind(&op.code));
        }
    }

    /// Notes a step. What is known of one already stays: its first report says most of it.
    pub(crate) fn knows(&mut self, run: RunId, step: &StepName, kind: &'static str) {
        let known = || Known { step: step.clone(), kind };
        self.steps.entry((run, step.id)).or_insert_with(known);
    }

    /// Notes an event that a function sent, unless it was sent before.
    pub(crate) fn sends(&mut self, run: RunId, id: EventId, event: &NewEvent) {
        if self.accepted.insert(id) {
            self.sent.push(SentEvent {
                run,
                name: event.name.as_str().to_owned(),
                data: serde_json::from_str(event.data.get()).unwrap_or_default(),
                id: event.id.clone(),
            });
        }
    }

    pub(crate) fn step(&self, run: RunId, step: StepId) -> Option<&Known> {
        self.steps.get(&(run, step))
    }

    /// The steps of a run, in no order.
    pub(crate) fn steps_of(&self, run: RunId) -> impl Iterator<Item = &Known> {
        self.steps.iter().filter(move |((of, _), _)| *of == run).map(|(_, known)| known)
    }

    /// Counts an attempt; how many there were before.
    pub(crate) fn attempt(&mut self, run: RunId, step: &StepName) -> u32 {
        let count = self.attempts.entry((run, shown(step))).or_default();
        *count += 1;
        *count - 1
    }

    /// How many attempts of a step there were, by the name that the server shows.
    pub(crate) fn attempts(&self, run: RunId, step: &str) -> u32 {
        self.attempts.get(&(run, step.to_owned())).copied().unwrap_or_default()
    }
}

fn kind(code: &OpCode) -> &'static str {
    match code {
        OpCode::StepRun { .. }
        | OpCode::StepError { .. }
        | OpCode::StepFailed { .. }
        | OpCode::StepPlanned
        | OpCode::DiscoveryRequest
        | OpCode::Nothing => "run",
        OpCode::Sleep(_) => "sleep",
        OpCode::WaitForEvent(_) => "wait-for-event",
        OpCode::WaitForSignal(_) => "wait-for-signal",
        OpCode::InvokeFunction(_) => "invoke",
        OpCode::Gateway(_) => "fetch",
        OpCode::AiGateway(_) => "infer",
    }
}
