//! Whose call it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
    /// How many records the host has written because of this call.
    pub(crate) records: Arc<AtomicU64>,
}

/// How much of a text a record of the host shows, in bytes.
const SHOWN: usize = 256;

/// The most records of one call that the host writes for operators: enough to see what goes on, and no way to fill a disk.
const MOST: u64 = 1000;

impl Caller {
    /// Whether one more record may be written because of this call. What is not written is counted all the same; the last
    /// one says so.
    pub fn may_record(&self) -> bool {
        let before = self.records.fetch_add(1, Ordering::Relaxed);
        if before == MOST {
            tracing::warn!(
                target: "audit",
                component = &*self.component,
                function = %self.function,
                run = %self.run,
                most = MOST,
                "the call has made more records than a call may: what follows is counted and not recorded"
            );
        }
        before < MOST
    }

    /// A text of the guest, or of whoever answered it, as a record of the host may show it: without secrets, and no longer
    /// than a line should be.
    pub fn shown(&self, text: &str) -> String {
        let mut shown = self.guards.redact(text).into_owned();
        if shown.len() > SHOWN {
            shown.truncate(shown.floor_char_boundary(SHOWN));
            shown.push('…');
        }
        shown
    }

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
        if !self.may_record() {
            return;
        }
        tracing::warn!(
            target: "audit",
            component = &*self.component,
            function = %self.function,
            run = %self.run,
            step = step.map(|step| &*step.name),
            capability = capability.name(),
            what = self.shown(what),
            "denied: its grant does not allow it"
        );
    }
}
