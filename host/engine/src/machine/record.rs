//! What is stored.

use serde::Serialize;

/// A table of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    /// App name → registration.
    Apps,
    /// Event id → event.
    Events,
    /// Run id → run without its memos.
    Runs,
    /// Run id/step id → memo.
    Memos,
    /// Batch → the events in it.
    Batches,
    /// Function and event identity → until when it starts nothing.
    Seen,
    /// Function and key → the event that waits for quiet.
    Debounces,
    /// Throttle or rate limit → when what has started will have used up its time.
    Meters,
    /// Run id/place → a span of its timeline.
    Spans,
}

impl Table {
    pub(crate) const ALL: [Self; 9] = [
        Self::Apps,
        Self::Events,
        Self::Runs,
        Self::Memos,
        Self::Batches,
        Self::Seen,
        Self::Debounces,
        Self::Meters,
        Self::Spans,
    ];
}

/// One change of the store. A later one of the same key replaces an earlier one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) table: Table,
    pub(crate) key: String,
    /// A JSON document; none takes the key out.
    pub(crate) value: Option<Vec<u8>>,
}

impl Record {
    pub(crate) fn put(table: Table, key: String, value: Vec<u8>) -> Self {
        Self { table, key, value: Some(value) }
    }

    pub(crate) fn remove(table: Table, key: String) -> Self {
        Self { table, key, value: None }
    }

    pub(crate) fn document<T: Serialize>(table: Table, key: String, value: &T) -> Self {
        let value = serde_json::to_vec(value).expect("documents have string keys only");
        Self::put(table, key, value)
    }
}
