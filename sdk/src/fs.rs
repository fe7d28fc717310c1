//! Files, for the bodies of steps.
//!
//! A component sees no file system. It sees *roots*, folders that the operator grants it under a
//! name, and in each of them paths such as `2026/november.md`. No path leads out of its root.

#[cfg(target_family = "wasm")]
mod host;
#[cfg(not(target_family = "wasm"))]
mod nowhere;

use std::time::SystemTime;

#[cfg(target_family = "wasm")]
use self::host as door;
#[cfg(not(target_family = "wasm"))]
use self::nowhere as door;
use crate::refusal::{Reason, Refused};

type Answer<T> = std::result::Result<T, Refused>;

/// Opens roots; see [`Io::fs`](crate::Io::fs).
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// async fn keep(io: &Io, day: &str, note: &str) -> Result<usize> {
///     let notes = io.fs().root("notes");
///     notes.make_folder("2026")?;
///     notes.append(&format!("2026/{day}.md"), format!("- {note}\n"))?;
///     Ok(notes.list("2026")?.len())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fs(());

/// A folder that the operator grants, by its name.
///
/// Paths have `/` between their parts; the root itself is the empty path. Each call waits until the
/// host has done it, and everything else in the component with it.
#[derive(Clone, Debug)]
pub struct Root {
    name: String,
}

/// What is known of a file or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metadata {
    /// What it is.
    pub kind: Kind,
    /// In bytes; 0 for what is no file.
    pub size: u64,
    /// When it was last changed, where the host's system tells.
    pub modified: Option<SystemTime>,
}

/// What is in a folder under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its name in the folder.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// Anything else: a link, a device, a pipe.
    Other,
}

impl Fs {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// The root that the operator grants under this name. Nothing is asked of the host yet.
    pub fn root(&self, name: impl Into<String>) -> Root {
        Root { name: name.into() }
    }

    /// The folder that this run has for itself: the same one in each of its steps on this machine,
    /// and gone when the run has ended. Another attempt finds what the last one left.
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    ///
    /// async fn unpack(io: &Io, archive: &[u8]) -> Result<()> {
    ///     io.fs().scratch().write("archive.tar", archive)?;
    ///     Ok(())
    /// }
    /// ```
    pub fn scratch(&self) -> Root {
        self.root("scratch")
    }
}

impl Root {
    /// A whole file, up to the largest piece that the grant allows.
    pub fn read(&self, path: &str) -> Answer<Vec<u8>> {
        door::read(&self.name, path)
    }

    /// A whole file of text. Refused as [`Reason::Invalid`] where it is none.
    pub fn read_to_string(&self, path: &str) -> Answer<String> {
        String::from_utf8(self.read(path)?).map_err(|error| {
            let message = format!("`{path}` in the root `{}` is no text: {error}", self.name);
            Refused::new(Reason::Invalid, message)
        })
    }

    /// At most `length` bytes from `offset` on: fewer at the end of the file, none behind it. For
    /// files that are larger than what is read in one piece.
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    ///
    /// async fn lines(io: &Io) -> Result<usize> {
    ///     let (logs, mut offset, mut lines) = (io.fs().root("logs"), 0, 0);
    ///     loop {
    ///         let part = logs.read_at("today.log", offset, 1 << 20)?;
    ///         if part.is_empty() {
    ///             return Ok(lines);
    ///         }
    ///         offset += part.len() as u64;
    ///         lines += part.iter().filter(|byte| **byte == b'\n').count();
    ///     }
    /// }
    /// ```
    pub fn read_at(&self, path: &str, offset: u64, length: u32) -> Answer<Vec<u8>> {
        door::read_at(&self.name, path, offset, length)
    }

    /// What is in a folder, by name.
    pub fn list(&self, path: &str) -> Answer<Vec<Entry>> {
        door::list(&self.name, path)
    }

    /// What is known of a file or a folder; of a link, that it is one.
    pub fn metadata(&self, path: &str) -> Answer<Metadata> {
        door::metadata(&self.name, path)
    }

    /// Puts a whole file in place: whoever reads it, and whoever comes after a crash, sees the old
    /// one or the new one. The folder it is in must be there.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> Answer<()> {
        door::write(&self.name, path, content.as_ref())
    }

    /// Adds to the end of a file, which is made where there is none.
    ///
    /// A step that is tried again adds again: look what is there before, or [`write`](Self::write)
    /// the whole.
    pub fn append(&self, path: &str, content: impl AsRef<[u8]>) -> Answer<()> {
        door::append(&self.name, path, content.as_ref())
    }

    /// Makes a folder, and those above it. One that is there already is fine.
    pub fn make_folder(&self, path: &str) -> Answer<()> {
        door::make_folder(&self.name, path)
    }

    /// Moves a file or a folder within this root, over a file that is there.
    pub fn rename(&self, from: &str, to: &str) -> Answer<()> {
        door::rename(&self.name, from, to)
    }

    /// Removes a file, a link, or an empty folder.
    pub fn remove(&self, path: &str) -> Answer<()> {
        door::remove(&self.name, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_native_build_has_no_files() {
        let notes = Fs::new().root("notes");
        let all = [
            notes.read("a").map(drop),
            notes.read_to_string("a").map(drop),
            notes.read_at("a", 0, 1).map(drop),
            notes.list("").map(drop),
            notes.metadata("a").map(drop),
            notes.write("a", "x"),
            notes.append("a", "x"),
            notes.make_folder("a"),
            notes.rename("a", "b"),
            Fs::new().scratch().remove("a"),
        ];
        for answer in all {
            let refused = answer.expect_err("there is no host");
            assert_eq!(refused.reason(), Reason::Unavailable);
        }
    }
}
