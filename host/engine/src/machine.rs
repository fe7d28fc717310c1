//! The engine without I/O: events, syncs, replies and time come in; calls, records and news go out.
//!
//! Nothing here reads a clock, draws randomness or touches a socket or file. Every method that changes something
//! leaves [`Record`]s behind; they must be stored before any call that [`Machine::dispatch`] hands out is made.
//! [`Machine::restore`] makes the same machine from the stored records, with every call that was under way due again.

mod end;
mod intake;
mod outlets;
mod prune;
pub(crate) mod record;
mod restore;
mod schedule;
mod sync;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::RunId;
use serde_json::value::RawValue;

use crate::activity::Activity;
use crate::app::App;
use crate::call::Order;
use crate::entropy::Entropy;
use crate::event::{Event, EventId};
use crate::gateway::Room;
use crate::queue::{CallId, Queue, Ticket};
use crate::reply::{Failure, Reply, Verdict};
use crate::run::{Ending, Run, Stage, Status};

pub(crate) use intake::Incoming;
pub(crate) use record::Record;
pub(crate) use sync::SyncError;

/// How the machine behaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) retry_interval: Option<Duration>,
    pub(crate) call_concurrency: usize,
}

/// Attempts of a call whose function has left: enough for it to come back.
const ATTEMPTS_WITHOUT_FUNCTION: u32 = 5;

/// The engine's whole state.
#[derive(Debug)]
pub(crate) struct Machine {
    settings: Settings,
    apps: BTreeMap<String, App>,
    events: BTreeMap<EventId, Event>,
    runs: BTreeMap<RunId, Run>,
    by_event: BTreeMap<EventId, Vec<RunId>>,
    /// Until when an event's identity starts a function no second time.
    seen: BTreeMap<String, Timestamp>,
    crons: Vec<schedule::Cron>,
    next_prune: Option<Timestamp>,
    queue: Queue,
    /// Who can take calls over Connect, as was told last.
    room: Room,
    changed: BTreeSet<RunId>,
    records: Vec<Record>,
    activity: Vec<Activity>,
}

