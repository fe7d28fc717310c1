//! Reading a folder and its files.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::stamp::Stamp;

/// The components of a folder by name.
pub(super) fn list(folder: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(name) = super::name::of(&path) {
            files.insert(name, path);
        }
    }
    Ok(files)
}

/// Whether a file lacks its end.
pub(super) fn is_truncated(path: &Path) -> io::Result<bool> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    super::sections::truncated(size, |at, into| file.read_at(into, at))
}

/// The bytes of a file that has this stamp before and after. `None` when it has another one.
pub(super) fn stamped(path: &Path, stamp: &Stamp, largest: u64) -> io::Result<Option<Arc<[u8]>>> {
    let file = File::open(path)?;
    if !stamp.is_of(&file.metadata()?) {
        return Ok(None);
    }
    let bytes = bounded(&file, largest)?;
    let same = stamp.is_of(&file.metadata()?) && bytes.len() as u64 == stamp.size();
    Ok(same.then(|| bytes.into()))
}

/// The bytes of a file, whatever its stamp.
pub(super) fn any(path: &Path, largest: u64) -> io::Result<Arc<[u8]>> {
    Ok(bounded(&File::open(path)?, largest)?.into())
}

/// Reads a file, which may grow meanwhile, up to a byte more than the largest size.
fn bounded(file: &File, largest: u64) -> io::Result<Vec<u8>> {
    let size = file.metadata()?.len().min(largest);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.take(largest + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
