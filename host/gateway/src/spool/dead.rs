//! Dead letters: what the server will never take, a file each, until somebody has looked at it.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Entry, SpoolError, Waiting};

/// An event that cannot be sent, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Letter {
    /// What it is called: the name of its file, without the ending.
    pub letter: String,
    /// Why it cannot be sent.
    pub why: String,
    /// When that was found.
    pub died: Timestamp,
    /// What was accepted.
    pub entry: Entry,
}

impl Letter {
    pub(super) fn of(waiting: &Waiting, why: &str) -> Self {
        Self {
            letter: format!("{}-{:08}", waiting.written, waiting.number),
            why: why.to_owned(),
            died: Timestamp::now(),
            entry: waiting.entry.clone(),
        }
    }
}

/// A folder that only its owner may look into: letters hold what senders sent.
fn private(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

/// A file that only its owner may read.
fn made(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The folder of dead letters.
#[derive(Debug, Clone)]
pub struct Dead {
    folder: PathBuf,
}

impl Dead {
    pub(super) fn open(spool: &Path) -> Result<Self, SpoolError> {
        let folder = spool.join("dead");
        private(&folder).map_err(|reason| SpoolError::Open {
            path: folder.clone(),
            reason: reason.to_string(),
        })?;
        Ok(Self { folder })
    }

    /// Writes a letter whole or not at all; one that is there already is written again.
    pub(super) fn write(&self, letter: &Letter) -> Result<(), SpoolError> {
        let fault = |error: std::io::Error| SpoolError::Write(error.to_string());
        let bytes = serde_json::to_vec_pretty(letter)
            .map_err(|error| SpoolError::Write(error.to_string()))?;
        let beside = self.folder.join(format!(".{}", letter.letter));
        let mut file = made(&beside).map_err(fault)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(fault)?;
        fs::rename(&beside, self.path(&letter.letter)).map_err(fault)?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(fault)
    }

    fn path(&self, letter: &str) -> PathBuf {
        self.folder.join(format!("{letter}.json"))
    }

    /// All of them, the oldest first. Files that are none are told in the log and left alone.
    pub fn all(&self) -> Result<Vec<Letter>, SpoolError> {
        let fault = |error: std::io::Error| SpoolError::Write(error.to_string());
        let mut letters = Vec::new();
        for file in fs::read_dir(&self.folder).map_err(fault)? {
            let path = file.map_err(fault)?.path();
            let whole = path.extension().is_some_and(|ending| ending == "json");
            if !whole {
                continue;
            }
            let bytes = fs::read(&path).map_err(fault)?;
            match serde_json::from_slice::<Letter>(&bytes) {
                Ok(letter) => letters.push(letter),
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "this is no dead letter");
                }
            }
        }
        letters.sort_by(|one, other| one.letter.cmp(&other.letter));
        Ok(letters)
    }

    /// One of them.
    pub fn get(&self, letter: &str) -> Result<Option<Letter>, SpoolError> {
        let named = letter.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if letter.is_empty() || !named {
            return Ok(None);
        }
        match fs::read(self.path(letter)) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|error| SpoolError::Write(format!("the letter {letter}: {error}"))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SpoolError::Write(error.to_string())),
        }
    }

    /// Forgets one, once it is in the spool again.
    pub fn remove(&self, letter: &Letter) -> Result<(), SpoolError> {
        match fs::remove_file(self.path(&letter.letter)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(SpoolError::Write(error.to_string()))
            }
            _ => Ok(()),
        }
    }
}
