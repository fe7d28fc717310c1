//! How a capability says no.

pub(crate) use crate::bindings::system_bus::durable::refusals::{Reason, Refusal};

/// What a function of a capability answers with.
pub(crate) type Answer<T> = Result<T, Refusal>;

impl Refusal {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// The operator has not granted it: `message` says what to write into the grants.
    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self::new(Reason::Denied, message)
    }

    /// The question cannot be answered.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(Reason::Invalid, message)
    }

    /// A limit of the grant is used up.
    pub(crate) fn exhausted(message: impl Into<String>) -> Self {
        Self::new(Reason::Exhausted, message)
    }

    /// What stands behind it cannot be reached now.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Reason::Unavailable, message)
    }
}
