//! Why an engine cannot start or go on.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why an engine cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The address could be reached from other machines.
    #[error(
        "the development engine listens on loopback only, not on {0}; use 127.0.0.1, or a real Inngest server"
    )]
    NotLoopback(SocketAddr),
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {reason}; stop what uses the port, or choose another one")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        reason: std::io::Error,
    },
    /// The client that makes the calls cannot be built.
    #[error("cannot build the HTTP client: {0}")]
    Client(String),
    /// The data directory cannot be used.
    #[error("cannot use the data directory {}: {reason}; make it writable, or name another one", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// Another process has the file open.
    #[error("{} is in use by another engine; stop that one, or name another data directory", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a later version.
    #[error(
        "{} was written by a newer version of this program (format {found}, this one knows {known}); \
         use that version, or name another data directory", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format found in it.
        found: u64,
        /// The newest format this build reads.
        known: u64,
    },
    /// The file cannot be read.
    #[error(
        "{} cannot be read: {reason}; move it away to start empty (its runs are lost), or restore a copy",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A change cannot be written.
    #[error("cannot write the engine's state: {0}; check the space left on the disk")]
    Write(String),
}
