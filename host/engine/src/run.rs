//! One run of a function: what it knows and what it still has to do.

mod advance;
mod checkpoint;
mod errand;
mod settle;
pub(crate) mod timeline;
mod wait;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::{RunId, StepId};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::activity::{Activity, Happening};
use crate::condition::Condition;
use crate::entropy::Entropy;
use crate::event::EventId;
use crate::flow::Keys;
use crate::machine::record::{Record, Table};
use crate::op::Reported;
use crate::queue::{ItemId, Queue, Ticket};
use crate::waiting::Waiting;

pub(crate) use checkpoint::{Checkpoint, Refusal, queue_item};
pub(crate) use errand::Errand;
pub(crate) use settle::Ending;
pub(crate) use timeline::Timeline;
pub(crate) use wait::Invocation;

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
    /// Not begun, since another run of a singleton was there.
    Skipped,
}

impl Status {
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Skipped)
    }
}

/// What an item of a run's work is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Call the function from the top.
    Discovery,
    /// Call it to run this step.
    Step { id: StepId },
    /// Let time pass; the step is then done.
    Sleep {
        id: StepId,
        #[serde(default)]
        race: bool,
    },
    /// Wait for an event, until the item is due.
    Event { id: StepId, name: String, event: String, condition: Option<String> },
    /// Wait for a signal, until the item is due; for none once another run has taken it over.
    Signal { id: StepId, name: String, signal: Option<String>, race: bool },
    /// Wait for the run that was invoked, until the item is due.
    Invoke { id: StepId, name: String, race: bool },
}

impl Work {
    /// Whether it is a call to the worker; else it is a timer, perhaps with something that comes before it.
    pub(crate) fn is_call(&self) -> bool {
        matches!(self, Self::Discovery | Self::Step { .. })
    }

    /// The step that a call is for.
    pub(crate) fn step(&self) -> Option<StepId> {
        match self {
            Self::Step { id } => Some(*id),
            _ => None,
        }
    }
}

/// One item of a run's work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) work: Work,
    pub(crate) due: Timestamp,
    pub(crate) attempt: u32,
    /// The stable name of the item towards the worker.
    pub(crate) job: String,
    /// Grows with every further dispatch, so that one that has been given up is known when it still speaks.
    #[serde(default = "first")]
    pub(crate) generation: u32,
    /// The dispatch under way.
    #[serde(skip)]
    pub(crate) request: Option<String>,
}

fn first() -> u32 {
    1
}

/// Who waits for the result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invoker {
    pub(crate) run: RunId,
    pub(crate) step: StepId,
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
    /// When each of them did.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) step_ends: BTreeMap<StepId, Timestamp>,
    /// What people call its steps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) step_names: BTreeMap<StepId, String>,
    /// Steps that must end before the next discovery call.
    pub(crate) pending: BTreeSet<StepId>,
    /// Every step that ever got an item: none gets a second one.
    pub(crate) planned: BTreeSet<StepId>,
    /// Requests for another discovery call that were followed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) requested: BTreeSet<String>,
    pub(crate) items: BTreeMap<ItemId, Item>,
    pub(crate) next_item: ItemId,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<Box<RawValue>>,
    /// Under which names the flow control of its function counts it.
    #[serde(default)]
    pub(crate) keys: Keys,
    /// The step of another run that waits for this one's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invoker: Option<Invoker>,
    /// When it is canceled if it has not moved on by then: not begun, or not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) deadline: Option<Timestamp>,
    /// Steps with arguments edited by an operator, which have not run with them yet.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) inputs: BTreeMap<StepId, Box<RawValue>>,
    /// Requests under way in this run's name, and the item whose call asked for each.
    #[serde(skip)]
    pub(crate) errands: BTreeMap<StepId, ItemId>,
    /// Results of finished steps as calls carry them. Stored one by one: a run with many large results would
    /// otherwise be written whole at every step.
    #[serde(skip)]
    pub(crate) memos: BTreeMap<StepId, Box<RawValue>>,
    /// When everything in it happened. Stored span by span.
    #[serde(skip)]
    pub(crate) timeline: Timeline,
}

/// What a run needs to move on, and where it leaves what follows.
pub(crate) struct Stage<'m> {
    pub(crate) now: Timestamp,
    pub(crate) entropy: &'m mut dyn Entropy,
    pub(crate) queue: &'m mut Queue,
    pub(crate) records: &'m mut Vec<Record>,
    pub(crate) activity: &'m mut Vec<Activity>,
    pub(crate) waiting: &'m mut Waiting,
    pub(crate) asks: &'m mut VecDeque<Ask>,
    pub(crate) retry_interval: Option<Duration>,
}

/// What a run wants that concerns more than itself.
#[derive(Debug)]
pub(crate) enum Ask {
    /// Another function's run.
    Invoke(Box<Invocation>),
    /// This run's item waits for its signal no more: another one took it over.
    Release { run: RunId, item: ItemId },
    /// A request over HTTP.
    Errand(Box<Errand>),
}