impl Machine {
    /// An empty machine.
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            apps: BTreeMap::new(),
            events: BTreeMap::new(),
            runs: BTreeMap::new(),
            by_event: BTreeMap::new(),
            seen: BTreeMap::new(),
            crons: Vec::new(),
            next_prune: None,
            queue: Queue::default(),
            room: Room::default(),
            changed: BTreeSet::new(),
            records: Vec::new(),
            activity: Vec::new(),
        }
    }

    /// A call has ended. Replies to runs that have ended meanwhile change nothing.
    pub(crate) fn replied(
        &mut self,
        call: CallId,
        reply: Reply,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) {
        if let Some(ticket) = self.queue.ended(call) {
            self.settle(ticket, reply.verdict(now), now, entropy);
        }
    }

    fn settle(
        &mut self,
        ticket: Ticket,
        verdict: Verdict,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) {
        let Some(run) = self.runs.get(&ticket.run) else { return };
        let function = self.apps.get(&run.app).and_then(|app| app.function(&run.slug));
        let most = function.map_or(ATTEMPTS_WITHOUT_FUNCTION, |function| function.max_attempts);
        let ending = self.on_stage(ticket.run, now, entropy, |run, stage| {
            run.settle(ticket.item, verdict, most, stage)
        });
        if let Some(ending) = ending.flatten() {
            self.end(ticket.run, ending, now, entropy);
        }
    }

    /// Lets the clock act: sleeps end, schedules fire, old records go.
    pub(crate) fn tick(&mut self, now: Timestamp, entropy: &mut dyn Entropy) {
        for (run, item) in self.queue.take_sleeps(now) {
            self.on_stage(run, now, entropy, |run, stage| run.wake(item, stage));
        }
        self.fire_crons(now, entropy);
        self.prune(now);
    }

    /// Ends a run from outside; what it was then, or nothing when there is no such run.
    pub(crate) fn cancel(
        &mut self,
        run: RunId,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Option<Status> {
        let status = self.runs.get(&run)?.status;
        if !status.is_final() {
            self.end(run, Ending::Canceled, now, entropy);
        }
        Some(status)
    }

    /// Takes the calls that are due.
    pub(crate) fn dispatch(&mut self, now: Timestamp, entropy: &mut dyn Entropy) -> Vec<Order> {
        let mut orders = Vec::new();
        for (call, ticket) in self.take_calls(now) {
            match self.order(call, ticket, now, entropy) {
                Ok(order) => orders.push(order),
                Err(failure) => {
                    self.queue.ended(call);
                    let verdict = Verdict::Failed { failure, retry: protocol::op::Retry::Again };
                    self.settle(ticket, verdict, now, entropy);
                }
            }
        }
        orders
    }

    fn order(
        &mut self,
        call: CallId,
        ticket: Ticket,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<Order, Failure> {
        let gone = |what: String| Failure::new("function missing", what);
        let run =
            self.runs.get_mut(&ticket.run).ok_or_else(|| gone("the run is gone".to_owned()))?;
        let item =
            run.items.get(&ticket.item).ok_or_else(|| gone("the item is gone".to_owned()))?;
        let function = self.apps.get(&run.app).and_then(|app| app.function(&run.slug));
        let function = function.ok_or_else(|| {
            gone(format!(
                "app {} no longer registers the function {}; sync it again",
                run.app, run.slug
            ))
        })?;
        let events: Vec<&RawValue> =
            run.events.iter().filter_map(|id| Some(&*self.events.get(id)?.body)).collect();
        let request = entropy.ulid(now).to_string();
        let order = Order::new(call, &request, run, item, function, &events);
        if run.status == Status::Scheduled {
            run.status = Status::Running;
            run.started_at = Some(now);
            self.changed.insert(run.id);
        }
        Ok(order)
    }

    /// The next moment at which [`Machine::tick`] or [`Machine::dispatch`] has something to do.
    pub(crate) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let crons = self.crons.iter().map(|cron| cron.next);
        self.queue.next_after(now).into_iter().chain(crons).chain(self.next_prune).min()
    }

    /// Everything that must be stored now, in this order.
    pub(crate) fn take_records(&mut self) -> Vec<Record> {
        let mut records = std::mem::take(&mut self.records);
        for id in std::mem::take(&mut self.changed) {
            if let Some(run) = self.runs.get(&id) {
                records.push(Record::document(record::Table::Runs, id.to_string(), run));
            }
        }
        records
    }

    /// What happened since the last time.
    pub(crate) fn take_activity(&mut self) -> Vec<Activity> {
        std::mem::take(&mut self.activity)
    }

    /// Runs `act` on a run that has not ended, and notes that it changed.
    fn on_stage<T>(
        &mut self,
        id: RunId,
        now: Timestamp,
        entropy: &mut dyn Entropy,
        act: impl FnOnce(&mut Run, &mut Stage<'_>) -> T,
    ) -> Option<T> {
        let run = self.runs.get_mut(&id).filter(|run| !run.status.is_final())?;
        let mut stage = Stage {
            now,
            entropy,
            queue: &mut self.queue,
            records: &mut self.records,
            activity: &mut self.activity,
            retry_interval: self.settings.retry_interval,
        };
        self.changed.insert(id);
        Some(act(run, &mut stage))
    }

    /// A run.
    pub(crate) fn run(&self, id: RunId) -> Option<&Run> {
        self.runs.get(&id)
    }

    /// All runs, the latest first.
    pub(crate) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().rev()
    }

    /// An event.
    pub(crate) fn event(&self, id: EventId) -> Option<&Event> {
        self.events.get(&id)
    }

    /// The runs an event started.
    pub(crate) fn runs_of(&self, event: EventId) -> impl Iterator<Item = &Run> {
        let ids = self.by_event.get(&event).map(Vec::as_slice).unwrap_or_default();
        ids.iter().filter_map(|id| self.runs.get(id))
    }

    /// An app.
    pub(crate) fn app(&self, name: &str) -> Option<&App> {
        self.apps.get(name)
    }

    /// All apps.
    pub(crate) fn apps(&self) -> impl Iterator<Item = &App> {
        self.apps.values()
    }
}
