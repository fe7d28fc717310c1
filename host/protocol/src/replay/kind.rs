//! Kinds of steps, and the options each takes.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::event::NewEvent;
use crate::memo::Shape;
use crate::op::Wake;
use crate::step::StepName;

/// What kind of step a guest has found. The names are those of `wit/steps.wit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `run`: a body of the guest.
    Run,
    /// `sleep`: for some time.
    Sleep,
    /// `sleep-until`: until a moment.
    SleepUntil,
    /// `send-event`: events the host sends.
    SendEvent,
}

/// What is wrong with a step's kind or options.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KindError {
    /// A kind this host does not know.
    #[error(
        "this host knows no step of kind {0:?}, only run, sleep, sleep-until and send-event; update the worker"
    )]
    Unknown(String),
    /// Options the kind does not take.
    #[error("its options cannot be read: {0}")]
    Options(String),
    /// A sleep the server would refuse.
    #[error("it would sleep for more than 366 days, the longest the server takes")]
    TooLong,
}

/// The longest sleep the server accepts.
const LONGEST_SLEEP: Duration = Duration::from_hours(366 * 24);

impl Kind {
    pub(super) fn parse(kind: &str) -> Result<Self, KindError> {
        match kind {
            "run" => Ok(Self::Run),
            "sleep" => Ok(Self::Sleep),
            "sleep-until" => Ok(Self::SleepUntil),
            "send-event" => Ok(Self::SendEvent),
            other => Err(KindError::Unknown(other.chars().take(80).collect())),
        }
    }

    /// How a memo of this kind is stored.
    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Run | Self::SendEvent => Shape::Wrapped,
            Self::Sleep | Self::SleepUntil => Shape::Presence,
        }
    }

    /// Whether the worker carries the step out, rather than the server.
    pub(super) fn runs(self) -> bool {
        matches!(self, Self::Run | Self::SendEvent)
    }

    /// When a sleep of this kind ends.
    pub(super) fn wake(self, options: &str) -> Result<Wake, KindError> {
        #[derive(Deserialize)]
        struct For {
            milliseconds: u64,
        }
        #[derive(Deserialize)]
        struct Until {
            until: Timestamp,
        }
        let fault = |error: serde_json::Error| KindError::Options(error.to_string());
        if self == Self::SleepUntil {
            return Ok(Wake::At(serde_json::from_str::<Until>(options).map_err(fault)?.until));
        }
        let duration = Duration::from_millis(
            serde_json::from_str::<For>(options).map_err(fault)?.milliseconds,
        );
        if duration > LONGEST_SLEEP { Err(KindError::TooLong) } else { Ok(Wake::After(duration)) }
    }
}

/// A `send-event` step that is to be carried out.
#[derive(Debug)]
pub struct Sending {
    /// The step.
    pub step: StepName,
    /// Its events, checked.
    pub events: Vec<NewEvent>,
}

impl Sending {
    pub(super) fn parse(step: StepName, options: &str) -> Result<Self, KindError> {
        #[derive(Deserialize)]
        struct Options<'o> {
            #[serde(borrow)]
            events: &'o RawValue,
        }
        let fault = |error: &dyn std::fmt::Display| KindError::Options(error.to_string());
        let options: Options<'_> = serde_json::from_str(options).map_err(|error| fault(&error))?;
        let events =
            NewEvent::parse_all(options.events.get().as_bytes()).map_err(|error| fault(&error))?;
        Ok(Self { step, events })
    }
}
