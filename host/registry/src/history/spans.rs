//! When each version of a function was active.

use protocol::digest::Digest;
use protocol::id::FunctionId;

use super::History;

/// A time in which runs began with a version, or went on with it. In milliseconds since 1970, as run ids count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The version.
    pub digest: Digest,
    /// Its beginning, included. The first line of a function counts for all runs that are older.
    pub from: u64,
    /// Its end, not included; none while the version is active.
    pub until: Option<u64>,
    /// Whether it was active as a canary.
    pub canary: bool,
}

impl History {
    /// The times in which each version of a function was active, in the order of the lines: two with one beginning where a
    /// canary was beside its base.
    pub fn spans(&self, function: &FunctionId) -> Vec<Span> {
        self.timeline(function).map(super::timeline::Timeline::spans).unwrap_or_default()
    }
}
