//! A call of a run has ended: what follows.

use std::time::Duration;

use protocol::op::Retry;
use serde_json::value::RawValue;

use super::{Run, Stage, Work};
use crate::activity::Happening;
use crate::backoff;
use crate::op::{Op, shown};
use crate::queue::ItemId;
use crate::reply::{Failure, Verdict};

/// How long until a worker that asked for another discovery call gets it.
const AGAIN: Duration = Duration::from_millis(150);

/// How a run ends.
#[derive(Debug)]
pub(crate) enum Ending {
    Completed(Box<RawValue>),
    Failed(Failure),
    Canceled,
}

impl Run {
    /// Goes on after the call of an item, which was the last one if `attempt + 1 == most`.
    pub(crate) fn settle(
        &mut self,
        item: ItemId,
        verdict: Verdict,
        most: u32,
        stage: &mut Stage<'_>,
    ) -> Option<Ending> {
        match verdict {
            Verdict::Done(output) => Some(Ending::Completed(output)),
            Verdict::Failed { failure, retry } => self.failed(item, failure, retry, most, stage),
            Verdict::Ops { ops, version, retry } => {
                self.version = version;
                self.reported(item, ops, retry, most, stage)
            }
        }
    }

    fn failed(
        &mut self,
        item: ItemId,
        failure: Failure,
        retry: Retry,
        most: u32,
        stage: &mut Stage<'_>,
    ) -> Option<Ending> {
        let attempt = self.items.get(&item)?.attempt;
        let last = retry == Retry::Never || attempt + 1 >= most;
        let retry_at = if last { None } else { self.again(item, retry, stage) };
        let reason = format!("{}: {}", failure.kind, failure.error.message);
        self.tell(Happening::CallFailed { reason, attempt, retry_at }, stage);
        last.then_some(Ending::Failed(failure))
    }

    /// Queues the next attempt of an item; when it will be.
    fn again(
        &mut self,
        id: ItemId,
        retry: Retry,
        stage: &mut Stage<'_>,
    ) -> Option<jiff::Timestamp> {
        let ticket = self.ticket(id);
        let item = self.items.get_mut(&id)?;
        let bits = stage.entropy.bits();
        let pause = backoff::pause(retry, item.attempt, stage.retry_interval, bits);
        item.due = stage.now.checked_add(pause).unwrap_or(stage.now);
        item.attempt += 1;
        stage.queue.add_call(item.due, ticket);
        Some(item.due)
    }

    fn reported(
        &mut self,
        id: ItemId,
        ops: Vec<Op>,
        retry: Retry,
        most: u32,
        stage: &mut Stage<'_>,
    ) -> Option<Ending> {
        let attempt = self.items.get(&id)?.attempt;
        let may_retry = retry != Retry::Never && attempt + 1 < most;
        if ops.len() > 1 {
            self.planning = true;
        } else if self.version >= 2 && self.ticket(id).discovery {
            // Recorded: the call for a lone planned step may run it at once, even after a call that might not.
            self.planning = false;
        }
        let names: Vec<&str> = ops.iter().map(Op::label).collect();
        let told = format!("the worker answered [{}]", names.join(", "));
        if ops.is_empty() {
            self.add(Work::Discovery, stage.now.checked_add(AGAIN).unwrap_or(stage.now), stage);
        }
        let mut retry_at = None;
        let mut finished = Vec::new();
        for op in ops {
            let ending = match op {
                Op::StepRun { step, data, took } => {
                    let what = Happening::StepRan { name: step.name.clone(), attempt, took };
                    self.tell(what, stage);
                    let ending = self.remember(step.id, "data", &data, stage);
                    finished.push(step);
                    ending
                }
                Op::StepError { step, error } if may_retry => {
                    retry_at = retry_at.or_else(|| self.again(id, retry, stage));
                    let error = shown(&error);
                    let what = Happening::StepErrored { name: step.name, attempt, error, retry_at };
                    self.tell(what, stage);
                    None
                }
                Op::StepError { step, error } | Op::StepFailed { step, error } => {
                    let (name, told) = (step.name.clone(), shown(&error));
                    let what =
                        Happening::StepErrored { name, attempt, error: told, retry_at: None };
                    self.tell(what, stage);
                    let ending = self.remember(step.id, "error", &error, stage);
                    finished.push(step);
                    ending
                }
                Op::StepPlanned { step } => {
                    self.plan(step, stage);
                    None
                }
                Op::Sleep { step, until } => self.sleep(step, until, stage),
                Op::Discovery { id } => {
                    if self.requested.insert(id) {
                        let due = stage.now.checked_add(AGAIN).unwrap_or(stage.now);
                        self.add(Work::Discovery, due, stage);
                    }
                    None
                }
                Op::Nothing => None,
                Op::Complete { data } => Some(Ending::Completed(data)),
            };
            if ending.is_some() {
                return ending;
            }
        }
        if retry_at.is_none() {
            self.items.remove(&id);
        }
        self.finish(&finished, stage);
        if self.items.is_empty() {
            let what = Happening::RunStuck { reason: told };
            self.tell(what, stage);
        }
        None
    }
}

impl Op {
    fn label(&self) -> &str {
        match self {
            Self::StepRun { .. } => "StepRun",
            Self::StepError { .. } => "StepError",
            Self::StepFailed { .. } => "StepFailed",
            Self::StepPlanned { .. } => "StepPlanned",
            Self::Sleep { .. } => "Sleep",
            Self::Discovery { .. } => "DiscoveryRequest",
            Self::Nothing => "None",
            Self::Complete { .. } => "RunComplete",
        }
    }
}
