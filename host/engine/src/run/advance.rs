//! Steps of a run begin and end.

use std::time::Duration;

use jiff::Timestamp;
use protocol::id::StepId;
use serde_json::value::RawValue;

use super::{Ending, Run, Stage, Work, memo_key};
use crate::activity::Happening;
use crate::machine::record::{Record, Table};
use crate::op::{Reported, null};
use crate::queue::ItemId;
use crate::reply::Failure;

const LONGEST_SLEEP: Duration = Duration::from_hours(366 * 24);
const MOST_STEPS: usize = 1_000;
const LARGEST_STATE: usize = 32 * 1024 * 1024;

impl Run {
    /// Stores what a step left behind; the first result counts. The run ends when it has become too large.
    pub(super) fn remember(
        &mut self,
        step: StepId,
        member: &str,
        value: &RawValue,
        stage: &mut Stage<'_>,
    ) -> Option<Ending> {
        let text =
            serde_json_canonicalizer::pipe(value.get()).unwrap_or_else(|_| value.get().to_owned());
        let memo = RawValue::from_string(format!(r#"{{"{member}":{text}}}"#))
            .expect("a JSON value in an object is JSON");
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

    fn store(&mut self, step: StepId, memo: Box<RawValue>, stage: &mut Stage<'_>) {
        if !self.memos.contains_key(&step) {
            let value = memo.get().as_bytes().to_vec();
            stage.records.push(Record::put(Table::Memos, memo_key(self.id, step), value));
            self.memos.insert(step, memo);
            self.stack.push(step);
        }
    }

    /// Gives a planned step its item, once.
    pub(super) fn plan(&mut self, step: Reported, stage: &mut Stage<'_>) {
        if self.planned.insert(step.id) {
            self.pending.insert(step.id);
            self.add(Work::Step { id: step.id }, stage.now, stage);
            self.tell(Happening::StepPlanned { name: step.name }, stage);
        }
    }

    /// Begins a sleep; one that was reported before keeps its first end.
    pub(super) fn sleep(
        &mut self,
        step: Reported,
        until: Timestamp,
        stage: &mut Stage<'_>,
    ) -> Option<Ending> {
        if Duration::try_from(until.duration_since(stage.now)).is_ok_and(|d| d > LONGEST_SLEEP) {
            let message = format!("the sleep {} is longer than 366 days", step.name);
            return Some(Ending::Failed(Failure::new("InngestErrTimeoutTooLong", message)));
        }
        if self.planned.insert(step.id) {
            self.pending.insert(step.id);
            self.add(Work::Sleep { id: step.id }, until, stage);
            self.tell(Happening::Sleeping { name: step.name, until }, stage);
        }
        None
    }

    /// Ends a sleep.
    pub(crate) fn wake(&mut self, item: ItemId, stage: &mut Stage<'_>) {
        let Some(Work::Sleep { id }) = self.items.get(&item).map(|item| item.work.clone()) else {
            return;
        };
        self.items.remove(&item);
        self.store(id, null(), stage);
        self.pending.remove(&id);
        // A sleep that ends leaves `planning` as it is; so does the real server.
        if self.version < 2 || self.pending.is_empty() {
            self.discover(stage);
        }
    }

    /// Steps have ended: the next discovery call follows when no other step of their batch is pending, or when one
    /// of them lifts that barrier.
    pub(super) fn finish(&mut self, steps: &[Reported], stage: &mut Stage<'_>) {
        let mut lifted = false;
        for step in steps {
            self.pending.remove(&step.id);
            lifted |= step.race;
        }
        if steps.is_empty() {
            return;
        }
        if self.version < 2 || lifted || self.pending.is_empty() {
            if self.version >= 2 {
                self.planning = false;
            }
            self.discover(stage);
        }
    }

    /// Queues a discovery call, unless one waits already: it will see this state too.
    fn discover(&mut self, stage: &mut Stage<'_>) {
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
