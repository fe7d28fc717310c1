//! Results that a worker stores while its call goes on.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::advance::{LARGEST_STATE, memo};
use super::timeline::{End, Kind};
use super::{Item, Run, Stage};
use crate::activity::Happening;
use crate::op::{self, Op};
use crate::queue::ItemId;

/// The largest op taken in.
const LARGEST_OP: usize = 4 * 1024 * 1024;

/// What a worker posts.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Checkpoint {
    /// The function's id as calls show it.
    #[serde(default)]
    pub(crate) fn_id: String,
    /// Of the queue item whose call is under way.
    #[serde(default)]
    pub(crate) qi_id: String,
    #[serde(default)]
    pub(crate) request_id: Option<String>,
    #[serde(default)]
    pub(crate) generation_id: Option<u32>,
    /// Ops, in the order in which their bodies ended.
    #[serde(default)]
    pub(crate) steps: Vec<Box<RawValue>>,
}

/// Why a checkpoint is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Something in it cannot be stored; what came before it is.
    #[error("{0}")]
    Unusable(String),
    /// Another dispatch of the item has taken this one's place.
    #[error(
        "{0}; the dispatch that speaks is no longer the current one: stop, its reply will not be used"
    )]
    Stale(String),
    /// A result or the run's whole state is too large.
    #[error("{0}")]
    TooLarge(String),
}

/// The name of a queue item towards the worker.
pub(crate) fn queue_item(job: &str) -> String {
    BASE64_STANDARD.encode(format!("{job}::default"))
}

impl Run {
    /// Stores what a worker posts. Ops that are stored already, and marks that a step has begun, change nothing.
    pub(crate) fn checkpoint(
        &mut self,
        checkpoint: &Checkpoint,
        stage: &mut Stage<'_>,
    ) -> Result<(), Refusal> {
        let id = self.dispatched(checkpoint)?;
        for op in &checkpoint.steps {
            if op.get().len() > LARGEST_OP {
                let text = "a step of the checkpoint is larger than 4 MiB; return it, or store it elsewhere";
                return Err(Refusal::TooLarge(text.to_owned()));
            }
            self.keep(id, op, stage)?;
        }
        if let Some(item) = self.items.get_mut(&id) {
            item.attempt = 0;
        }
        Ok(())
    }

    /// The item whose dispatch speaks, when that one is still under way.
    fn dispatched(&self, checkpoint: &Checkpoint) -> Result<ItemId, Refusal> {
        let speaks = |(_, item): &(&ItemId, &Item)| queue_item(&item.job) == checkpoint.qi_id;
        let (id, item) = self.items.iter().find(speaks).ok_or_else(|| {
            Refusal::Stale(format!("the run {} has no queue item {:?}", self.id, checkpoint.qi_id))
        })?;
        let current = item.generation;
        match checkpoint.generation_id {
            Some(generation) if generation != current => {
                return Err(Refusal::Stale(format!(
                    "generation {generation} of the queue item has been followed by {current}"
                )));
            }
            _ => {}
        }
        match &checkpoint.request_id {
            Some(request) if item.request.as_ref() != Some(request) => {
                Err(Refusal::Stale(format!("the request {request} is not under way")))
            }
            _ => Ok(*id),
        }
    }

    fn keep(&mut self, item: ItemId, op: &RawValue, stage: &mut Stage<'_>) -> Result<(), Refusal> {
        let now: Timestamp = stage.now;
        let op = op::parse_one(op, now).map_err(Refusal::Unusable)?;
        if let Some(step) = op.step() {
            self.name(step);
        }
        match op {
            Op::StepRun { step, .. } if self.memos.contains_key(&step.id) => Ok(()),
            Op::StepRun { .. } if !self.has_room() => {
                Err(Refusal::Unusable("the run has 1000 steps already".to_owned()))
            }
            Op::StepRun { step, data, took } => {
                let memo = memo("data", &data);
                if self.state_bytes() + memo.get().len() > LARGEST_STATE {
                    let text = "the results of the run's steps would exceed 32 MiB";
                    return Err(Refusal::TooLarge(text.to_owned()));
                }
                let named = step.named(Kind::Body);
                self.timeline.ran(item, named, 0, took, End::Done, stage.now);
                self.store(step.id, memo, stage);
                self.tell(Happening::StepRan { name: step.name, attempt: 0, took }, stage);
                Ok(())
            }
            Op::StepPlanned { .. } => Ok(()),
            Op::Dropped { name } => {
                self.warn_of(&name);
                Ok(())
            }
            other => Err(Refusal::Unusable(format!(
                "the op {} cannot be checkpointed, only StepRun can; return it as the reply",
                other.label()
            ))),
        }
    }

    /// Says that something which a real server does is left undone.
    pub(super) fn warn_of(&self, op: &str) {
        tracing::warn!(run = %self.id, function = %self.slug, "the development engine does not act on the op {op}");
    }
}
