//! Changing files, on a thread that may block, by the one whose turn it is.
//!
//! What an operation says it has done is on the disk: a step's result that the server stores must not speak of a file that
//! a loss of power takes back.

use std::fs::Permissions;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cap_std::fs::{Dir, Metadata, MetadataExt, OpenOptions};

use super::call::Asked;
use super::going::Going;
use super::path::{DEEPEST, Inside};
use super::quota::{Change, Held};
use super::space::Ledger;
use super::temporary::Temporary;
use super::words::Spot;
use crate::refusal::{Answer, Reason};

/// How much is written before it is asked whether anybody waits for it.
const PART: usize = 1 << 20;

/// Who may read and write a new file, as far as the mask of the worker's user lets them.
const ANYBODY: u32 = 0o666;

/// What larger contents are told.
const INSTEAD: &str = "write parts of it with `append`, or raise `file` in its line of `fs`";

impl Asked {
    /// Puts a whole file in place, over one that is there.
    pub(crate) fn write(&self, content: &[u8], ledger: &mut Ledger, going: &Going) -> Answer<()> {
        let done = "written";
        self.not_the_root(done)?;
        self.in_one_piece(content.len() as u64, done, INSTEAD)?;
        let (path, old) = self.target(done)?;
        let failed = |error: io::Error| self.spot.failed(done, &error);
        let gone = old.as_ref().map(|old| Held::file(old.len())).unwrap_or_default();
        let change = Change { gone, new: Held::file(content.len() as u64) };
        self.fits(ledger, change, done, going)?;
        // One handle for the folder: the file is made and put in place there and nowhere else.
        let (folder, name) = self.folder_of(&path).map_err(failed)?;
        // Who may not read the old one may not read the new one either, not even while it is written. What lets others act
        // as its owner is not kept: that was said of the old content.
        let mode = old.as_ref().map_or(ANYBODY, |old| old.mode() & 0o777);
        let mut new = Temporary::begin(&folder, mode).map_err(failed)?;
        pour(new.file(), content, going, failed)?;
        if old.is_some() {
            // The user's mask does not hold for what was there before.
            new.file().set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
        }
        going.check()?;
        new.place(name).map_err(failed)?;
        ledger.changed(change);
        settle(&folder).map_err(failed)
    }

    /// Adds to a file, which is made where there is none.
    pub(crate) fn append(&self, content: &[u8], ledger: &mut Ledger, going: &Going) -> Answer<()> {
        let done = "appended to";
        self.not_the_root(done)?;
        self.in_one_piece(content.len() as u64, done, INSTEAD)?;
        let (path, old) = self.target(done)?;
        let failed = |error: io::Error| self.spot.failed(done, &error);
        let bytes = content.len() as u64;
        let new = if old.is_some() { Held::bytes(bytes) } else { Held::file(bytes) };
        let change = Change { gone: Held::default(), new };
        self.fits(ledger, change, done, going)?;
        going.check()?;
        let (folder, name) = self.folder_of(&path).map_err(failed)?;
        let there = Spot { root: self.spot.root.clone(), path: path.clone() };
        let (file, before) = if old.is_some() {
            let target = Self { spot: there, terms: self.terms, space: self.space.clone() };
            let (file, metadata) = target.open(OpenOptions::new().append(true), done)?;
            // Looked at again: this is the file that will be written to.
            self.only_here(&metadata, done)?;
            (file, metadata.len())
        } else {
            let new = folder.open_with(name, OpenOptions::new().append(true).create_new(true));
            (new.map_err(failed)?, 0)
        };
        let mut file = file.into_std();
        let poured =
            pour(&mut file, content, going, failed).and_then(|()| file.sync_all().map_err(failed));
        if let Err(refusal) = poured {
            // All of it or nothing.
            let undone = match &old {
                Some(_) => file.set_len(before),
                None => folder.remove_file(name),
            };
            if let Err(error) = undone {
                tracing::warn!(file = %self.spot, %error, "a part of an append stays behind");
            }
            return Err(refusal);
        }
        ledger.changed(change);
        if old.is_none() {
            settle(&folder).map_err(failed)?;
        }
        Ok(())
    }

    /// Makes a folder and those above it.
    pub(crate) fn make_folder(&self, ledger: &mut Ledger, going: &Going) -> Answer<()> {
        let done = "made";
        let failed = |error: io::Error| self.spot.failed(done, &error);
        let dir = self.space.dir();
        for path in self.spot.path.steps() {
            match dir.metadata(path) {
                Ok(there) if there.is_dir() => continue,
                Ok(_) => return Err(failed(ErrorKind::AlreadyExists.into())),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
            let change = Change { new: Held::file(0), ..Change::default() };
            self.fits(ledger, change, done, going)?;
            going.check()?;
            match dir.create_dir(path) {
                Ok(()) => ledger.changed(change),
                // Somebody else was quicker, or a link leads nowhere: the next look says which.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    let there = dir.metadata(path).map_err(|_| failed(error))?;
                    if !there.is_dir() {
                        return Err(failed(ErrorKind::AlreadyExists.into()));
                    }
                }
                Err(error) => return Err(failed(error)),
            }
            let above = dir.open_dir(above(path)).map_err(failed)?;
            settle(&above).map_err(failed)?;
        }
        Ok(())
    }

