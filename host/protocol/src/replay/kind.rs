//! Kinds of steps. What each takes is in [`super::options`].

use crate::memo::Shape;

/// What kind of step a guest has found. The names are those of `wit/steps.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `run`: a body of the guest.
    Run,
    /// `sleep`: for some time.
    Sleep,
    /// `sleep-until`: until a moment.
    SleepUntil,
    /// `wait-for-event`: until one comes.
    WaitForEvent,
    /// `wait-for-signal`: until one comes.
    WaitForSignal,
    /// `invoke`: another function.
    Invoke,
    /// `fetch`: a request the server makes.
    Fetch,
    /// `infer`: a model the server asks.
    Infer,
    /// `send-event`: events the host sends.
    SendEvent,
    /// `send-signal`: a signal the host sends.
    SendSignal,
}

/// What is wrong with a step's kind or options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KindError {
    /// A kind this host does not know.
    #[error("this host knows no step of kind {0:?}, only {known}; update the worker", known = Kind::names())]
    Unknown(String),
    /// Options the kind does not take.
    #[error("its options cannot be read: {0}")]
    Options(String),
    /// A wait the server would refuse.
    #[error("it would wait for more than 366 days, the longest the server takes")]
    TooLong,
}

impl Kind {
    const ALL: [(&'static str, Self); 10] = [
        ("run", Self::Run),
        ("sleep", Self::Sleep),
        ("sleep-until", Self::SleepUntil),
        ("wait-for-event", Self::WaitForEvent),
        ("wait-for-signal", Self::WaitForSignal),
        ("invoke", Self::Invoke),
        ("fetch", Self::Fetch),
        ("infer", Self::Infer),
        ("send-event", Self::SendEvent),
        ("send-signal", Self::SendSignal),
    ];

    pub(super) fn parse(kind: &str) -> Result<Self, KindError> {
        let known = Self::ALL.iter().find(|(name, _)| *name == kind);
        known
            .map(|(_, kind)| *kind)
            .ok_or_else(|| KindError::Unknown(kind.chars().take(80).collect()))
    }

    fn names() -> String {
        Self::ALL.map(|(name, _)| name).join(", ")
    }

    /// How a memo of this kind is stored.
    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Run
            | Self::SendEvent
            | Self::SendSignal
            | Self::WaitForSignal
            | Self::Invoke
            | Self::Fetch
            | Self::Infer => Shape::Wrapped,
            Self::Sleep | Self::SleepUntil => Shape::Presence,
            Self::WaitForEvent => Shape::Whole,
        }
    }

    /// Whether the worker carries the step out, rather than the server.
    pub(super) fn runs(self) -> bool {
        matches!(self, Self::Run | Self::SendEvent | Self::SendSignal)
    }
}
