//! The file's lock, which is what writers of several processes agree by.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::error::LogError;

/// How long to wait between two attempts. The system would wait without an end, and a writer that hangs would stop
/// everybody.
const BETWEEN: Duration = Duration::from_millis(2);

/// The file's lock; given back when dropped, and by the system when the process dies.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Waits for the exclusive lock of `file`.
    pub(super) fn wait(file: &File, path: &Path, patience: Duration) -> Result<Self, LogError> {
        let file = file.try_clone().map_err(LogError::io("lock", path))?;
        let begin = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(source)) => return Err(LogError::io("lock", path)(source)),
                Err(TryLockError::WouldBlock) if begin.elapsed() >= patience => {
                    let waited_ms = begin.elapsed().as_millis();
                    return Err(LogError::Locked { path: path.to_owned(), waited_ms });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(BETWEEN),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The file stays open elsewhere, so closing this handle would not do.
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "cannot unlock the activation log");
        }
    }
}
