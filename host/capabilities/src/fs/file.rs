//! Opening plain files, and nothing that merely looks like one.
//!
//! A device does something when it is opened, and a pipe waits for its other end. So what stands there is looked at first,
//! without opening it; what is opened does not wait; and what was opened is looked at again, since it may be another
//! thing by then.

use cap_std::fs::{File, FileType, Metadata, MetadataExt, OpenOptions, OpenOptionsExt};
use rustix::fs::OFlags;

use super::call::Asked;
use crate::bindings::system_bus::durable::fs_types::Kind;
use crate::refusal::{Answer, Reason};

impl Asked {
    /// Opens the file that is asked for, for whatever `options` say.
    pub(crate) fn open(&self, options: &mut OpenOptions, done: &str) -> Answer<(File, Metadata)> {
        let path = self.spot.path.as_path();
        let failed = |error: std::io::Error| self.spot.failed(done, &error);
        let seen = self.space.dir().metadata(path).map_err(failed)?;
        self.plain(&seen, done)?;
        let calm = OFlags::NONBLOCK | OFlags::NOCTTY;
        options.custom_flags(calm.bits().cast_signed());
        let file = self.space.dir().open_with(path, options).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        self.plain(&metadata, done)?;
        Ok((file, metadata))
    }

    /// Refuses what is no plain file.
    pub(crate) fn plain(&self, metadata: &Metadata, done: &str) -> Answer<()> {
        if metadata.is_file() {
            return Ok(());
        }
        if metadata.is_dir() {
            return Err(self.spot.refused(Reason::Conflict, done, "it is a folder"));
        }
        let why =
            "it is no plain file but a device, a pipe or a socket, and those are never opened";
        Err(self.spot.refused(Reason::Denied, done, why))
    }

    /// Refuses a file that has other names: one of them may be outside.
    pub(crate) fn only_here(&self, metadata: &Metadata, done: &str) -> Answer<()> {
        if metadata.nlink() <= 1 {
            return Ok(());
        }
        let why = "the file has more than one name (hard links), and another may be outside of the \
                   root; remove it and write it anew";
        Err(self.spot.refused(Reason::Denied, done, why))
    }
}

/// What guests are told of a kind of file.
pub(crate) fn kind(of: FileType) -> Kind {
    if of.is_file() {
        Kind::File
    } else if of.is_dir() {
        Kind::Folder
    } else {
        Kind::Other
    }
}
