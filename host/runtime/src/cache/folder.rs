//! A folder that belongs to us alone, and files in it that do.
//!
//! Everything goes through the open folder, so that it makes no difference what becomes of its name.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, fsync, linkat, openat, renameat, unlinkat};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::evict::Held;

/// What the names of files begin with that are not finished.
const UNFINISHED: &str = ".new-";

/// After this long, nobody finishes a file any more: whoever began it has died.
const ABANDONED: Duration = Duration::from_hours(1);

/// The bits of a mode that let somebody else write, and those that let somebody else do anything.
const OTHERS_WRITE: u32 = 0o022;
const OTHERS: u32 = 0o077;

/// An open folder that belongs to us and that nobody else can write to.
#[derive(Debug)]
pub(super) struct Folder {
    open: OwnedFd,
    path: PathBuf,
}

/// Why a folder is not used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made or opened.
    #[error("{0}")]
    Unusable(#[from] io::Error),
    /// Its name leads somewhere else, or not to a folder.
    #[error("it is a symbolic link or no folder; name a folder itself")]
    NoFolder,
    /// Whoever owns it could put code into it.
    #[error("it belongs to user {owner}, and this process is user {us}; name a folder of its own")]
    Owner {
        /// Who owns it.
        owner: u32,
        /// Who we are.
        us: u32,
    },
    /// Others could put code into it.
    #[error("others can write to it (mode {mode:03o}); `chmod go-w` it after looking at who did")]
    Writable {
        /// Its permissions.
        mode: u32,
    },
}

/// Why a file in the folder is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileDoubt {
    /// It cannot be opened.
    #[error("it cannot be opened: {0}")]
    Unopened(io::Error),
    /// It is something else than a file.
    #[error("it is not a file")]
    NoFile,
    /// Somebody else made it.
    #[error("it belongs to user {owner}, and this process is user {us}")]
    Owner {
        /// Who owns it.
        owner: u32,
        /// Who we are.
        us: u32,
    },
    /// Somebody else can read or write it.
    #[error("others can read or write it (mode {mode:03o})")]
    Mode {
        /// Its permissions.
        mode: u32,
    },
}

impl Folder {
    /// Opens a folder; makes it, and the folders around it, for us alone if there is none.
    pub(super) fn open(path: &Path) -> Result<Self, FolderError> {
        // A slash at the end would follow a symbolic link.
        let path: PathBuf = path.components().collect();
        DirBuilder::new().recursive(true).mode(0o700).create(&path).or_else(|error| {
            // A link to a folder, or a file: the next step says so.
            if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
        })?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = match openat(CWD, &path, flags, Mode::empty()) {
            Ok(open) => File::from(open),
            Err(Errno::LOOP | Errno::NOTDIR) => return Err(FolderError::NoFolder),
            Err(error) => return Err(io::Error::from(error).into()),
        };
        let status = open.metadata()?;
        let us = geteuid().as_raw();
        if status.uid() != us {
            return Err(FolderError::Owner { owner: status.uid(), us });
        }
        let mode = status.mode() & 0o777;
        if mode & OTHERS_WRITE != 0 {
            return Err(FolderError::Writable { mode });
        }
        Ok(Self { open: open.into(), path })
    }

    /// Its name, for people.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file that is ours alone; none if there is none.
    pub(super) fn read(&self, name: &str) -> Result<Option<File>, FileDoubt> {
        // Opening a pipe would wait for somebody to write.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.open, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(FileDoubt::NoFile),
            Err(error) => return Err(FileDoubt::Unopened(error.into())),
        };
        let status = file.metadata().map_err(FileDoubt::Unopened)?;
        if !status.is_file() {
            return Err(FileDoubt::NoFile);
        }
        let us = geteuid().as_raw();
        if status.uid() != us {
            return Err(FileDoubt::Owner { owner: status.uid(), us });
        }
        let mode = status.mode() & 0o777;
        if mode & OTHERS != 0 {
            return Err(FileDoubt::Mode { mode });
        }
        Ok(Some(file))
    }

    /// Begins a file that has no name of its own yet.
    pub(super) fn create(&self) -> io::Result<New<'_>> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::from)?;
        let name = format!("{UNFINISHED}{}-{}", std::process::id(), hex::encode(random));
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.open, &name, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(New { file: file.into(), name: Unfinished { folder: self, name } })
    }

    /// Removes a file; one that is gone already is as good as removed.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.open, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Every file in it whose name is text.
    pub(super) fn list(&self) -> io::Result<Vec<Held>> {
        let mut held = Vec::new();
        for entry in Dir::read_from(&self.open)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let Ok(file) = openat(&self.open, name, flags, Mode::empty()) else { continue };
            let Ok(status) = File::from(file).metadata() else { continue };
            if let (true, Ok(used)) = (status.is_file(), status.modified()) {
                held.push(Held { name: name.to_owned(), bytes: status.len(), used });
            }
        }
        Ok(held)
    }

    /// Removes what processes began and never finished. Nothing depends on it.
    pub(super) fn clean(&self, now: SystemTime) {
        for held in self.list().unwrap_or_default() {
            let age = now.duration_since(held.used).unwrap_or_default();
            if held.name.starts_with(UNFINISHED) && age > ABANDONED {
                drop(self.remove(&held.name));
            }
        }
    }
}

/// A file that is being written. Dropped unfinished, it is gone.
pub(super) struct New<'f> {
    file: File,
    name: Unfinished<'f>,
}

impl New<'_> {
    /// The open file, for reading and writing.
    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives it its name, in place of what has that name now, when all of it is on the disk. `now` is its time.
    pub(super) fn publish(self, name: &str, now: SystemTime) -> io::Result<File> {
        self.file.set_modified(now)?;
        self.file.sync_all()?;
        let folder = &self.name.folder.open;
        renameat(folder, &self.name.name, folder, name)?;
        // Without this, a crash of the machine may lose the entry; that is a miss.
        fsync(folder).ok();
        Ok(self.file)
    }

    /// Gives it its name if nothing has it: an error of the kind `AlreadyExists` otherwise.
    pub(super) fn publish_first(self, name: &str) -> io::Result<()> {
        self.file.sync_all()?;
        let folder = &self.name.folder.open;
        linkat(folder, &self.name.name, folder, name, AtFlags::empty())?;
        fsync(folder).ok();
        Ok(())
    }
}

/// The name of an unfinished file, which goes when this is dropped. A renamed file has it no more.
struct Unfinished<'f> {
    folder: &'f Folder,
    name: String,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is removed when it was abandoned for long enough.
        drop(self.folder.remove(&self.name));
    }
}
