//! Imports that no worker gives, with what would help.

use std::fmt;

use super::import::Import;
use super::table::Capability;

/// An import that no worker gives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{import}` {lack}")]
pub struct Refusal {
    /// What the component asks for.
    pub import: Import,
    /// What its interface belongs to, where the interface is known and something else is wrong.
    pub capability: Option<Capability>,
    /// What is wrong, and what to do about it.
    pub lack: Lack,
}

/// Why an import cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// No worker has such an interface.
    Unknown {
        /// The one that was perhaps meant, with its version.
        nearest: Option<String>,
    },
    /// The interface is there in another version.
    Version {
        /// The versions there are, the one to recommend first.
        offered: Vec<&'static str>,
    },
    /// The interface is there, and imported under a label of the component's own.
    Labelled,
    /// The interface is known, and this worker has nothing behind it.
    NotProvided,
    /// It is no interface: a function, a resource, or code from elsewhere.
    NoInterface,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { nearest: Some(nearest) } => {
                write!(f, "is no interface of any worker; the nearest is {nearest}: import that one")
            }
            Self::Unknown { nearest: None } => {
                f.write_str("is no interface of any worker; build the component without it")
            }
            Self::Version { offered } => match &offered[..] {
                [only] => {
                    write!(f, "is there in version {only} only; build the component against that")
                }
                several => write!(
                    f,
                    "is there in the versions {} only; build the component against the first",
                    several.join(", ")
                ),
            },
            Self::Labelled => f.write_str(
                "is imported under a label; import the interface once, under its own name",
            ),
            Self::NotProvided => f.write_str(
                "is known, and nothing stands behind it on this worker; use a worker that has it, or build the component without it",
            ),
            Self::NoInterface => f.write_str(
                "is not an interface, and workers give nothing else; import an interface of a package",
            ),
        }
    }
}

/// Every import of a component that no worker gives.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Refusals(pub Vec<Refusal>);
