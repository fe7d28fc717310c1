//! What can be wrong with the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use protocol::digest::Digest;

use crate::history::Disorder;

/// Why the log cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// The system refused something.
    #[error("cannot {doing} {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: Arc<std::io::Error>,
    },
    /// Somebody else is writing, and does not end.
    #[error(
        "{} is locked by another process since {waited_ms} ms; if that process hangs, end it, and then try again",
        path.display()
    )]
    Locked {
        /// The log.
        path: PathBuf,
        /// How long that was waited for.
        waited_ms: u128,
    },
    /// A line is no activation.
    #[error(
        "line {line} of {} cannot be read: {problem}. Repair that line by hand, or put a copy of the file back in its \
         place; a newer release may have written it, then run that one",
        path.display()
    )]
    Corrupt {
        /// The log.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A line cannot follow the one before it.
    #[error(
        "a line of {} is out of order: {disorder}. Lines are only ever added at the end; put the file back as it was",
        path.display()
    )]
    Disorder {
        /// The log.
        path: PathBuf,
        /// What is wrong.
        disorder: Disorder,
    },
    /// The file is shorter than what was read of it.
    #[error(
        "{} was cut to {length} bytes, of {known} that were read. What was read stays in force here, but other workers \
         and the next start do not know it: put the file back",
        path.display()
    )]
    Truncated {
        /// The log.
        path: PathBuf,
        /// Its length now.
        length: u64,
        /// How much of it is known.
        known: u64,
    },
    /// Another file is in its place, or none.
    #[error(
        "{} is not the file that was opened. What was read of that one stays in force here: put it back, or restart \
         the worker to use what is there now",
        path.display()
    )]
    Replaced {
        /// The log.
        path: PathBuf,
    },
}

/// Why lines were not added.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// Somebody else was first.
    #[error(
        "generation {expected} was expected, and {present} is present: somebody else has activated something \
         meanwhile. Look at what is there now (generations), and ask again with If-Match: {present}"
    )]
    Conflict {
        /// What the caller expected.
        expected: u64,
        /// What there is.
        present: u64,
    },
    /// What the lines speak of is not there any more.
    #[error("the component {digest} has left the versions folder meanwhile; deploy it again")]
    Gone {
        /// Which component.
        digest: Digest,
    },
    /// The log cannot be used.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl LogError {
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source: Arc::new(source) }
    }
}
