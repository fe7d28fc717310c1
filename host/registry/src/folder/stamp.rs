//! What tells two states of a file apart without reading it.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// Which file of which file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    device: u64,
    inode: u64,
}

/// The state of a file, as far as it can be seen from outside. Equal stamps mean equal bytes, but for changes within one
/// tick of the file system's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    identity: Identity,
    size: u64,
    modified: (i64, i64),
    /// Cannot be set by a program: tells of a replacement that keeps size and modification time, as `cp -p` may.
    changed: (i64, i64),
    /// What a symlink leads to.
    target: Option<PathBuf>,
}

/// What there is under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// A file.
    File(Stamp),
    /// Something that cannot be a component.
    Unusable(String),
    /// Nothing.
    Absent,
}

/// The identity of what a path leads to.
pub(super) fn identity(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|metadata| Identity::of(&metadata))
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl Stamp {
    fn of(metadata: &Metadata, target: Option<PathBuf>) -> Self {
        Self {
            identity: Identity::of(metadata),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            target,
        }
    }

    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// When its bytes changed last, by the file system's clock.
    pub(super) fn modified(&self) -> SystemTime {
        time(self.modified)
    }

    /// When anything about it changed last, by the file system's clock.
    pub(super) fn changed(&self) -> SystemTime {
        time(self.changed)
    }

    /// Whether an open file is the one with this stamp.
    pub(super) fn is_of(&self, metadata: &Metadata) -> bool {
        *self == Self::of(metadata, self.target.clone())
    }
}

fn time((seconds, nanoseconds): (i64, i64)) -> SystemTime {
    use std::time::Duration;
    let nanoseconds = Duration::from_nanos(nanoseconds.unsigned_abs());
    match u64::try_from(seconds) {
        Ok(seconds) => SystemTime::UNIX_EPOCH + Duration::from_secs(seconds) + nanoseconds,
        // Before 1970; how long before does not matter.
        Err(_) => SystemTime::UNIX_EPOCH,
    }
}

/// Looks at a path, through symlinks.
pub(super) fn look(path: &Path) -> Seen {
    match stat(path) {
        Ok(seen) => seen,
        Err(error) => Seen::Unusable(format!(
            "{} cannot be looked at: {error}; check the permissions of the folders it is in",
            path.display()
        )),
    }
}

fn stat(path: &Path) -> io::Result<Seen> {
    let link = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.is_symlink(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Seen::Absent),
        Err(error) => return Err(error),
    };
    let metadata = match fs::metadata(path) {
        Err(error) if link && error.kind() == io::ErrorKind::NotFound => {
            let target = fs::read_link(path).unwrap_or_default();
            return Ok(Seen::Unusable(format!(
                "{} is a link to {}, which does not exist; point it to a component",
                path.display(),
                target.display()
            )));
        }
        other => other?,
    };
    if !metadata.is_file() {
        return Ok(Seen::Unusable(format!(
            "{} is not a file; put a compiled component there, or rename it",
            path.display()
        )));
    }
    let target = if link { Some(fs::canonicalize(path)?) } else { None };
    Ok(Seen::File(Stamp::of(&metadata, target)))
}
