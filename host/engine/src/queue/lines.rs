//! Calls that are due and wait for a place, in lines: what goes the same way waits together, so that a call which
//! cannot go is looked at once and not at every step, and holds up nobody who goes another way.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Ticket;

/// Which way a call goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Line {
    /// To a worker that is called.
    Http,
    /// To a worker that has dialled in and serves this function.
    Connect { app: String, slug: String },
}

/// A call, and since when it is due.
pub(super) type Entry = (Timestamp, Ticket);

/// Calls that wait for a place.
#[derive(Debug, Default)]
pub(super) struct Lines(BTreeMap<Line, BTreeSet<Entry>>);

impl Lines {
    pub(super) fn add(&mut self, line: Line, entry: Entry) {
        self.0.entry(line).or_default().insert(entry);
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        for waiting in self.0.values_mut() {
            waiting.remove(entry);
        }
        self.0.retain(|_, waiting| !waiting.is_empty());
    }

    pub(super) fn contains(&self, entry: &Entry) -> bool {
        self.0.values().any(|waiting| waiting.contains(entry))
    }

    /// The heads of all lines, the longest due first.
    pub(super) fn heads(&self) -> BTreeSet<(Entry, Line)> {
        let heads =
            self.0.iter().filter_map(|(line, waiting)| Some((*waiting.first()?, line.clone())));
        heads.collect()
    }

    /// Who stands behind an entry, whether or not that is still there.
    pub(super) fn behind(&self, line: &Line, entry: Entry) -> Option<Entry> {
        use std::ops::Bound::{Excluded, Unbounded};
        self.0.get(line)?.range((Excluded(entry), Unbounded)).next().copied()
    }
}
