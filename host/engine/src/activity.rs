//! What happens in the engine, told as it happens: for progress displays and for tests.

use std::time::Duration;

use jiff::Timestamp;
use protocol::id::RunId;
use protocol::op::ErrorObject;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::event::EventId;

/// One thing that happened. It is told after it has been stored.
#[derive(Debug, Clone, Serialize)]
pub struct Activity {
    /// When.
    pub at: Timestamp,
    /// In which run; none for what belongs to no run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// The slug of the function, or of none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}

/// What happened.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Happening {
    /// An app told which functions it has.
    AppSynced {
        /// Its id.
        app: String,
        /// How many functions it has.
        functions: usize,
    },
    /// An event came in, or was made by the engine.
    EventReceived {
        /// The engine's id of it.
        id: EventId,
        /// Its name.
        name: String,
    },
    /// An event starts no run of this function, or none now.
    EventHeld {
        /// Which event.
        event: EventId,
        /// Why.
        held: Held,
    },
    /// A run was not begun, since its function runs one at a time and another one was there.
    RunSkipped,
    /// A run was made.
    RunScheduled {
        /// The event that started it.
        event: EventId,
    },
    /// A step waits to be run.
    StepPlanned {
        /// Its name.
        name: String,
    },
    /// A step's body ran and succeeded.
    StepRan {
        /// Its name.
        name: String,
        /// Which attempt, from 0.
        attempt: u32,
        /// How long the body took, if the worker said so.
        took: Option<Duration>,
    },
    /// A step's body ran and failed.
    StepErrored {
        /// Its name.
        name: String,
        /// Which attempt, from 0.
        attempt: u32,
        /// The failure.
        error: ErrorObject,
        /// When it is tried again; none when this was final.
        retry_at: Option<Timestamp>,
    },
    /// The run sleeps.
    Sleeping {
        /// The step's name.
        name: String,
        /// Until when.
        until: Timestamp,
    },
    /// The run waits for something that others do.
    Waiting {
        /// The step's name.
        name: String,
        /// What for, such as `the event shop/order.paid`.
        awaited: String,
        /// For how long at most.
        until: Timestamp,
    },
    /// What the run waited for is there, or it is too late for it.
    WaitEnded {
        /// The step's name.
        name: String,
        /// Whether the time was over.
        timed_out: bool,
    },
    /// The engine makes an HTTP request in the run's name.
    Requesting {
        /// The step's name.
        name: String,
        /// Where to.
        url: String,
    },
    /// The run ended with a result.
    RunCompleted {
        /// The result.
        output: Box<RawValue>,
    },
    /// The run failed for good.
    RunFailed {
        /// The failure.
        error: ErrorObject,
    },
    /// Somebody canceled the run.
    RunCanceled,
    /// A call brought no usable answer, or the function failed outside a step.
    CallFailed {
        /// What went wrong.
        reason: String,
        /// Which attempt, from 0.
        attempt: u32,
        /// When it is tried again; none when this was final.
        retry_at: Option<Timestamp>,
    },
    /// Nothing will ever move this run again; a real server would leave it running as silently.
    RunStuck {
        /// What the worker answered last.
        reason: String,
    },
}

/// Why an event starts no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Held {
    /// Too many have started within the period; it never will.
    RateLimited,
    /// It will when it has been quiet, unless another event comes first.
    Debounced,
}
