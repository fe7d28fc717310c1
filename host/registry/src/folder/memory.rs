//! What files were when they were last read, kept for the next start: a file that has not changed since is not read again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::digest::Digest;
use serde::{Deserialize, Serialize};

use super::stamp::Stamp;

/// The form of the file. Another form gets another number.
const FORM: u32 = 1;

/// The digests of files by their path and state. Lost or broken it costs reading the files, and nothing else.
#[derive(Debug, Default)]
pub(super) struct Memory {
    path: Option<PathBuf>,
    files: BTreeMap<PathBuf, Remembered>,
}

/// A file as it was when it was read, long enough after its last change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    pub(super) stamp: Stamp,
    pub(super) digest: Digest,
}

#[derive(Serialize, Deserialize)]
struct Written {
    form: u32,
    files: BTreeMap<PathBuf, Remembered>,
}

impl Memory {
    /// What the file says; nothing where there is none, or another form.
    pub(super) fn read(path: Option<PathBuf>) -> Self {
        let files = path.as_deref().and_then(|path| {
            let written: Written = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
            (written.form == FORM).then_some(written.files)
        });
        Self { path, files: files.unwrap_or_default() }
    }

    /// The digest of a file in this state.
    pub(super) fn digest(&self, path: &Path, stamp: &Stamp) -> Option<Digest> {
        let file = self.files.get(path).filter(|file| file.stamp == *stamp)?;
        Some(file.digest)
    }

    /// Takes down what the files of `folder` are now, and writes it where that is news. Other folders may share the file.
    pub(super) fn note(&mut self, folder: &Path, now: BTreeMap<PathBuf, Remembered>) {
        let Some(path) = self.path.clone() else { return };
        let here = |file: &Path| file.parent() == Some(folder);
        let before = self.files.iter().filter(|(file, _)| here(file));
        if before.eq(now.iter()) {
            return;
        }
        self.files.retain(|file, _| !here(file));
        self.files.extend(now);
        if let Err(error) = self.write(&path) {
            tracing::debug!(file = %path.display(), %error, "what files are cannot be kept for the next start");
        }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let written = Written { form: FORM, files: self.files.clone() };
        let new = path.with_extension(format!("new-{}", std::process::id()));
        fs::write(&new, serde_json::to_vec(&written)?)?;
        fs::rename(new, path)
    }
}

#[cfg(test)]
mod tests {
    use super::super::stamp::{Seen, look};
    use super::*;

    fn stamp(path: &Path) -> Stamp {
        match look(path) {
            Seen::File(stamp) => stamp,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_is_known_by_its_state_and_after_another_start_too() {
        let dir = tempfile::tempdir().expect("a folder");
        let (file, kept) = (dir.path().join("a.wasm"), dir.path().join("files.json"));
        fs::write(&file, b"one").expect("a file");
        let (digest, before) = (Digest::of(b"one"), stamp(&file));
        let mut memory = Memory::read(Some(kept.clone()));
        assert_eq!(memory.digest(&file, &before), None);
        let remembered = Remembered { stamp: before.clone(), digest };
        memory.note(dir.path(), BTreeMap::from([(file.clone(), remembered)]));
        let again = Memory::read(Some(kept.clone()));
        assert_eq!(again.digest(&file, &before), Some(digest));
        fs::write(&file, b"other").expect("a file");
        assert_eq!(again.digest(&file, &stamp(&file)), None, "it has another state");
        fs::write(&kept, b"{\"form\":1,").expect("half of it");
        assert_eq!(Memory::read(Some(kept)).digest(&file, &before), None);
    }
}
