//! A native build has no host, and so no files.

use super::{Answer, Entry, Metadata};
use crate::refusal::Refused;

pub(super) fn read(_root: &str, _path: &str) -> Answer<Vec<u8>> {
    Err(none())
}

pub(super) fn read_at(_root: &str, _path: &str, _offset: u64, _length: u32) -> Answer<Vec<u8>> {
    Err(none())
}

pub(super) fn list(_root: &str, _path: &str) -> Answer<Vec<Entry>> {
    Err(none())
}

pub(super) fn metadata(_root: &str, _path: &str) -> Answer<Metadata> {
    Err(none())
}

pub(super) fn write(_root: &str, _path: &str, _content: &[u8]) -> Answer<()> {
    Err(none())
}

pub(super) fn append(_root: &str, _path: &str, _content: &[u8]) -> Answer<()> {
    Err(none())
}

pub(super) fn make_folder(_root: &str, _path: &str) -> Answer<()> {
    Err(none())
}

pub(super) fn rename(_root: &str, _from: &str, _to: &str) -> Answer<()> {
    Err(none())
}

pub(super) fn remove(_root: &str, _path: &str) -> Answer<()> {
    Err(none())
}

fn none() -> Refused {
    Refused::without_host("files")
}
