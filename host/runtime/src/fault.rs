//! How a call can fail without the guest saying so. An error that a function or a step returns is not here: that is
//! an outcome ([`protocol::outcome::Outcome`]).

use std::fmt;
use std::time::Duration;

use protocol::id::FunctionId;
use protocol::op::{ErrorObject, Timing};
use protocol::replay::ReplayError;
use protocol::step::StepName;

use crate::capability::{Guards, Revealed};

/// The class of an error about a secret in what would be stored.
pub(crate) const SECRET_REVEALED: &str = "SecretRevealed";

/// A limit that a guest broke.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// Linear memory.
    #[error("asked for {} of memory, more than the limit of {}", Bytes(*asked), Bytes(*limit))]
    Memory {
        /// What it asked for, in bytes.
        asked: usize,
        /// What it may have, in bytes.
        limit: usize,
    },
    /// Table elements.
    #[error("asked for more than {limit} table elements")]
    Table {
        /// How many it may have.
        limit: usize,
    },
    /// Time outside of step bodies.
    #[error("computed outside of steps for longer than the limit of {limit:?}{}", Place(place))]
    Replay {
        /// The limit.
        limit: Duration,
        /// Where it was when time ran out, if it was computing.
        place: Option<String>,
    },
    /// Time of a step body.
    #[error("ran a step for longer than the limit of {limit:?}{}", Place(place))]
    Step {
        /// The limit.
        limit: Duration,
        /// Where it was when time ran out, if it was computing.
        place: Option<String>,
    },
    /// The call stack.
    #[error("used more than the limit of {} of stack; look for endless recursion", Bytes(*limit))]
    Stack {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The size of a result.
    #[error("returned {} of JSON, more than the limit of {}; store large values elsewhere and return a reference", Bytes(*size), Bytes(*limit))]
    Result {
        /// Its size, in bytes.
        size: usize,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Data in one host call.
    #[error("passed more than the limit of {} to the host in one call", Bytes(*limit))]
    HostCall {
        /// The limit, in bytes.
        limit: usize,
    },
    /// What is held by handles.
    #[error(
        "held more than {limit} things of the host at one time; drop requests, answers and timers when they are done with"
    )]
    Handles {
        /// How many it may hold.
        limit: usize,
    },
    /// The headers of one request.
    #[error("put more than the limit of {} into the headers of one request, or too many of them", Bytes(*limit))]
    Headers {
        /// The limit, in bytes of names and values.
        limit: usize,
    },
    /// Standard output and error.
    #[error("wrote more than the limit of {} to its standard output and error", Bytes(*limit))]
    Output {
        /// The limit, in bytes.
        limit: usize,
    },
}

/// Why a call ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The guest broke a limit.
    #[error("{0}")]
    Limit(Limit),
    /// The guest's code panicked: its own message, and where.
    #[error("panicked{}: {message}", Place(place))]
    Panic {
        /// What the code said.
        message: String,
        /// File, line and column.
        place: Option<String>,
    },
    /// The guest executed something that cannot be executed.
    #[error("trapped: {reason}{}", said.as_ref().map(|said| format!("; it last wrote {said:?}")).unwrap_or_default())]
    Trap {
        /// What the engine says.
        reason: String,
        /// The end of what the guest wrote to its standard error.
        said: Option<String>,
    },
    /// The guest ended its own process.
    #[error("called exit; return from the function instead")]
    Exit,
    /// The guest touched the world outside of a step body.
    #[error(
        "used {capability} outside of a step{}; move the call into `ctx.step(…)`, so that it happens once and not in every replay",
        Place(place)
    )]
    OutsideStep {
        /// What it used.
        capability: &'static str,
        /// Where.
        place: Option<String>,
    },
    /// The guest named something to the server that nobody may read.
    #[error("put into {part} {what}")]
    Reveals {
        /// Where it was put.
        part: &'static str,
        /// What it is.
        what: Revealed,
    },
    /// The guest broke the rules of the step protocol, or its function can never go on.
    #[error("{0}")]
    Rules(ReplayError),
    /// The result is not JSON: a fault of the guest's SDK.
    #[error("returned text that is not JSON ({0}); rebuild the component with a current SDK")]
    NotJson(String),
    /// This host failed.
    #[error("could not be run by this worker: {0}")]
    Host(String),
}

impl Fault {
    /// The class of the error as the server shows it.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Limit(_) => "LimitExceeded",
            Self::Panic { .. } => "Panic",
            Self::Trap { .. } | Self::Exit => "Trap",
            Self::OutsideStep { .. } => "OutsideStep",
            Self::Reveals { .. } => SECRET_REVEALED,
            Self::Rules(_) | Self::NotJson(_) => "StepProtocol",
            Self::Host(_) => "HostError",
        }
    }

    /// The same, where it repeats what the guest wrote without what nobody may read.
    pub(crate) fn redacted(self, guards: &Guards) -> Self {
        match self {
            Self::Panic { message, place } => {
                Self::Panic { message: guards.redacted(message), place }
            }
            Self::Trap { reason, said } => {
                Self::Trap { reason, said: said.map(|said| guards.redacted(said)) }
            }
            Self::Host(why) => Self::Host(guards.redacted(why)),
            other => other,
        }
    }
}

/// A call that failed: which function, in which step, and why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("function {function} of component {component}: {}{fault}", In(step.as_ref(), fault))]
pub struct CallFailed {
    /// The function.
    pub function: FunctionId,
    /// The component that holds it.
    pub component: String,
    /// The step whose body ran, if one did.
    pub step: Option<StepName>,
    /// When that body began and how long it ran.
    pub timing: Option<Timing>,
    /// Whether the function had entered a race.
    pub race: bool,
    /// What happened.
    pub fault: Fault,
}

impl CallFailed {
    /// The failure as the server stores and shows it.
    pub fn error_object(&self) -> ErrorObject {
        ErrorObject::new(self.fault.class(), self.to_string())
    }
}

struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0;
        match bytes {
            0..1_024 => write!(f, "{bytes} bytes"),
            1_024..1_048_576 if bytes.is_multiple_of(1_024) => write!(f, "{} KiB", bytes / 1_024),
            _ if bytes.is_multiple_of(1_048_576) => write!(f, "{} MiB", bytes / 1_048_576),
            1_024..1_048_576 => write!(f, "{}.{} KiB", bytes / 1_024, bytes % 1_024 * 10 / 1_024),
            _ => write!(f, "{}.{} MiB", bytes / 1_048_576, bytes % 1_048_576 * 10 / 1_048_576),
        }
    }
}

struct Place<'p>(&'p Option<String>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(place) => write!(f, " at {place}"),
            None => Ok(()),
        }
    }
}

/// Where it happened, and the subject of what follows; broken rules of steps name their own.
struct In<'s>(Option<&'s StepName>, &'s Fault);

impl fmt::Display for In<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = if matches!(self.1, Fault::Rules(_)) { "" } else { "it " };
        match self.0 {
            Some(step) => write!(f, "in step {:?} {subject}", step.name),
            None => f.write_str(subject),
        }
    }
}
