//! What is due when, and what is under way. All of it is derived from the runs: a restart builds it anew, so a call
//! that was under way when the engine died is simply due again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::RunId;

/// An item of a run's work: its number within the run.
pub(crate) type ItemId = u32;

/// One call under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CallId(u64);

/// Which item a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    pub(crate) run: RunId,
    pub(crate) item: ItemId,
    /// Only one discovery call of a run is under way at a time.
    pub(crate) discovery: bool,
}

/// What is due when.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    calls: BTreeSet<(Timestamp, Ticket)>,
    timers: BTreeSet<(Timestamp, RunId, ItemId)>,
    deadlines: BTreeSet<(Timestamp, RunId)>,
    under_way: BTreeMap<CallId, Ticket>,
    discovering: BTreeSet<RunId>,
    last_call: u64,
}

impl Queue {
    /// Queues a call.
    pub(crate) fn add_call(&mut self, due: Timestamp, ticket: Ticket) {
        self.calls.insert((due, ticket));
    }

    /// Queues the end of a sleep or of a wait.
    pub(crate) fn add_timer(&mut self, due: Timestamp, run: RunId, item: ItemId) {
        self.timers.insert((due, run, item));
    }

    /// Queues the moment at which a run is canceled.
    pub(crate) fn add_deadline(&mut self, due: Timestamp, run: RunId) {
        self.deadlines.insert((due, run));
    }

    /// Takes out the moment at which a run is canceled.
    pub(crate) fn remove_deadline(&mut self, due: Timestamp, run: RunId) {
        self.deadlines.remove(&(due, run));
    }

    /// Takes an item out, whatever it is; a call under way goes on, and its reply will find no item.
    pub(crate) fn remove(&mut self, due: Timestamp, ticket: Ticket) {
        self.calls.remove(&(due, ticket));
        self.timers.remove(&(due, ticket.run, ticket.item));
    }

    /// Whether a call waits to be made.
    pub(crate) fn waits(&self, due: Timestamp, ticket: Ticket) -> bool {
        self.calls.contains(&(due, ticket))
    }

    /// Takes the sleeps and waits that are over, the earliest first.
    pub(crate) fn take_timers(&mut self, now: Timestamp) -> Vec<(RunId, ItemId)> {
        let mut over = Vec::new();
        while let Some(first) = self.timers.first().copied().filter(|(due, ..)| *due <= now) {
            self.timers.remove(&first);
            over.push((first.1, first.2));
        }
        over
    }

    /// Takes the runs whose deadline has passed, the earliest first.
    pub(crate) fn take_deadlines(&mut self, now: Timestamp) -> Vec<RunId> {
        let mut over = Vec::new();
        while let Some(first) = self.deadlines.first().copied().filter(|(due, _)| *due <= now) {
            self.deadlines.remove(&first);
            over.push(first.1);
        }
        over
    }

    /// Takes the calls that are due, the earliest first, up to `most` under way.
    pub(crate) fn take_calls(&mut self, now: Timestamp, most: usize) -> Vec<(CallId, Ticket)> {
        let mut taken = Vec::new();
        let mut room = most.saturating_sub(self.under_way.len());
        for &(due, ticket) in &self.calls {
            if due > now || room == 0 {
                break;
            }
            if ticket.discovery && !self.discovering.insert(ticket.run) {
                continue;
            }
            room -= 1;
            taken.push((due, ticket));
        }
        let taken = taken.into_iter().map(|(due, ticket)| {
            self.calls.remove(&(due, ticket));
            self.last_call += 1;
            let call = CallId(self.last_call);
            self.under_way.insert(call, ticket);
            (call, ticket)
        });
        taken.collect()
    }

    /// A call has ended; which item it was for.
    pub(crate) fn ended(&mut self, call: CallId) -> Option<Ticket> {
        let ticket = self.under_way.remove(&call)?;
        if ticket.discovery {
            self.discovering.remove(&ticket.run);
        }
        Some(ticket)
    }

    /// The next moment after `now` at which something becomes due. What is due already waits for a reply, not for
    /// the clock.
    pub(crate) fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let first = Ticket { run: RunId::from(ulid::Ulid::nil()), item: 0, discovery: false };
        let later = now.checked_add(Duration::from_nanos(1)).unwrap_or(now);
        let call = self.calls.range((later, first)..).next().map(|(due, _)| *due);
        let timer = self.timers.first().map(|(due, ..)| *due);
        let deadline = self.deadlines.first().map(|(due, _)| *due);
        call.into_iter().chain(timer).chain(deadline).min()
    }
}
