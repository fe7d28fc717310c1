//! What passes between a guest and the machine that decides for it.

use super::options::Sending;
use crate::outcome::Outcome;

/// A step the guest has just found.
#[derive(Debug, Clone, Copy)]
pub struct Found<'g> {
    /// Its name, key included.
    pub name: &'g str,
    /// Its kind, as the guest wrote it.
    pub kind: &'g str,
    /// The kind's options, as the guest wrote them.
    pub options: &'g str,
}

/// What happens next.
#[derive(Debug)]
pub enum Decision<'r> {
    /// Resolve this step with its result, or with its stored error; both are JSON.
    Resolve {
        /// The step's ordinal.
        step: u32,
        /// The memo.
        value: Result<&'r str, &'r str>,
    },
    /// Run the body of this step.
    Execute {
        /// The step's ordinal.
        step: u32,
        /// Its input as an operator edited it.
        input: Option<&'r str>,
    },
    /// End the invocation.
    Stop(Stop),
}

/// Why an invocation ends before its function does.
#[derive(Debug)]
pub enum Stop {
    /// With this outcome.
    Outcome(Outcome),
    /// With a step that the host carries out itself, without code of the guest.
    Send(Sending),
}