    /// Moves a file or a folder within the root.
    pub(crate) fn rename(&self, to: &Spot, ledger: &mut Ledger, going: &Going) -> Answer<()> {
        let done = "renamed";
        self.not_the_root(done)?;
        let failed = |error: io::Error| self.spot.failed(done, &error);
        if to.path.is_root() {
            return Err(to.refused(Reason::Invalid, "replaced", "it is the root itself"));
        }
        let dir = self.space.dir();
        let moved = dir.symlink_metadata(self.spot.path.as_path()).map_err(failed)?;
        if moved.is_dir() {
            self.not_too_deep(&to.path, going)?;
        }
        let gone = match dir.symlink_metadata(to.path.as_path()) {
            // The system does nothing with two names of one file.
            Ok(over) if (over.dev(), over.ino()) == (moved.dev(), moved.ino()) => Held::default(),
            Ok(over) => Held::file(if over.is_file() { over.len() } else { 0 }),
            Err(error) if error.kind() == ErrorKind::NotFound => Held::default(),
            Err(error) => return Err(to.failed("replaced", &error)),
        };
        going.check()?;
        dir.rename(self.spot.path.as_path(), dir, to.path.as_path()).map_err(failed)?;
        ledger.changed(Change { gone, new: Held::default() });
        for path in [&self.spot.path, &to.path] {
            let folder = dir.open_dir(above(path.as_path())).map_err(failed)?;
            settle(&folder).map_err(failed)?;
        }
        Ok(())
    }

    /// Removes a file, a link or an empty folder.
    pub(crate) fn remove(&self, ledger: &mut Ledger, going: &Going) -> Answer<()> {
        let done = "removed";
        self.not_the_root(done)?;
        let failed = |error: io::Error| self.spot.failed(done, &error);
        let (dir, path) = (self.space.dir(), self.spot.path.as_path());
        let there = dir.symlink_metadata(path).map_err(failed)?;
        going.check()?;
        if there.is_dir() { dir.remove_dir(path) } else { dir.remove_file(path) }
            .map_err(failed)?;
        let gone = Held::file(if there.is_file() { there.len() } else { 0 });
        ledger.changed(Change { gone, new: Held::default() });
        settle(&dir.open_dir(above(path)).map_err(failed)?).map_err(failed)
    }

    /// The file that will be changed, behind the links that name it, and what is known of it if it is there.
    fn target(&self, done: &str) -> Answer<(Inside, Option<Metadata>)> {
        let failed = |error: io::Error| self.spot.failed(done, &error);
        let dir = self.space.dir();
        let path = match dir.symlink_metadata(self.spot.path.as_path()) {
            Ok(there) if there.is_symlink() => {
                let behind = dir.canonicalize(self.spot.path.as_path()).map_err(failed)?;
                let behind = behind.to_str().and_then(|behind| Inside::parse(behind).ok());
                behind.ok_or_else(|| {
                    let why = "the link leads to something that cannot be named";
                    self.spot.refused(Reason::Invalid, done, why)
                })?
            }
            Ok(_) => self.spot.path.clone(),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok((self.spot.path.clone(), None));
            }
            Err(error) => return Err(failed(error)),
        };
        let there = dir.symlink_metadata(path.as_path()).map_err(failed)?;
        self.plain(&there, done)?;
        self.only_here(&there, done)?;
        Ok((path, Some(there)))
    }

    /// The folder of a path, and the path's name in it.
    fn folder_of<'p>(&self, path: &'p Inside) -> io::Result<(Dir, &'p str)> {
        let folder = self.space.dir().open_dir(above(path.as_path()))?;
        Ok((folder, path.name()))
    }

    fn not_the_root(&self, done: &str) -> Answer<()> {
        if self.spot.path.is_root() {
            return Err(self.spot.refused(Reason::Invalid, done, "name something in it"));
        }
        Ok(())
    }

    /// Refuses to move a folder to where what is in it would be deeper than a path can be.
    fn not_too_deep(&self, to: &Inside, going: &Going) -> Answer<()> {
        let failed = |error: io::Error| self.spot.failed("renamed", &error);
        let mut ahead = vec![(self.spot.path.as_path().to_owned(), to.depth())];
        while let Some((path, depth)) = ahead.pop() {
            going.check()?;
            if depth > DEEPEST {
                let why = format!("what is in it would be more than {DEEPEST} folders deep");
                return Err(self.spot.refused(Reason::Invalid, "renamed", why));
            }
            for entry in self.space.dir().read_dir(&path).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                let is_folder = entry.file_type().map_err(failed)?.is_dir();
                if is_folder {
                    ahead.push((path.join(entry.file_name()), depth + 1));
                } else if depth + 1 > DEEPEST {
                    ahead.push((path.clone(), depth + 1));
                    break;
                }
            }
        }
        Ok(())
    }
}

/// The folder that a path is in.
fn above(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes all of it, as long as somebody waits for it.
fn pour(
    file: &mut std::fs::File,
    content: &[u8],
    going: &Going,
    failed: impl Fn(io::Error) -> crate::refusal::Refusal,
) -> Answer<()> {
    for part in content.chunks(PART) {
        going.check()?;
        file.write_all(part).map_err(&failed)?;
    }
    Ok(())
}

/// Makes the names in a folder last.
fn settle(folder: &Dir) -> io::Result<()> {
    // The handle itself is for names only; this one is the folder's own.
    match folder.open(".")?.sync_all() {
        // Some file systems keep their folders in another way.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Ok(())
        }
        done => done,
    }
}

#[cfg(test)]
mod tests;
