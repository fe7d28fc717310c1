//! A run is done once more, from its beginning or from one of its steps.

use std::collections::BTreeMap;

use jiff::Timestamp;
use protocol::id::{RunId, StepId};
use serde_json::value::RawValue;

use super::Machine;
use super::intake::Start;
use super::record::{Record, Table};
use crate::entropy::Entropy;
use crate::run::memo_key;

/// Which run to do once more.
#[derive(Debug, Clone)]
pub(crate) struct Rerun {
    pub(crate) run: RunId,
    pub(crate) from: Option<FromStep>,
}

/// From which step on. What ended before it is kept.
#[derive(Debug, Clone)]
pub(crate) struct FromStep {
    /// The step's own id, or its hash.
    pub(crate) step: String,
    /// The arguments to run it with, an array; without them those of the code.
    pub(crate) input: Option<Box<RawValue>>,
}

/// Why a run cannot be done once more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RerunError {
    /// There is no such run.
    #[error("there is no run {0}")]
    NoRun(RunId),
    /// The run never finished such a step.
    #[error("the run {run} has no finished step {step:?}; name one by its id or its hash")]
    NoStep { run: RunId, step: String },
}

impl Machine {
    /// The keys of the stored memos that a rerun from a step needs, in the order in which the steps ended.
    pub(crate) fn kept_for(&self, rerun: &Rerun) -> Result<Vec<(StepId, String)>, RerunError> {
        let run = self.runs.get(&rerun.run).ok_or(RerunError::NoRun(rerun.run))?;
        let Some(from) = &rerun.from else { return Ok(Vec::new()) };
        let position = self.position(rerun.run, from)?;
        let before = run.stack.iter().take(position);
        Ok(before.map(|step| (*step, memo_key(run.id, *step))).collect())
    }

    fn position(&self, id: RunId, from: &FromStep) -> Result<usize, RerunError> {
        let run = self.runs.get(&id).ok_or(RerunError::NoRun(id))?;
        let named = from.step.parse().ok().filter(|step| run.stack.contains(step));
        let step = named.unwrap_or_else(|| StepId::hash(&from.step));
        let position = run.stack.iter().position(|other| *other == step);
        position.ok_or_else(|| RerunError::NoStep { run: id, step: from.step.clone() })
    }

    /// Starts the run anew with the same events; `memos` are those of [`Machine::kept_for`]. The new run's id.
    pub(crate) fn rerun(
        &mut self,
        rerun: Rerun,
        memos: &BTreeMap<StepId, Box<RawValue>>,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<RunId, RerunError> {
        let kept = self.kept_for(&rerun)?;
        let old = self.runs.get(&rerun.run).ok_or(RerunError::NoRun(rerun.run))?;
        let start = Start {
            cron: old.cron.clone(),
            silent: old.silent,
            ..Start::of(old.app.clone(), old.slug.clone(), old.events.clone())
        };
        let edited = match rerun.from {
            Some(FromStep { step, input: Some(input) }) => {
                let from = FromStep { step, input: None };
                let position = self.position(rerun.run, &from)?;
                old.stack.get(position).map(|step| (*step, input))
            }
            _ => None,
        };
        let names = old.step_names.clone();
        let id = self.start(start, now, entropy);
        if let Some(run) = self.runs.get_mut(&id) {
            for (step, _) in kept {
                if let Some(memo) = memos.get(&step) {
                    let value = memo.get().as_bytes().to_vec();
                    self.records.push(Record::put(Table::Memos, memo_key(id, step), value));
                    run.stack.push(step);
                    run.step_ends.insert(step, now);
                    let name = names.get(&step).cloned().unwrap_or_else(|| step.to_string());
                    run.timeline.kept(step, &name, now);
                    run.memos.insert(step, memo.clone());
                }
            }
            run.inputs.extend(edited);
            run.step_names = names;
        }
        Ok(id)
    }
}
