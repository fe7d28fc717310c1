//! Compiled code on disk, in a folder that belongs to nobody else.
//!
//! Compiled code is machine code, so whoever can write it can do what this process can. Entries are therefore
//! authenticated with a key that lies beside them, through the same open file that is mapped afterwards. Any doubt makes
//! an entry worth nothing: the component is compiled again, and the entry replaced. Several processes may share a folder;
//! entries appear by renaming, so nobody sees a half of one.

mod entry;
mod evict;
mod folder;
mod key;
mod secret;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use self::entry::Doubt;
use self::evict::{Held, too_many};
use self::folder::Folder;
pub use self::folder::FolderError;
pub(crate) use self::key::Key;
use self::secret::Secret;
use crate::compile::Code;

/// A folder of compiled code, bounded in bytes.
#[derive(Debug)]
pub struct Cache {
    folder: Folder,
    secret: Secret,
    limit: u64,
}

/// Why there is no cache. Work goes on without one, more slowly.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The folder cannot be used, or must not be trusted.
    #[error("the folder {path} is not used for compiled code: {error}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        error: FolderError,
    },
    /// The key that authenticates the entries cannot be read or made.
    #[error(
        "the folder {path} is not used for compiled code: its key cannot be read or made: {error}"
    )]
    Key {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl Cache {
    /// Uses this folder, for at most `limit` bytes of code; makes it, for this user alone, if there is none.
    ///
    /// Refused when the folder is a symbolic link, belongs to another user, or can be written to by others, and when it
    /// cannot be read. What an interrupted process left behind is removed.
    pub fn open(path: &Path, limit: u64) -> Result<Self, CacheError> {
        let folder = Folder::open(path)
            .map_err(|error| CacheError::Folder { path: path.to_owned(), error })?;
        let secret = Secret::of(&folder)
            .map_err(|error| CacheError::Key { path: path.to_owned(), error })?;
        folder.clean(SystemTime::now());
        Ok(Self { folder, secret, limit })
    }

    /// Where the code of a key is, or would be.
    pub(crate) fn path_of(&self, key: Key) -> PathBuf {
        self.folder.path().join(key.to_string())
    }

    /// The code of a key: none if there is no entry, and a doubt if there is one that cannot be trusted. `now` becomes
    /// the time at which the entry was used last.
    pub(crate) fn find(&self, key: Key, now: SystemTime) -> Result<Option<Code>, Doubt> {
        let Some(file) = self.folder.read(&key.to_string())? else { return Ok(None) };
        let length = entry::check(&file, key, &self.secret)?;
        // On a disk that cannot be written to, the order of use is lost and nothing else.
        drop(file.set_modified(now));
        Ok(Some(Code::authenticated(file, length)))
    }

    /// Keeps the code of a key, in place of what was kept for it before, and answers with the kept file. Entries that
    /// were not used for the longest time make room.
    pub(crate) fn store(&self, key: Key, code: &[u8], now: SystemTime) -> io::Result<Code> {
        let mut new = self.folder.create()?;
        new.file().write_all(code)?;
        new.file().write_all(&entry::trailer(code, key, &self.secret))?;
        let file = new.publish(&key.to_string(), now)?;
        self.make_room(key);
        Ok(Code::authenticated(file, code.len()))
    }

    /// Removes what is too much. Another process may be doing the same; a file that is gone is as good as removed.
    fn make_room(&self, stored: Key) {
        let held = match self.held() {
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(folder = %self.folder.path().display(), %error, "the cache of compiled code cannot be listed, so it is not kept small");
                return;
            }
        };
        for entry in too_many(held, self.limit, &stored.to_string()) {
            match self.folder.remove(&entry.name) {
                Ok(()) => tracing::debug!(
                    file = entry.name,
                    bytes = entry.bytes,
                    "compiled code made room"
                ),
                Err(error) => {
                    tracing::warn!(file = %self.folder.path().join(entry.name).display(), %error, "compiled code cannot be removed to make room");
                }
            }
        }
    }

    fn held(&self) -> io::Result<Vec<Held>> {
        let mut held = self.folder.list()?;
        held.retain(|entry| entry.name.parse::<Key>().is_ok());
        Ok(held)
    }
}

#[cfg(test)]
mod tests;
