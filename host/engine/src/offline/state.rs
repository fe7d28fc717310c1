//! What an owner sees of the runs.

use bytes::Bytes;
use jiff::Timestamp;
use protocol::id::{RunId, StepId};
use serde_json::json;
use serde_json::value::RawValue;

use super::Offline;
use crate::event::{Event, EventId};
use crate::run::{Run, Status};

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStatus {
    /// Not called yet.
    Scheduled,
    /// Called at least once.
    Running,
    /// Ended with a result.
    Completed,
    /// Ended with a failure.
    Failed,
    /// Ended from outside.
    Canceled,
    /// Not begun, since another run of a singleton was there.
    Skipped,
}

impl RunStatus {
    /// Whether nothing more happens to it.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Scheduled | Self::Running)
    }
}

/// What is known of a run.
#[derive(Debug, Clone)]
pub struct RunState {
    /// Its id.
    pub id: RunId,
    /// The function, with its app before its id.
    pub slug: String,
    /// Where it stands.
    pub status: RunStatus,
    /// The events that began it.
    pub events: Vec<EventId>,
    /// When it was made.
    pub queued_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The result, or the failure; JSON.
    pub output: Option<Box<RawValue>>,
    /// Its steps that have ended, in that order.
    pub steps: Vec<EndedStep>,
    /// When a call of it is due, or was, where it has not been answered; none while it waits for time or for somebody.
    pub next_call: Option<Timestamp>,
}

/// A step that has ended.
#[derive(Debug, Clone)]
pub struct EndedStep {
    /// The hash of its name.
    pub id: StepId,
    /// When.
    pub at: Timestamp,
    /// What is stored for it: what calls carry.
    pub memo: Box<RawValue>,
}

impl Offline {
    /// All runs, in the order in which they were made.
    pub fn runs(&self) -> Vec<RunId> {
        let mut runs: Vec<_> = self.machine.runs().map(|run| (run.queued_at, run.id)).collect();
        runs.sort_unstable();
        runs.into_iter().map(|(_, id)| id).collect()
    }

    /// A run.
    pub fn run(&self, id: RunId) -> Option<RunState> {
        self.machine.run(id).map(|run| self.shown(run))
    }

    /// An event as calls carry it.
    pub fn event(&self, id: EventId) -> Option<&RawValue> {
        self.machine.event(id).map(|event| &*event.body)
    }

    /// What a call with a large state leaves out, as the server's API hands it over: the memos, and the events.
    pub fn state(&self, id: RunId) -> Option<(Bytes, Bytes)> {
        let run = self.machine.run(id).filter(|run| !run.status.is_final())?;
        let events = run.events.iter().filter_map(|event| self.machine.event(*event));
        let events: Vec<_> = events.map(Event::lean).collect();
        Some((json!(run.state()).to_string().into(), json!(events).to_string().into()))
    }

    fn shown(&self, run: &Run) -> RunState {
        let memos = self.memos.get(&run.id);
        let step = |id: &StepId| {
            let memo = memos.and_then(|memos| memos.get(id))?.clone();
            let at = run.step_ends.get(id).copied().unwrap_or(run.queued_at);
            Some(EndedStep { id: *id, at, memo })
        };
        RunState {
            id: run.id,
            slug: run.slug.clone(),
            status: match run.status {
                Status::Scheduled => RunStatus::Scheduled,
                Status::Running => RunStatus::Running,
                Status::Completed => RunStatus::Completed,
                Status::Failed => RunStatus::Failed,
                Status::Cancelled => RunStatus::Canceled,
                Status::Skipped => RunStatus::Skipped,
            },
            events: run.events.clone(),
            queued_at: run.queued_at,
            ended_at: run.ended_at,
            output: run.output.clone(),
            steps: run.stack.iter().filter_map(step).collect(),
            next_call: run
                .items
                .values()
                .filter(|item| item.work.is_call())
                .map(|item| item.due)
                .min(),
        }
    }
}
