//! What is due when, and what is under way. All of it is derived from the runs: a restart builds it anew, so a call
//! that was under way when the engine died is simply due again.

mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::RunId;

pub(crate) use lines::Line;
use lines::Lines;

/// An item of a run's work: its number within the run.
pub(crate) type ItemId = u32;

/// One call under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CallId(u64);

#[cfg(test)]
impl CallId {
    /// A call of a test that has no queue.
    pub(crate) fn numbered(number: u64) -> Self {
        Self(number)
    }
}

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
    /// Calls that are not due, or were not when they were last looked at.
    calls: BTreeSet<(Timestamp, Ticket)>,
    /// Calls that are due and have found no place yet.
    lines: Lines,
    timers: BTreeSet<(Timestamp, RunId, ItemId)>,
    deadlines: BTreeSet<(Timestamp, RunId)>,
    under_way: BTreeMap<CallId, Ticket>,
    /// Those of the calls under way that went over Connect.
    over_connect: BTreeSet<CallId>,
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
        self.lines.remove(&(due, ticket));
        self.timers.remove(&(due, ticket.run, ticket.item));
    }

    /// Whether a call waits to be made.
    pub(crate) fn waits(&self, due: Timestamp, ticket: Ticket) -> bool {
        self.calls.contains(&(due, ticket)) || self.lines.contains(&(due, ticket))
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

    /// Takes the calls that are due and find a place on their way, the earliest first.
    pub(crate) fn take_calls(
        &mut self,
        now: Timestamp,
        line: impl Fn(Ticket) -> Line,
        mut has_place: impl FnMut(&Line) -> bool,
    ) -> Vec<(CallId, Ticket)> {
        while let Some(first) = self.calls.first().copied().filter(|(due, _)| *due <= now) {
            self.calls.remove(&first);
            self.lines.add(line(first.1), first);
        }
        let mut taken = Vec::new();
        let mut heads = self.lines.heads();
        while let Some((entry, waiting_in)) = heads.pop_first() {
            let ticket = entry.1;
            if ticket.discovery && self.discovering.contains(&ticket.run) {
                // It lets the next one pass.
            } else if line(ticket) != waiting_in {
                // Its function has moved to the other transport.
                self.lines.remove(&entry);
                self.calls.insert(entry);
            } else if has_place(&waiting_in) {
                self.lines.remove(&entry);
                taken.push((self.depart(ticket, waiting_in != Line::Http), ticket));
            } else {
                continue;
            }
            if let Some(next) = self.lines.behind(&waiting_in, entry) {
                heads.insert((next, waiting_in));
            }
        }
        taken
    }

    fn depart(&mut self, ticket: Ticket, over_connect: bool) -> CallId {
        self.last_call += 1;
        let call = CallId(self.last_call);
        self.under_way.insert(call, ticket);
        if over_connect {
            self.over_connect.insert(call);
        }
        if ticket.discovery {
            self.discovering.insert(ticket.run);
        }
        call
    }

    /// How many calls are under way over HTTP.
    pub(crate) fn over_http(&self) -> usize {
        self.under_way.len() - self.over_connect.len()
    }

    /// A call has ended; which item it was for.
    pub(crate) fn ended(&mut self, call: CallId) -> Option<Ticket> {
        let ticket = self.under_way.remove(&call)?;
        self.over_connect.remove(&call);
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
