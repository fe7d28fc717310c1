//! One run of a function: what it knows and what it still has to do.

mod advance;
mod settle;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::{RunId, StepId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::activity::{Activity, Happening};
use crate::entropy::Entropy;
use crate::event::EventId;
use crate::machine::record::{Record, Table};
use crate::queue::{ItemId, Queue, Ticket};

pub(crate) use settle::Ending;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    /// Not called yet.
    Scheduled,
    /// Called at least once.
    Running,
    /// Ended with a result.
    Completed,
    /// Ended with a failure.
    Failed,
    /// Ended from outside; the real server spells it so.
    Cancelled,
}

impl Status {
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// What an item of a run's work is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Call the function from the top.
    Discovery,
    /// Call it to run this step.
    Step { id: StepId },
    /// Wait; the step is then done.
    Sleep { id: StepId },
}

/// One item of a run's work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) work: Work,
    pub(crate) due: Timestamp,
    pub(crate) attempt: u32,
    /// The stable name of the item towards the worker.
    pub(crate) job: String,
}

/// One run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) id: RunId,
    pub(crate) app: String,
    pub(crate) slug: String,
    pub(crate) events: Vec<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cron: Option<String>,
    /// Started by the news of another run's end; nobody is told of its own.
    #[serde(default)]
    pub(crate) silent: bool,
    pub(crate) status: Status,
    pub(crate) queued_at: Timestamp,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    /// The execution version the worker answered with; -1 before its first answer.
    pub(crate) version: i32,
    /// Whether a lone new step must be planned rather than run at once.
    pub(crate) planning: bool,
    /// Finished steps in the order in which they finished.
    pub(crate) stack: Vec<StepId>,
    /// Steps that must end before the next discovery call.
    pub(crate) pending: BTreeSet<StepId>,
    /// Every step that ever got an item: none gets a second one.
    pub(crate) planned: BTreeSet<StepId>,
    /// Requests for another discovery call that were followed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) requested: BTreeSet<String>,
    pub(crate) items: BTreeMap<ItemId, Item>,
    pub(crate) next_item: ItemId,
    pub(crate) output: Option<Box<RawValue>>,
    /// Results of finished steps as calls carry them. Stored one by one: a run with many large results would
    /// otherwise be written whole at every step.
    #[serde(skip)]
    pub(crate) memos: BTreeMap<StepId, Box<RawValue>>,
}

/// What a run needs to move on, and where it leaves what follows.
pub(crate) struct Stage<'m> {
    pub(crate) now: Timestamp,
    pub(crate) entropy: &'m mut dyn Entropy,
    pub(crate) queue: &'m mut Queue,
    pub(crate) records: &'m mut Vec<Record>,
    pub(crate) activity: &'m mut Vec<Activity>,
    pub(crate) retry_interval: Option<Duration>,
}

impl Run {
    /// The bytes of all memos, about as a call carries them.
    pub(crate) fn state_bytes(&self) -> usize {
        self.memos.values().map(|memo| memo.get().len() + 45).sum()
    }

    /// How the queue knows an item.
    pub(crate) fn ticket(&self, item: ItemId) -> Ticket {
        let discovery = self.items.get(&item).is_some_and(|item| item.work == Work::Discovery);
        Ticket { run: self.id, item, discovery }
    }

    /// Puts every item into a queue: after a restart.
    pub(crate) fn requeue(&self, queue: &mut Queue) {
        for (id, item) in &self.items {
            match item.work {
                Work::Sleep { .. } => queue.add_sleep(item.due, self.id, *id),
                Work::Discovery | Work::Step { .. } => queue.add_call(item.due, self.ticket(*id)),
            }
        }
    }

    /// Adds an item and queues it.
    pub(crate) fn add(&mut self, work: Work, due: Timestamp, stage: &mut Stage<'_>) {
        let id = self.next_item;
        self.next_item += 1;
        let sleeps = matches!(work, Work::Sleep { .. });
        self.items.insert(id, Item { work, due, attempt: 0, job: stage.entropy.job() });
        if sleeps {
            stage.queue.add_sleep(due, self.id, id);
        } else {
            stage.queue.add_call(due, self.ticket(id));
        }
    }

    /// Takes every item out of the queue and every memo out of the store: the run has ended.
    pub(crate) fn clear(&mut self, queue: &mut Queue, records: &mut Vec<Record>) {
        for (id, item) in &self.items {
            queue.remove(item.due, self.ticket(*id));
        }
        self.items.clear();
        self.pending.clear();
        for step in self.memos.keys() {
            records.push(Record::remove(Table::Memos, memo_key(self.id, *step)));
        }
        self.memos.clear();
    }

    /// Tells what happened in this run.
    pub(crate) fn tell(&self, what: Happening, stage: &mut Stage<'_>) {
        stage.activity.push(Activity {
            at: stage.now,
            run: Some(self.id),
            function: Some(self.slug.clone()),
            what,
        });
    }
}

/// Where the memo of a step is stored.
pub(crate) fn memo_key(run: RunId, step: StepId) -> String {
    format!("{run}/{step}")
}
