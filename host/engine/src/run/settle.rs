//! A call of a run has ended: what follows.

use std::time::Duration;

use jiff::Timestamp;
use protocol::op::Retry;
use serde_json::value::RawValue;

use super::advance::{Ended, memo};
use super::timeline::{End, Kind};
use super::{Run, Stage, Work};
use crate::activity::Happening;
use crate::backoff;
use crate::op::{Op, Reported, shown};
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
        let attempt = self.items.get(&item).map_or(0, |item| item.attempt);
        match verdict {
            Verdict::Done(output) => {
                self.timeline.answered(item, &self.slug, attempt, Some(End::Done), stage.now);
                Some(Ending::Completed(output))
            }
            Verdict::Failed { failure, retry } => self.failed(item, failure, retry, most, stage),
            Verdict::Ops { ops, version, retry } => {
                // The version that was recorded before decides whether the ops of this very reply join a barrier.
                let joins = if self.version < 0 { version >= 2 } else { self.version >= 2 };
                // It is recorded with the first ops of a run, and with the first that come as a group.
                if self.version < 0 || (ops.len() > 1 && !self.planning) {
                    self.version = version;
                }
                self.reported(item, ops, Reporting { retry, most, joins }, stage)
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
        let step = self.items.get(&item)?.work.step();
        let end = End::Failed { message: reason.clone(), again: retry_at };
        self.timeline.failed(item, step, &self.slug, attempt, end, stage.now);
        self.tell(Happening::CallFailed { reason, attempt, retry_at }, stage);
        last.then_some(Ending::Failed(failure))
    }

    /// Queues the next attempt of an item; when it will be.
    pub(super) fn again(
        &mut self,
        id: ItemId,
        retry: Retry,
        stage: &mut Stage<'_>,
    ) -> Option<Timestamp> {
        let ticket = self.ticket(id);
        let item = self.items.get_mut(&id)?;
        let bits = stage.entropy.bits();
        let pause = backoff::pause(retry, item.attempt, stage.retry_interval, bits);
        item.due = stage.now.checked_add(pause).unwrap_or(stage.now);
        item.attempt += 1;
        item.generation += 1;
        item.request = None;
        stage.queue.add_call(item.due, ticket);
        Some(item.due)
    }

    fn reported(
        &mut self,
        id: ItemId,
        mut ops: Vec<Op>,
        reporting: Reporting,
        stage: &mut Stage<'_>,
    ) -> Option<Ending> {
        let discovery = self.items.get(&id)?.work == Work::Discovery;
        if ops.iter().filter(|op| !op.is_lazy()).count() > 1 {
            self.planning = true;
        } else if self.version >= 2 && discovery {
            // Recorded: the call for a lone planned step may run it at once, even after a call that might not.
            self.planning = false;
        }
        let names: Vec<&str> = ops.iter().map(Op::label).collect();
        let told = format!("the worker answered [{}]", names.join(", "));
        if ops.is_empty() {
            self.add(Work::Discovery, stage.now.checked_add(AGAIN).unwrap_or(stage.now), stage);
        }
        // As on the real server, so that nothing that another op sets off is missed.
        ops.sort_by_key(|op| !matches!(op, Op::WaitForEvent { .. }));
        let mut report = Report { item: id, retry_at: None, finished: Vec::new(), reporting };
        for op in ops {
            if let Some(step) = op.step() {
                self.name(step);
            }
            if let Some(step) = op.begins() {
                // A step that was reported before keeps what it got then: its place in the queue, its end.
                if !self.planned.insert(step) {
                    continue;
                }
                if report.reporting.joins {
                    self.pending.insert(step);
                }
            }
            let ending = self.take(op, &mut report, stage);
            if ending.is_some() {
                return ending;
            }
        }
        let attempt = self.items.get(&id).map_or(0, |item| item.attempt);
        self.timeline.answered(id, &self.slug, attempt, None, stage.now);
        if report.retry_at.is_some() {
            self.timeline.queued(id, stage.now);
        }
        if report.retry_at.is_none() && !self.errands.values().any(|item| *item == id) {
            self.items.remove(&id);
        }
        self.finish(&report.finished, stage);
        if self.items.is_empty() {
            let what = Happening::RunStuck { reason: told };
            self.tell(what, stage);
        }
        None
    }

    /// Acts on one op.
    fn take(&mut self, op: Op, report: &mut Report, stage: &mut Stage<'_>) -> Option<Ending> {
        let now = stage.now;
        match op {
            Op::StepRun { step, data, took } => {
                let attempt = self.items.get(&report.item)?.attempt;
                let what = Happening::StepRan { name: step.name.clone(), attempt, took };
                self.tell(what, stage);
                let named = step.named(Kind::Body);
                self.timeline.ran(report.item, named, attempt, took, End::Done, now);
                report.finished.push(Ended::from(&step));
                return self.remember(step.id, memo("data", &data), stage);
            }
            Op::StepError { step, error } => {
                let retry = report.reporting.retry;
                return self.erred(&step, &error, retry, report, stage);
            }
            Op::StepFailed { step, error } => {
                return self.erred(&step, &error, Retry::Never, report, stage);
            }
            Op::StepPlanned { step } => self.plan(step, stage),
            Op::Sleep { step, until } => {
                let ending = Self::too_long("sleep", &step.name, until, now);
                if ending.is_some() {
                    return ending;
                }
                self.sleep(step, until, stage);
            }
            Op::WaitForEvent { step, event, condition, until } => {
                return Self::too_long("wait", &step.name, until, now)
                    .or_else(|| self.wait_for_event(step, &event, condition, until, stage));
            }
            Op::WaitForSignal { step, signal, until, replace } => {
                return Self::too_long("wait", &step.name, until, now)
                    .or_else(|| self.wait_for_signal(step, &signal, until, replace, stage));
            }
            Op::Invoke { step, function, payload, until } => {
                let ending = Self::too_long("invocation", &step.name, until, now);
                if ending.is_some() {
                    return ending;
                }
                self.invoke(step, function, payload, until, stage);
            }
            Op::Request { step, request } => {
                self.send_off(report.item, step, request, report.reporting.joins, stage);
            }
            Op::Discovery { id } => {
                if self.requested.insert(id) {
                    let due = now.checked_add(AGAIN).unwrap_or(now);
                    self.add(Work::Discovery, due, stage);
                }
            }
            Op::Nothing => {}
            Op::Complete { data } => {
                let attempt = self.items.get(&report.item)?.attempt;
                self.timeline.answered(report.item, &self.slug, attempt, Some(End::Done), now);
                return Some(Ending::Completed(data));
            }
            Op::Dropped { name } => self.warn_of(&name),
        }
        None
    }

    /// A step's body has failed: it is tried again, or its failure is its result.
    fn erred(
        &mut self,
        step: &Reported,
        error: &RawValue,
        retry: Retry,
        report: &mut Report,
        stage: &mut Stage<'_>,
    ) -> Option<Ending> {
        let attempt = self.items.get(&report.item)?.attempt;
        // A second failure in one reply belongs to the attempt that the first one has used.
        let again = match report.retry_at {
            None if retry != Retry::Never && attempt + 1 < report.reporting.most => {
                self.again(report.item, retry, stage)
            }
            earlier if retry != Retry::Never => earlier,
            _ => None,
        };
        report.retry_at = report.retry_at.or(again);
        let (name, told) = (step.name.clone(), shown(error));
        let named = step.named(Kind::Body);
        let end = End::Failed { message: told.message.clone(), again };
        self.timeline.ran(report.item, named, attempt, None, end, stage.now);
        if again.is_some() {
            self.timeline.again(named, attempt + 1, stage.now);
        }
        self.tell(Happening::StepErrored { name, attempt, error: told, retry_at: again }, stage);
        if again.is_some() {
            return None;
        }
        report.finished.push(Ended::from(step));
        self.remember(step.id, memo("error", error), stage)
    }
}

/// What holds for all ops of a reply.
#[derive(Debug, Clone, Copy)]
struct Reporting {
    /// What a failed step wants.
    retry: Retry,
    /// How many attempts there are.
    most: u32,
    /// Whether ops that begin something must end before the next discovery call.
    joins: bool,
}

/// What has become of a reply so far.
#[derive(Debug)]
struct Report {
    item: ItemId,
    retry_at: Option<Timestamp>,
    finished: Vec<Ended>,
    reporting: Reporting,
}
