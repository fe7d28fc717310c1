//! Requests that the engine makes in a run's name.

use jiff::Timestamp;
use protocol::id::RunId;
use protocol::op::Retry;

use super::advance::{Ended, memo};
use super::timeline::{End, Kind};
use super::{Ask, Ending, Run, Stage};
use crate::activity::Happening;
use crate::op::{Reported, shown};
use crate::queue::ItemId;
use crate::request::{Request, Response};

/// A request to be made, and for whom. Nothing of it is stored: while it is under way its item stays where it is, so
/// that after a restart the worker is called again and asks for it again.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    pub(crate) run: RunId,
    pub(crate) item: ItemId,
    /// Of the dispatch that asked for it.
    pub(crate) generation: u32,
    pub(crate) step: Reported,
    pub(crate) request: Request,
}

impl Run {
    /// Sends a request off, unless it is under way or has ended.
    pub(super) fn send_off(
        &mut self,
        item: ItemId,
        step: Reported,
        request: Request,
        joins: bool,
        stage: &mut Stage<'_>,
    ) {
        let Some(generation) = self.items.get(&item).map(|item| item.generation) else { return };
        if self.memos.contains_key(&step.id) || self.errands.contains_key(&step.id) {
            return;
        }
        if joins {
            self.pending.insert(step.id);
        }
        self.errands.insert(step.id, item);
        let (name, url) = (step.name.clone(), request.url.to_string());
        self.timeline.began(step.named(Kind::Request), None, stage.now);
        self.tell(Happening::Requesting { name, url }, stage);
        let errand = Errand { run: self.id, item, generation, step, request };
        stage.asks.push_back(Ask::Errand(Box::new(errand)));
    }

    /// A request has ended. While attempts remain, a failed one brings the worker's next call for the same item.
    pub(crate) fn fetched(
        &mut self,
        errand: Errand,
        response: Response,
        most: u32,
        stage: &mut Stage<'_>,
    ) -> Option<Ending> {
        let Errand { item, generation, step, request, .. } = errand;
        if self.errands.get(&step.id) != Some(&item) {
            return None;
        }
        self.errands.remove(&step.id);
        let attempt = self.items.get(&item)?.attempt;
        let outcome = request.outcome(response);
        let error = outcome.as_ref().err().map(|error| shown(error));
        let mut retry_at: Option<Timestamp> = None;
        let ending = match outcome {
            Ok(data) => self.remember(step.id, memo("data", &data), stage),
            Err(_) if attempt + 1 < most => {
                retry_at = self.repeat(item, generation, stage);
                let message = error.as_ref().map(|e| e.message.clone()).unwrap_or_default();
                let end = End::Failed { message, again: retry_at };
                self.timeline.ended(step.id, end, stage.now);
                None
            }
            Err(error) => self.remember(step.id, memo("error", &error), stage),
        };
        let name = step.name.clone();
        self.tell(
            match error {
                None => Happening::StepRan { name, attempt, took: None },
                Some(error) => Happening::StepErrored { name, attempt, error, retry_at },
            },
            stage,
        );
        if retry_at.is_some() {
            return ending;
        }
        let dispatched = self.items.get(&item).is_some_and(|it| it.generation == generation);
        if dispatched && !self.errands.values().any(|other| *other == item) {
            self.items.remove(&item);
        }
        self.finish(&[Ended::from(&step)], stage);
        ending
    }

    /// Queues the worker's next call, once per dispatch; when it will be.
    fn repeat(
        &mut self,
        item: ItemId,
        generation: u32,
        stage: &mut Stage<'_>,
    ) -> Option<Timestamp> {
        let queued = self.items.get(&item)?;
        if queued.generation == generation {
            self.timeline.queued(item, stage.now);
            self.again(item, Retry::Again, stage)
        } else {
            Some(queued.due)
        }
    }
}
