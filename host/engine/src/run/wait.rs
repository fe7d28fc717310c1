//! Waits of a run: for time, an event, a signal, another run. Each begins with an op and ends with a memo.

use jiff::Timestamp;
use protocol::id::StepId;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::advance::{Ended, memo};
use super::timeline::Kind;
use super::{Ask, Ending, Invoker, Run, Stage, Work, unwait};
use crate::activity::Happening;
use crate::condition::Condition;
use crate::event::canonical;
use crate::op::{Reported, null};
use crate::queue::ItemId;
use crate::reply::Failure;

/// Another function to be run, and who waits for it.
#[derive(Debug, Clone)]
pub(crate) struct Invocation {
    pub(crate) invoker: Invoker,
    /// The item that waits.
    pub(crate) item: ItemId,
    /// Of the step.
    pub(crate) name: String,
    /// The function's slug.
    pub(crate) function: String,
    /// The event to run it with.
    pub(crate) payload: Value,
    /// For how long its result is awaited.
    pub(crate) until: Timestamp,
}

impl Run {
    /// Begins to wait for an event; a condition that does not compile ends the run.
    pub(super) fn wait_for_event(
        &mut self,
        step: Reported,
        event: &str,
        condition: Option<(String, Result<Condition, String>)>,
        until: Timestamp,
        stage: &mut Stage<'_>,
    ) -> Option<Ending> {
        let (text, condition) = match condition {
            None => (None, None),
            Some((text, Ok(condition))) => (Some(text), Some(condition)),
            Some((_, Err(fault))) => {
                let message = format!("the wait {}: {fault}", step.name);
                return Some(Ending::Failed(Failure::new("invalid expression", message)));
            }
        };
        let (id, name) = (step.id, step.name.clone());
        let work = Work::Event { id, name, event: event.to_owned(), condition: text };
        let item = self.add(work, until, stage);
        stage.waiting.add_event(event, (self.id, item), condition);
        self.timeline.began(step.named(Kind::Event), Some(until), stage.now);
        self.waits(step.name, format!("the event {event}"), until, stage);
        None
    }

    /// Begins to wait for a signal; where another run waits for the same, it is replaced, or this one ends.
    pub(super) fn wait_for_signal(
        &mut self,
        step: Reported,
        signal: &str,
        until: Timestamp,
        replace: bool,
        stage: &mut Stage<'_>,
    ) -> Option<Ending> {
        if let Some((run, item)) = stage.waiting.for_signal(signal) {
            if !replace {
                tracing::warn!(run = %self.id, %signal, "the run {run} waits for it; `conflict: replace` takes over");
                // In the words of the real server.
                let message = "Signal conflict; signal wait already exists for another run";
                return Some(Ending::Failed(Failure::new("signal conflict", message)));
            }
            stage.asks.push_back(Ask::Release { run, item });
        }
        let (id, name, race) = (step.id, step.name.clone(), step.race);
        let work = Work::Signal { id, name, signal: Some(signal.to_owned()), race };
        let item = self.add(work, until, stage);
        stage.waiting.add_signal(signal, (self.id, item));
        self.timeline.began(step.named(Kind::Signal), Some(until), stage.now);
        self.waits(step.name, format!("the signal {signal}"), until, stage);
        None
    }

    /// Begins to wait for another run, which is yet to be started.
    pub(super) fn invoke(
        &mut self,
        step: Reported,
        function: String,
        payload: Value,
        until: Timestamp,
        stage: &mut Stage<'_>,
    ) {
        let (id, name, race) = (step.id, step.name.clone(), step.race);
        let item = self.add(Work::Invoke { id, name: name.clone(), race }, until, stage);
        self.timeline.began(step.named(Kind::Invoke), Some(until), stage.now);
        self.waits(step.name, format!("the function {function}"), until, stage);
        let invoker = Invoker { run: self.id, step: id };
        let invocation = Invocation { invoker, item, name, function, payload, until };
        stage.asks.push_back(Ask::Invoke(Box::new(invocation)));
    }

    fn waits(&self, name: String, awaited: String, until: Timestamp, stage: &mut Stage<'_>) {
        self.tell(Happening::Waiting { name, awaited, until }, stage);
    }

    /// The item that waits for the run which a step invoked.
    pub(crate) fn invocation(&self, step: StepId) -> Option<ItemId> {
        let mut items = self.items.iter();
        let found =
            items.find(|(_, item)| matches!(item.work, Work::Invoke { id, .. } if id == step));
        found.map(|(id, _)| *id)
    }

    /// Another run has taken over what an item waits for: it now waits for the end of its time.
    pub(crate) fn release(&mut self, item: ItemId) {
        if let Some(Work::Signal { signal, .. }) = self.items.get_mut(&item).map(|i| &mut i.work) {
            *signal = None;
        }
    }

    /// The time of an item is over.
    pub(crate) fn wake(&mut self, item: ItemId, stage: &mut Stage<'_>) -> Option<Ending> {
        match &self.items.get(&item)?.work {
            Work::Sleep { id, race } => {
                let ended = Ended { id: *id, race: *race };
                self.items.remove(&item);
                let ending = self.remember(ended.id, null(), stage);
                // A sleep that ends leaves `planning` as it is; so does the real server.
                if self.proceeds(&[ended]) {
                    self.discover(stage);
                }
                ending
            }
            Work::Event { .. } | Work::Signal { .. } => self.arrive(item, null(), true, stage),
            Work::Invoke { .. } => {
                let error = json!({
                    "name": "InngestInvokeTimeoutError",
                    "message": "Timed out waiting for invoked function to complete",
                    "error": "InngestInvokeTimeoutError",
                });
                self.arrive(item, memo("error", &canonical(&error)), true, stage)
            }
            Work::Discovery | Work::Step { .. } => None,
        }
    }

    /// What an item waited for is there, or never comes.
    pub(crate) fn arrive(
        &mut self,
        item: ItemId,
        memo: Box<RawValue>,
        timed_out: bool,
        stage: &mut Stage<'_>,
    ) -> Option<Ending> {
        let (id, name, race) = match &self.items.get(&item)?.work {
            Work::Event { id, name, .. } => (*id, name.clone(), false),
            Work::Signal { id, name, race, .. } | Work::Invoke { id, name, race } => {
                (*id, name.clone(), *race)
            }
            Work::Discovery | Work::Step { .. } | Work::Sleep { .. } => return None,
        };
        let ticket = self.ticket(item);
        let gone = self.items.remove(&item)?;
        stage.queue.remove(gone.due, ticket);
        unwait(stage.waiting, (self.id, item), &gone.work);
        self.tell(Happening::WaitEnded { name, timed_out }, stage);
        let ending = self.remember(id, memo, stage);
        self.finish(&[Ended { id, race }], stage);
        ending
    }

    /// The memo of an invoked run that has ended so.
    pub(crate) fn told_of(ending: Result<&RawValue, &RawValue>) -> Box<RawValue> {
        match ending {
            Ok(output) => memo("data", output),
            Err(error) => memo("error", error),
        }
    }
}
