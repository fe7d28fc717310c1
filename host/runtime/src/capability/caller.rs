//! Whose call it is.

use std::sync::Arc;

use protocol::digest::Digest;
use protocol::id::{FunctionId, RunId};
use protocol::role::Role;
use protocol::step::StepName;

use super::Guards;
use super::usage::Usage;
use crate::placement::Capability;

/// Whose call it is: what grants are looked up by, and what records name.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The component's name, by which operators grant.
    pub component: Arc<str>,
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// The function that runs.
    pub function: FunctionId,
    /// The run.
    pub run: RunId,
    /// The role it runs in.
    pub role: Role,
    /// How often the call was tried before.
    pub attempt: u32,
    pub(crate) usage: Arc<Usage>,
    /// What a record must not show.
    pub(crate) guards: Guards,
}

impl Caller {
    /// Counts what a line of the grants has allowed: the number of the line among those of its capability, and the numbers
    /// of the parts of it that were needed. See [`Granted`](super::Granted).
    pub fn allowed(&self, capability: Capability, line: usize, parts: &[usize]) {
        self.usage.count(capability).allowed(line, parts);
    }

    /// Records that a call was not allowed, for the operator: which component wanted what, in which step. `what` names the
    /// thing without anything that nobody should read in a log, such as a query or a value.
    ///
    /// Where there is a [`CallState`](crate::CallState), its own `denied` knows the step.
    pub fn denied(&self, capability: Capability, step: Option<&StepName>, what: &str) {
        self.usage.count(capability).denied();
        tracing::warn!(
            target: "audit",
            component = &*self.component,
            function = %self.function,
            run = %self.run,
            step = step.map(|step| &*step.name),
            capability = capability.name(),
            what = &*self.guards.redact(what),
            "denied: its grant does not allow it"
        );
    }
}
