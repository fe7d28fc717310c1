//! The host's functions. Each is called from one place, so that a component imports what it uses.

use std::time::{Duration, SystemTime};

use super::{Answer, Entry, Kind, Metadata};
use crate::guest::bindings::system_bus::durable::{fs_read, fs_types, fs_write};

pub(super) fn read(root: &str, path: &str) -> Answer<Vec<u8>> {
    Ok(fs_read::read(root, path)?)
}

pub(super) fn read_at(root: &str, path: &str, offset: u64, length: u32) -> Answer<Vec<u8>> {
    Ok(fs_read::read_at(root, path, offset, length)?)
}

pub(super) fn list(root: &str, path: &str) -> Answer<Vec<Entry>> {
    let entries = fs_read::list_folder(root, path)?;
    Ok(entries
        .into_iter()
        .map(|entry| Entry { name: entry.name, kind: kind(entry.kind) })
        .collect())
}

pub(super) fn metadata(root: &str, path: &str) -> Answer<Metadata> {
    let known = fs_read::metadata_of(root, path)?;
    let at = |milliseconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds));
    let modified = known.modified.and_then(at);
    Ok(Metadata { kind: kind(known.kind), size: known.size, modified })
}

pub(super) fn write(root: &str, path: &str, content: &[u8]) -> Answer<()> {
    Ok(fs_write::write(root, path, content)?)
}

pub(super) fn append(root: &str, path: &str, content: &[u8]) -> Answer<()> {
    Ok(fs_write::append(root, path, content)?)
}

pub(super) fn make_folder(root: &str, path: &str) -> Answer<()> {
    Ok(fs_write::make_folder(root, path)?)
}

pub(super) fn rename(root: &str, from: &str, to: &str) -> Answer<()> {
    Ok(fs_write::rename(root, from, to)?)
}

pub(super) fn remove(root: &str, path: &str) -> Answer<()> {
    Ok(fs_write::remove(root, path)?)
}

fn kind(kind: fs_types::Kind) -> Kind {
    match kind {
        fs_types::Kind::File => Kind::File,
        fs_types::Kind::Folder => Kind::Folder,
        fs_types::Kind::Other => Kind::Other,
    }
}
