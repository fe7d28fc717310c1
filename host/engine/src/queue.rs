//! What is due when, and what is under way. All of it is derived from the runs: a restart builds it anew, so a call
//! that was under way when the engine died is simply due again.

mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::RunId;

use crate::flow::{Lack, Meters, Need, Permits};
use lines::{Entry, Lines, Post};
pub(crate) use lines::{Outlet, Way};

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

/// A call under way.
#[derive(Debug)]
struct Departed {
    ticket: Ticket,
    way: Way,
}

/// What is due when.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Calls that are not due, or were not when they were last looked at.
    calls: BTreeSet<(Timestamp, Ticket)>,
    /// Calls that are due and have found no place yet.
    lines: Lines,
    /// Discovery calls that are due while another one of their run is under way.
    behind: BTreeMap<RunId, BTreeSet<(Timestamp, Ticket)>>,
    timers: BTreeSet<(Timestamp, RunId, ItemId)>,
    deadlines: BTreeSet<(Timestamp, RunId)>,
    under_way: BTreeMap<CallId, Departed>,
    over_http: usize,
    discovering: BTreeSet<RunId>,
    permits: Permits,
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
        self.lines.remove(ticket);
        if let Some(behind) = self.behind.get_mut(&ticket.run) {
            behind.remove(&(due, ticket));
        }
        self.timers.remove(&(due, ticket.run, ticket.item));
    }

    /// Whether a call waits to be made.
    pub(crate) fn waits(&self, due: Timestamp, ticket: Ticket) -> bool {
        let behind = self.behind.get(&ticket.run);
        self.calls.contains(&(due, ticket))
            || self.lines.contains(ticket)
            || behind.is_some_and(|behind| behind.contains(&(due, ticket)))
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

    /// Takes the calls that are due and find a place on their way: those of the lowest rank first, and of them the
    /// longest due. `way` tells of each call which way it goes now and its rank; `has_place` takes a place at an outlet.
    pub(crate) fn take_calls(
        &mut self,
        now: Timestamp,
        way: impl Fn(Ticket) -> (Way, i64),
        mut has_place: impl FnMut(&Outlet) -> bool,
        meters: &mut Meters,
    ) -> Vec<(CallId, Ticket)> {
        while let Some((due, ticket)) = self.calls.first().copied().filter(|(due, _)| *due <= now) {
            self.calls.remove(&(due, ticket));
            let (way, rank) = way(ticket);
            self.lines.add(way, Entry { rank, due, ticket });
        }
        let mut taken = Vec::new();
        while let Some((Entry { due, ticket, .. }, waiting_in)) = self.lines.next(now) {
            if ticket.discovery && self.discovering.contains(&ticket.run) {
                self.lines.remove(ticket);
                self.behind.entry(ticket.run).or_default().insert((due, ticket));
                continue;
            }
            let (current, rank) = way(ticket);
            if current != *waiting_in {
                // Its function has been registered with other rules, or elsewhere.
                self.lines.remove(ticket);
                self.lines.add(current, Entry { rank, due, ticket });
                continue;
            }
            let lack = current
                .needs
                .iter()
                .find_map(|need| Some((need, self.permits.lacks(need, ticket.run, meters, now)?)));
            if let Some((need, lack)) = lack {
                let until = match lack {
                    Lack::Place => None,
                    Lack::Until(then) => Some(then),
                };
                self.lines.park(&waiting_in, Post::Need(need.clone()), until);
            } else if !has_place(&current.outlet) {
                self.lines.park(&waiting_in, Post::Outlet(current.outlet), None);
            } else {
                self.lines.remove(ticket);
                for need in &current.needs {
                    self.permits.take(need, ticket.run, meters, now);
                }
                taken.push((self.depart(ticket, current), ticket));
            }
        }
        taken
    }

    fn depart(&mut self, ticket: Ticket, way: Way) -> CallId {
        self.last_call += 1;
        let call = CallId(self.last_call);
        if way.outlet == Outlet::Http {
            self.over_http += 1;
        }
        if ticket.discovery {
            self.discovering.insert(ticket.run);
        }
        self.under_way.insert(call, Departed { ticket, way });
        call
    }

    /// How many calls are under way over HTTP.
    pub(crate) fn over_http(&self) -> usize {
        self.over_http
    }

    /// A call has ended; which item it was for.
    pub(crate) fn ended(&mut self, call: CallId) -> Option<Ticket> {
        let Departed { ticket, way } = self.under_way.remove(&call)?;
        if way.outlet == Outlet::Http {
            self.over_http -= 1;
        }
        for need in way.needs {
            if let Need::Call { name, .. } = &need {
                self.permits.call_ended(name);
                self.free_places(name);
            }
        }
        if ticket.discovery {
            self.discovering.remove(&ticket.run);
            self.calls.extend(self.behind.remove(&ticket.run).into_iter().flatten());
        }
        Some(ticket)
    }

    /// Counts a run that had begun before the engine was started again.
    pub(crate) fn has_begun(&mut self, name: &str, run: RunId) {
        self.permits.begin(name, run);
    }

    /// A run that was counted under this name has ended.
    pub(crate) fn run_ended(&mut self, name: &str, run: RunId) {
        if self.permits.run_ended(name, run) {
            self.free_places(name);
        }
    }

    fn free_places(&mut self, freed: &str) {
        let name = || freed.to_owned();
        self.lines.free_between(|most| Need::Call { name: name(), most });
        self.lines.free_between(|most| Need::Run { name: name(), most });
    }

    /// Workers that dialled in have come, gone, or have room.
    pub(crate) fn room_changed(&mut self) {
        self.lines.free_all(|post| matches!(post, Post::Outlet(Outlet::Connect { .. })));
    }

    /// There is a place for a call over HTTP.
    pub(crate) fn http_has_place(&mut self) {
        self.lines.free(Post::Outlet(Outlet::Http));
    }

    /// Rules have changed: whatever waits is looked at again.
    pub(crate) fn rules_changed(&mut self) {
        self.lines.free_all(|_| true);
    }

    /// The next moment after `now` at which something becomes due. What is due already waits for a reply, not for
    /// the clock.
    pub(crate) fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let first = Ticket { run: RunId::from(ulid::Ulid::nil()), item: 0, discovery: false };
        let later = now.checked_add(Duration::from_nanos(1)).unwrap_or(now);
        let call = self.calls.range((later, first)..).next().map(|(due, _)| *due);
        let timer = self.timers.first().map(|(due, ..)| *due);
        let deadline = self.deadlines.first().map(|(due, _)| *due);
        let alarm = self.lines.next_alarm();
        call.into_iter().chain(timer).chain(deadline).chain(alarm).min()
    }
}
