//! The calls that run now, and since when (R30): whoever stops or changes a worker wants to know what that would disturb.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use protocol::call::Call;
use protocol::id::RunId;
use serde::Serialize;

/// A call that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Running {
    pub(crate) run: RunId,
    /// The function, as the server names it.
    pub(crate) function: String,
    /// Which attempt it is, from 0.
    pub(crate) attempt: u32,
    pub(crate) since: Timestamp,
}

/// All of them, in the order in which they began.
#[derive(Debug, Default)]
pub(crate) struct UnderWay(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    next: u64,
    calls: BTreeMap<u64, Running>,
}

/// A call runs for as long as this is held.
pub(crate) struct Entered<'w> {
    all: &'w UnderWay,
    number: u64,
}

impl UnderWay {
    /// Notes that a call begins.
    pub(crate) fn enter(&self, call: &Call, now: Timestamp) -> Entered<'_> {
        let running = Running {
            run: call.run,
            function: call.route.slug.clone(),
            attempt: call.attempt.number,
            since: now,
        };
        let mut table = self.table();
        let number = table.next;
        table.next += 1;
        table.calls.insert(number, running);
        Entered { all: self, number }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.table().calls.len()
    }

    /// All of them, those that run longest first.
    pub(crate) fn all(&self) -> Vec<Running> {
        self.table().calls.values().cloned().collect()
    }

    /// Since when the one runs that runs longest.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        self.table().calls.values().next().map(|running| running.since)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.all.table().calls.remove(&self.number);
    }
}
