//! The components on disk, each under its digest: what a version needs to be loaded again.
//!
//! `components/<sha256>.wasm` in the versions folder. A file under its right name has its right bytes: it is written
//! beside, brought to the disk and then renamed, and whoever reads it hashes it. Files with other names are left alone.

#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use protocol::digest::{Digest, Hashed};

/// The name of the folder of components in the versions folder.
pub const FOLDER_NAME: &str = "components";

/// When a file that somebody began to write, and did not end, has no writer any more.
const ABANDONED: Duration = Duration::from_hours(1);

/// Tells the files of one process apart while they are written.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The store of components. Several processes may use one folder.
#[derive(Debug, Clone)]
pub struct Versions {
    folder: PathBuf,
}

/// A component in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its digest, which its name tells; the bytes are looked at when it is read.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// When it was put there.
    pub since: SystemTime,
}

/// Why the store cannot do something.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {source}", path.display())]
pub struct StoreError {
    doing: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Versions {
    /// Opens the store in the versions folder `dir`, or begins one. What writers that died have left is swept away.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let folder = dir.join(FOLDER_NAME);
        fs::create_dir_all(&folder).map_err(failed("create", &folder))?;
        let store = Self { folder };
        store.sweep(SystemTime::now())?;
        Ok(store)
    }

    /// Where a component of this digest is, or would be.
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{digest}.wasm"))
    }

    /// Puts a component there, and returns when the disk has it. One that is there already is read and compared; where it
    /// is broken it is replaced.
    ///
    /// Blocks for the disk.
    pub fn put(&self, component: impl Into<Hashed>) -> Result<Digest, StoreError> {
        let component = component.into();
        let (digest, bytes) = (component.digest(), component.bytes());
        if self.get(&digest).is_some() {
            return Ok(digest);
        }
        let place = self.path(&digest);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let part = self.folder.join(format!(".{digest}.{}-{number}.part", process::id()));
        let written = File::create(&part)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&part, &place))
            .and_then(|()| self.sync());
        if let Err(source) = written {
            // If it cannot be removed either, it is swept away later.
            let _ = fs::remove_file(&part);
            return Err(failed("write", &place)(source));
        }
        Ok(digest)
    }

    /// The component's bytes; `None` when it is not there. One whose bytes are others is put aside with a warning, as
    /// `<sha256>.corrupt`, and counts as missing, as does one that cannot be read.
    ///
    /// Blocks for the disk, and for hashing.
    pub fn get(&self, digest: &Digest) -> Option<Hashed> {
        let path = self.path(digest);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot read a stored component; it counts as missing");
                return None;
            }
        };
        let found = Digest::of(&bytes);
        if found == *digest {
            return Some(Hashed::assured(*digest, bytes.into()));
        }
        let aside = path.with_extension("corrupt");
        let moved = fs::rename(&path, &aside);
        tracing::warn!(
            path = %path.display(), found = %found, aside = %aside.display(), error = ?moved.err(),
            "a stored component is not what its name says; it is put aside and counts as missing"
        );
        None
    }

    /// Whether a file of this name is there. Cheaper than [`Self::get`], and no proof.
    pub fn has(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }

    /// The components that are there, in the order of their digests.
    pub fn list(&self) -> Result<Vec<Stored>, StoreError> {
        let mut list = Vec::new();
        for (name, metadata) in self.files()? {
            let digest = name.strip_suffix(".wasm").and_then(|name| name.parse::<Digest>().ok());
            // The name that this store would give it, and no other spelling.
            let Some(digest) = digest.filter(|digest| name == format!("{digest}.wasm")) else {
                continue;
            };
            let since = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            list.push(Stored { digest, bytes: metadata.len(), since });
        }
        list.sort_unstable_by_key(|stored| stored.digest);
        Ok(list)
    }

    /// Removes a component, and says whether it was there.
    pub fn remove(&self, digest: &Digest) -> Result<bool, StoreError> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed("remove", &path)(error)),
        }
    }

    /// Removes what writers have begun long before `now` and not ended.
    fn sweep(&self, now: SystemTime) -> Result<(), StoreError> {
        for (name, metadata) in self.files()? {
            let age = metadata.modified().ok().and_then(|then| now.duration_since(then).ok());
            if is_part(&name) && age.is_some_and(|age| age > ABANDONED) {
                let path = self.folder.join(name);
                // Another process may have swept it.
                if let Err(error) = fs::remove_file(&path)
                    && error.kind() != ErrorKind::NotFound
                {
                    tracing::warn!(path = %path.display(), %error, "cannot remove an abandoned file");
                }
            }
        }
        Ok(())
    }

    /// The files of the folder that have a readable name.
    fn files(&self) -> Result<Vec<(String, fs::Metadata)>, StoreError> {
        let read = || -> io::Result<_> {
            let mut files = Vec::new();
            for entry in fs::read_dir(&self.folder)? {
                let entry = entry?;
                // Another process may have removed it since it was listed.
                let Ok(metadata) = entry.metadata() else { continue };
                if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                    files.push((name, metadata));
                }
            }
            Ok(files)
        };
        read().map_err(failed("list", &self.folder))
    }

    /// Waits until the disk knows which files the folder has.
    fn sync(&self) -> io::Result<()> {
        // Elsewhere a folder cannot be opened as a file, and needs no such call.
        if cfg!(unix) { File::open(&self.folder)?.sync_all() } else { Ok(()) }
    }
}

/// Whether this is a name that [`Versions::put`] gives to what it writes: `.<digest>.<process>-<number>.part`.
fn is_part(name: &str) -> bool {
    let digest = name
        .strip_prefix('.')
        .and_then(|name| name.strip_suffix(".part"))
        .and_then(|name| name.split_once('.'));
    digest.is_some_and(|(digest, _)| digest.parse::<Digest>().is_ok())
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError { doing, path, source }
}
