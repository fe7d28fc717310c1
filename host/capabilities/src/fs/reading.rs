//! Reading, on a thread that may block.

use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::time::SystemTime;

use cap_std::fs::OpenOptions;

use super::call::Asked;
use super::file::kind;
use super::going::Going;
use super::temporary;
use crate::bindings::system_bus::durable::fs_types::{Entry, Metadata};
use crate::refusal::{Answer, Reason};

/// How much is read before it is asked whether anybody waits for it.
const PART: usize = 1 << 20;

/// The most that is said of one folder.
const LISTED: usize = 10_000;

impl Asked {
    /// The whole file.
    pub(crate) fn read(&self, going: &Going) -> Answer<Vec<u8>> {
        let done = "read";
        let (mut file, metadata) = self.open(OpenOptions::new().read(true), done)?;
        let instead = "read parts of it with `read_at`, or raise `file` in its line of `fs`";
        self.in_one_piece(metadata.len(), done, instead)?;
        let mut content = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
        loop {
            going.check()?;
            // It may grow meanwhile.
            let part = PART as u64;
            let read = file.by_ref().take(part).read_to_end(&mut content);
            let read = read.map_err(|error| self.spot.failed(done, &error))?;
            self.in_one_piece(content.len() as u64, done, instead)?;
            if read < PART {
                return Ok(content);
            }
        }
    }

    /// A part of it.
    pub(crate) fn read_at(&self, offset: u64, length: u32, going: &Going) -> Answer<Vec<u8>> {
        let done = "read";
        self.in_one_piece(length.into(), done, "ask for less at once")?;
        let (file, metadata) = self.open(OpenOptions::new().read(true), done)?;
        let file = file.into_std();
        // What is not there takes no memory.
        let there = metadata.len().saturating_sub(offset).min(length.into());
        let mut content = vec![0; usize::try_from(there).unwrap_or(0)];
        let mut filled = 0;
        while filled < content.len() {
            going.check()?;
            let end = content.len().min(filled + PART);
            match file.read_at(&mut content[filled..end], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.spot.failed(done, &error)),
            }
        }
        content.truncate(filled);
        Ok(content)
    }

    /// What is in a folder, by name.
    pub(crate) fn list(&self, going: &Going) -> Answer<Vec<Entry>> {
        let failed = |error: io::Error| self.spot.failed("listed", &error);
        let mut entries = Vec::new();
        for entry in self.space.dir().read_dir(self.spot.path.as_path()).map_err(failed)? {
            going.check()?;
            let entry = entry.map_err(failed)?;
            // A name that is no text cannot be asked for either.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if temporary::is_name(&name) {
                continue;
            }
            if entries.len() == LISTED {
                let why = format!("it has more than {LISTED} entries; spread them over folders");
                return Err(self.spot.refused(Reason::Exhausted, "listed", why));
            }
            match entry.file_type() {
                Ok(of) => entries.push(Entry { name, kind: kind(of) }),
                // It has gone meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// What is known of it.
    pub(crate) fn metadata(&self) -> Answer<Metadata> {
        let known = self.space.dir().symlink_metadata(self.spot.path.as_path());
        let known = known.map_err(|error| self.spot.failed("looked at", &error))?;
        let modified = known.modified().ok().map(cap_std::time::SystemTime::into_std);
        let modified = modified.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        Ok(Metadata {
            kind: kind(known.file_type()),
            size: if known.is_file() { known.len() } else { 0 },
            modified: modified.and_then(|at| u64::try_from(at.as_millis()).ok()),
        })
    }
}
