//! What ends an invocation because of how the guest speaks of its steps.

use super::kind::KindError;

/// The guest broke the rules of `wit/steps.wit`, or the function cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// A step was polled inside the body of another.
    #[error(
        "step {inner:?} was awaited inside the body of step {outer:?}; a body is one unit: return from it first, then await the next step"
    )]
    Nested {
        /// The step whose body runs.
        outer: String,
        /// The step that was found in it, or empty.
        inner: String,
    },
    /// A step of an unknown kind.
    #[error("step {name:?}: {error}")]
    Kind {
        /// The step.
        name: String,
        /// What is wrong with its kind or options.
        error: KindError,
    },
    /// An ordinal that was never given.
    #[error(
        "the component speaks of step number {0}, which it never registered; rebuild it with a current SDK"
    )]
    UnknownOrdinal(u32),
    /// More than [`super::MAX_STEPS`].
    #[error(
        "the function has more than 10000 steps, the most the server takes; split it, or invoke others from it"
    )]
    TooManySteps,
    /// Nothing to resolve, nothing new, and the function has not returned.
    #[error(
        "the function waits for something that is not a step, and nothing will ever wake it; await only steps outside of step bodies, and do other waiting inside one"
    )]
    Stuck,
    /// `finish` without `execute`.
    #[error(
        "the component finished a step body that it was not told to run; rebuild it with a current SDK"
    )]
    NotRunning,
    /// Two steps of one invocation claim one identity, one of them as its former name.
    #[error(
        "{0:?} is the alias of one step and the id of another; an alias is the id that its step had before, so no other step may have it"
    )]
    Alias(String),
}
