//! How a capability says that it did not do what it was asked to.

use std::borrow::Cow;
use std::fmt::{self, Display};

use crate::error::{Failure, Retry};

/// A capability's refusal.
///
/// `?` in a step's body makes a [`struct@crate::Error`] of it: final where asking again changes
/// nothing (it is not granted, the question is wrong, a limit is used up, nothing is there), and to
/// be tried again otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    reason: Reason,
    message: String,
}

/// What kind of refusal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The operator has not granted it.
    Denied,
    /// The question cannot be answered.
    Invalid,
    /// What was asked for is not there.
    Missing,
    /// Something else is there already, or has changed meanwhile.
    Conflict,
    /// A limit of the grant is used up.
    Exhausted,
    /// What stands behind the capability cannot be reached now.
    Unavailable,
    /// It took longer than it may.
    Late,
    /// It was reached, and it failed.
    Failed,
}

impl Refused {
    /// A refusal, for tests that stand in for a host.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// What kind it is.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// What happened, for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where the host is, in a native build: nowhere.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn without_host(what: &str) -> Self {
        Self::new(Reason::Unavailable, format!("a native build has no {what}: stub the step"))
    }
}

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

impl Failure for Refused {
    fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self.reason {
            Reason::Denied => "CapabilityDenied",
            Reason::Invalid => "CapabilityInvalid",
            Reason::Missing => "CapabilityMissing",
            Reason::Conflict => "CapabilityConflict",
            Reason::Exhausted => "CapabilityExhausted",
            Reason::Unavailable => "CapabilityUnavailable",
            Reason::Late => "CapabilityLate",
            Reason::Failed => "CapabilityFailed",
        })
    }

    fn policy(&self) -> Retry {
        match self.reason {
            Reason::Denied | Reason::Invalid | Reason::Missing | Reason::Exhausted => Retry::Never,
            Reason::Conflict | Reason::Unavailable | Reason::Late | Reason::Failed => Retry::Again,
        }
    }
}

#[cfg(target_family = "wasm")]
mod wasm {
    use super::{Reason, Refused};
    use crate::guest::bindings::system_bus::durable::refusals;

    impl From<refusals::Refusal> for Refused {
        fn from(refusals::Refusal { reason, message }: refusals::Refusal) -> Self {
            let reason = match reason {
                refusals::Reason::Denied => Reason::Denied,
                refusals::Reason::Invalid => Reason::Invalid,
                refusals::Reason::Missing => Reason::Missing,
                refusals::Reason::Conflict => Reason::Conflict,
                refusals::Reason::Exhausted => Reason::Exhausted,
                refusals::Reason::Unavailable => Reason::Unavailable,
                refusals::Reason::Late => Reason::Late,
                refusals::Reason::Failed => Reason::Failed,
            };
            Self { reason, message }
        }
    }
}
