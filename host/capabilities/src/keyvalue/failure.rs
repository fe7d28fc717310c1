//! Why something was not done, and what a guest is told of it.

use crate::refusal::{Reason, Refusal};

use super::words::Error;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// The question cannot be answered.
    #[error("{0}")]
    Invalid(String),
    /// The bucket is full.
    #[error(
        "the bucket would have {bytes} bytes and may have {room}: delete something, or grant more \
         with `bytes` of its component's `keyvalue`"
    )]
    Full { bytes: u64, room: u64 },
    /// Other processes had the file for as long as this call could wait.
    #[error(
        "other processes write to the file of values all the time: nothing was done; try again later"
    )]
    Busy,
    /// The file failed.
    #[error("the file of values failed: {0}")]
    File(rusqlite::Error),
    /// The server failed.
    #[error("{}", .0.message)]
    Server(Refusal),
}

impl StoreError {
    /// What is told where a value is no number that can be added to.
    pub(super) fn no_number() -> Self {
        let message =
            "the value is no number in decimal digits, or the sum leaves the range of one";
        Self::Invalid(message.to_owned())
    }

    fn reason(&self) -> Reason {
        match self {
            Self::Invalid(_) => Reason::Invalid,
            Self::Full { .. } => Reason::Exhausted,
            Self::Busy => Reason::Unavailable,
            Self::File(_) => Reason::Failed,
            Self::Server(refusal) => refusal.reason,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                Self::Busy
            }
            _ => Self::File(error),
        }
    }
}

/// The interface has one case for all of these: the reason is the first word, where the SDK finds it again.
impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let reason = match error.reason() {
            Reason::Denied => return Self::AccessDenied,
            Reason::Invalid => "invalid",
            Reason::Missing => "missing",
            Reason::Conflict => "conflict",
            Reason::Exhausted => "exhausted",
            Reason::Unavailable => "unavailable",
            Reason::Late => "late",
            Reason::Failed => "failed",
        };
        Self::Other(format!("{reason}: {error}"))
    }
}
