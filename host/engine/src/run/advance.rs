//! Steps of a run begin and end.

use std::time::Duration;

use jiff::Timestamp;
use protocol::id::StepId;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::timeline::{End, Kind};
use super::{Ending, Run, Stage, Work, memo_key};
use crate::activity::Happening;
use crate::machine::record::{Record, Table};
use crate::op::{Reported, shown};
use crate::reply::Failure;

/// The longest sleep or wait.
const LONGEST: Duration = Duration::from_hours(366 * 24);
const MOST_STEPS: usize = 1_000;
pub(super) const LARGEST_STATE: usize = 32 * 1024 * 1024;

/// A step that has ended, and whether that lifts the barrier of its batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) id: StepId,
    pub(super) race: bool,
}

impl From<&Reported> for Ended {
    fn from(step: &Reported) -> Self {
        Self { id: step.id, race: step.race }
    }
}

/// How a step ended that left this behind.
fn end_of(memo: &RawValue) -> End {
    #[derive(Deserialize)]
    struct Failed {
        error: Box<RawValue>,
    }
    let failed = memo.get().starts_with(r#"{"error":"#).then(|| serde_json::from_str(memo.get()));
    match failed {
        Some(Ok(Failed { error })) => End::Failed { message: shown(&error).message, again: None },
        _ => End::Done,
    }
}

/// A value as a memo under `data` or `error`, canonical.
pub(super) fn memo(member: &str, value: &RawValue) -> Box<RawValue> {
    let text =
        serde_json_canonicalizer::pipe(value.get()).unwrap_or_else(|_| value.get().to_owned());
    RawValue::from_string(format!(r#"{{"{member}":{text}}}"#)).expect("JSON in an object is JSON")
}

impl Run {
    /// Stores what a step left behind; the first result counts. The run ends when it has become too large.
    pub(super) fn remember(
        &mut self,
        step: StepId,
        memo: Box<RawValue>,
        stage: &mut Stage<'_>,
    ) -> Option<Ending> {
        self.store(step, memo, stage);
        let fail = |kind, message: &str| Some(Ending::Failed(Failure::new(kind, message)));
        if self.stack.len() > MOST_STEPS {
            return fail("InngestErrFunctionOverflowed", "the run has more than 1000 steps");
        }
        if self.state_bytes() > LARGEST_STATE {
            return fail(
                "InngestErrStateOverflowed",
                "the results of the run's steps exceed 32 MiB",
            );
        }
        None
    }

    /// Whether one more step may be stored.
    pub(super) fn has_room(&self) -> bool {
        self.stack.len() < MOST_STEPS
    }

    pub(super) fn store(&mut self, step: StepId, memo: Box<RawValue>, stage: &mut Stage<'_>) {
        if !self.memos.contains_key(&step) {
            let value = memo.get().as_bytes().to_vec();
            stage.records.push(Record::put(Table::Memos, memo_key(self.id, step), value));
            self.timeline.ended(step, end_of(&memo), stage.now);
            self.memos.insert(step, memo);
            self.stack.push(step);
            self.step_ends.insert(step, stage.now);
            self.inputs.remove(&step);
        }
    }

    /// Gives a planned step its item.
    pub(super) fn plan(&mut self, step: Reported, stage: &mut Stage<'_>) {
        self.add(Work::Step { id: step.id }, stage.now, stage);
        self.timeline.planned(step.named(Kind::Body), stage.now);
        self.tell(Happening::StepPlanned { name: step.name }, stage);
    }

    /// Begins a sleep.
    pub(super) fn sleep(&mut self, step: Reported, until: Timestamp, stage: &mut Stage<'_>) {
        self.add(Work::Sleep { id: step.id, race: step.race }, until, stage);
        self.timeline.began(step.named(Kind::Sleep), Some(until), stage.now);
        self.tell(Happening::Sleeping { name: step.name, until }, stage);
    }

    /// Ends the run when one of its sleeps or waits would last longer than anybody may wait.
    pub(super) fn too_long(
        what: &str,
        name: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Option<Ending> {
        let long = Duration::try_from(until.duration_since(now)).is_ok_and(|d| d > LONGEST);
        let message = format!("the {what} {name} is longer than 366 days");
        long.then(|| Ending::Failed(Failure::new("InngestErrTimeoutTooLong", message)))
    }

    /// Steps have ended: the next discovery call follows when no other step of their batch is pending, or when one
    /// of them lifts that barrier.
    pub(super) fn finish(&mut self, steps: &[Ended], stage: &mut Stage<'_>) {
        if self.proceeds(steps) {
            if self.version >= 2 {
                self.planning = false;
            }
            self.discover(stage);
        }
    }

    /// Takes steps off the barrier; whether the run goes on. A step that was reported under version 1 stands at no
    /// barrier: each such end wakes the run.
    pub(super) fn proceeds(&mut self, steps: &[Ended]) -> bool {
        let mut lifted = false;
        for step in steps {
            let joined = self.pending.remove(&step.id);
            lifted |= step.race || (self.version < 2 && !joined);
        }
        !steps.is_empty() && (lifted || self.pending.is_empty())
    }

    /// Queues a discovery call, unless one waits already: it will see this state too.
    pub(super) fn discover(&mut self, stage: &mut Stage<'_>) {
        let waits = self.items.iter().any(|(id, item)| {
            item.due <= stage.now
                && stage.queue.waits(item.due, self.ticket(*id))
                && item.work == Work::Discovery
        });
        if !waits {
            self.add(Work::Discovery, stage.now, stage);
        }
    }
}
