//! When the results of a function's steps are stored while the function goes on.

use std::num::NonZeroU32;
use std::time::Duration;

/// When the results of steps are stored while the function goes on.
///
/// A checkpoint is a request to the server. What was not stored yet when a worker dies runs again, so fewer
/// checkpoints cost less and risk more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Checkpointing {
    /// Never: every step ends the call, and the server makes another one.
    Off,
    /// After each step.
    #[default]
    EveryStep,
    /// After several steps or after some time, whatever comes first.
    Batched {
        /// How many results are gathered at most.
        steps: NonZeroU32,
        /// How long the first result of a batch waits at most; absent, until the batch is full or the call ends.
        interval: Option<Duration>,
        /// How long one call may take: the next step after it is left to another call. Absent, the worker's own
        /// limit holds.
        max_runtime: Option<Duration>,
    },
}