impl Run {
    /// What calls carry of its steps: the memos of those that have ended, and edited inputs of those that have not.
    pub(crate) fn state(&self) -> BTreeMap<StepId, Cow<'_, RawValue>> {
        let memos = self.memos.iter().map(|(step, memo)| (*step, Cow::Borrowed(&**memo)));
        let inputs = self.inputs.iter().map(|(step, input)| {
            let memo = RawValue::from_string(format!(r#"{{"input":{input}}}"#));
            (*step, Cow::Owned(memo.expect("JSON in an object is JSON")))
        });
        memos.chain(inputs).collect()
    }

    /// The bytes of all memos, about as a call carries them.
    pub(crate) fn state_bytes(&self) -> usize {
        self.memos.values().map(|memo| memo.get().len() + 45).sum()
    }

    /// Notes what people call a step that is reported.
    fn name(&mut self, step: &Reported) {
        self.step_names.entry(step.id).or_insert_with(|| step.name.clone());
    }

    /// How the queue knows an item.
    pub(crate) fn ticket(&self, item: ItemId) -> Ticket {
        let discovery = self.items.get(&item).is_some_and(|item| item.work == Work::Discovery);
        Ticket { run: self.id, item, discovery }
    }

    /// Puts every item into a queue, and whatever it waits for into the index: after a restart. Dispatches that were
    /// under way are given up, so each call gets a new generation. The error says what cannot be waited for.
    pub(crate) fn requeue(
        &mut self,
        queue: &mut Queue,
        waiting: &mut Waiting,
    ) -> Result<(), String> {
        for (id, item) in &mut self.items {
            if item.work.is_call() {
                item.generation += 1;
                let discovery = item.work == Work::Discovery;
                queue.add_call(item.due, Ticket { run: self.id, item: *id, discovery });
                continue;
            }
            queue.add_timer(item.due, self.id, *id);
            match &item.work {
                Work::Event { event, condition, .. } => {
                    let condition = condition.as_deref().map(Condition::compile).transpose()?;
                    waiting.add_event(event, (self.id, *id), condition);
                }
                Work::Signal { signal: Some(signal), .. } => {
                    waiting.add_signal(signal, (self.id, *id));
                }
                _ => {}
            }
        }
        if let Some(deadline) = self.deadline {
            queue.add_deadline(deadline, self.id);
        }
        Ok(())
    }

    /// Adds an item and queues it; its number.
    pub(crate) fn add(&mut self, work: Work, due: Timestamp, stage: &mut Stage<'_>) -> ItemId {
        let id = self.next_item;
        self.next_item += 1;
        let call = work.is_call();
        let job = stage.entropy.job();
        let item = Item { work, due, attempt: 0, job, generation: first(), request: None };
        self.items.insert(id, item);
        if call {
            self.timeline.queued(id, stage.now);
            stage.queue.add_call(due, self.ticket(id));
        } else {
            stage.queue.add_timer(due, self.id, id);
        }
        id
    }

    /// Replaces the moment at which the run is canceled.
    pub(crate) fn expire(&mut self, deadline: Option<Timestamp>, queue: &mut Queue) {
        if let Some(old) = std::mem::replace(&mut self.deadline, deadline) {
            queue.remove_deadline(old, self.id);
        }
        if let Some(new) = deadline {
            queue.add_deadline(new, self.id);
        }
    }

    /// Takes every item out of the queue and every memo out of memory: the run has ended. The store keeps the memos
    /// for as long as the run, so that it can be run again from one of its steps.
    pub(crate) fn clear(&mut self, queue: &mut Queue, waiting: &mut Waiting) {
        for (id, item) in &self.items {
            queue.remove(item.due, self.ticket(*id));
            unwait(waiting, (self.id, *id), &item.work);
        }
        self.expire(None, queue);
        self.items.clear();
        self.pending.clear();
        self.errands.clear();
        self.memos.clear();
    }

    /// Takes the run's memos out of the store: the run is forgotten.
    pub(crate) fn forget(&self, records: &mut Vec<Record>) {
        for at in 0..self.timeline.spans().len() {
            records.push(Record::remove(Table::Spans, span_key(self.id, at)));
        }
        for step in &self.stack {
            records.push(Record::remove(Table::Memos, memo_key(self.id, *step)));
        }
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

/// A result that is `null` is a result.
fn present<'de, D: Deserializer<'de>>(json: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(json).map(Some)
}

/// Takes what an item waited for out of the index.
fn unwait(waiting: &mut Waiting, waiter: (RunId, ItemId), work: &Work) {
    match work {
        Work::Event { event, .. } => waiting.remove_event(event, waiter),
        Work::Signal { signal: Some(signal), .. } => waiting.remove_signal(signal, waiter),
        _ => {}
    }
}

/// Where a span of a run's timeline is stored: in the order of the spans.
pub(crate) fn span_key(run: RunId, at: usize) -> String {
    format!("{run}/{at:06}")
}

/// Where the memo of a step is stored.
pub(crate) fn memo_key(run: RunId, step: StepId) -> String {
    format!("{run}/{step}")
}
