//! The record of what was not allowed.

use std::sync::Arc;

use protocol::step::StepName;

use super::Caller;
use crate::placement::Capability;

/// Where a call's denials are recorded: for what is decided when the call's state is out of reach, such as the address of
/// a connection. Taken from [`CallState::audit`](crate::CallState::audit) in the step that it speaks for.
#[derive(Debug, Clone)]
pub struct Audit(Option<Arc<(Caller, Option<StepName>)>>);

impl Audit {
    pub(crate) fn of(caller: Option<Caller>, step: Option<StepName>) -> Self {
        Self(caller.map(|caller| Arc::new((caller, step))))
    }

    /// Records that a call was not allowed, for the operator: which component wanted what. `what` names the thing without
    /// anything that nobody should read in a log, such as a query or a value.
    pub fn denied(&self, capability: Capability, what: &str) {
        let Some((caller, step)) = self.0.as_deref() else { return };
        caller.usage.count(capability).denied();
        tracing::warn!(
            target: "audit",
            component = &*caller.component,
            function = %caller.function,
            run = %caller.run,
            step = step.as_ref().map(|step| &*step.name),
            capability = capability.name(),
            what,
            "denied: its grant does not allow it"
        );
    }
}
