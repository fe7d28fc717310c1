//! The engine without I/O: events, syncs, replies and time come in; calls, records and news go out.
//!
//! Nothing here reads a clock, draws randomness or touches a socket or file. Every method that changes something
//! leaves [`Record`]s behind; they must be stored before any call that [`Machine::dispatch`] hands out is made.
//! [`Machine::restore`] makes the same machine from the stored records, with every call that was under way due again.

mod admission;
mod batch;
mod cancel;
mod debounce;
mod end;
mod intake;
mod invoke;
mod listing;
mod outlets;
mod prune;
pub(crate) mod record;
mod rerun;
mod restore;
mod schedule;
mod sync;
#[cfg(test)]
mod tests;
mod wake;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;
use protocol::id::RunId;
use serde_json::value::RawValue;

use crate::activity::Activity;
use crate::app::App;
use crate::call::Order;
use crate::entropy::Entropy;
use crate::event::{Event, EventId};
use crate::flow::Meters;
use crate::gateway::Room;
use crate::queue::{CallId, Queue, Ticket};
use crate::reply::{Failure, Reply, Verdict};
use crate::request::Response;
use crate::run::{Ask, Checkpoint, Ending, Errand, Refusal, Run, Stage, Status, span_key};
use crate::waiting::Waiting;

pub(crate) use intake::Incoming;
pub(crate) use listing::{Part, Place};
pub(crate) use record::Record;
pub(crate) use rerun::{FromStep, Rerun, RerunError};
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
    batches: BTreeMap<String, batch::Batch>,
    debounces: BTreeMap<String, debounce::Debounced>,
    /// Throttles and rate limits.
    meters: Meters,
    /// The unfinished run of each singleton.
    singletons: BTreeMap<String, RunId>,
    queue: Queue,
    waiting: Waiting,
    /// Unfinished runs by app and function.
    unfinished: BTreeMap<(String, String), BTreeSet<RunId>>,
    /// What runs want of others, to be attended to before anything else happens.
    asks: VecDeque<Ask>,
    /// Who can take calls over Connect, as was told last.
    room: Room,
    changed: BTreeSet<RunId>,
    records: Vec<Record>,
    activity: Vec<Activity>,
    errands: Vec<Errand>,
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
            batches: BTreeMap::new(),
            debounces: BTreeMap::new(),
            meters: Meters::default(),
            singletons: BTreeMap::new(),
            queue: Queue::default(),
            waiting: Waiting::default(),
            unfinished: BTreeMap::new(),
            asks: VecDeque::new(),
            room: Room::default(),
            changed: BTreeSet::new(),
            records: Vec::new(),
            activity: Vec::new(),
            errands: Vec::new(),
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
        let most = self.most_attempts(ticket.run);
        self.act(ticket.run, now, entropy, |run, stage| {
            run.settle(ticket.item, verdict, most, stage)
        });
    }

    /// A request that the engine made in a run's name has ended.
    pub(crate) fn fetched(
        &mut self,
        errand: Errand,
        response: Response,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) {
        let most = self.most_attempts(errand.run);
        self.act(errand.run, now, entropy, |run, stage| run.fetched(errand, response, most, stage));
    }

    /// A worker stores results while its call goes on.
    pub(crate) fn checkpoint(
        &mut self,
        id: RunId,
        checkpoint: &Checkpoint,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Result<(), Refusal> {
        let run = self.runs.get(&id).filter(|run| !run.status.is_final());
        let run = run.ok_or_else(|| {
            Refusal::Unusable(format!("there is no unfinished run {id} to store results for"))
        })?;
        let function = self.apps.get(&run.app).and_then(|app| app.function(&run.slug));
        if function.is_some_and(|function| function.uuid != checkpoint.fn_id) {
            let told = &checkpoint.fn_id;
            return Err(Refusal::Unusable(format!(
                "the run {id} is none of the function {told:?}"
            )));
        }
        let stored =
            self.on_stage(id, now, entropy, |run, stage| run.checkpoint(checkpoint, stage));
        stored.unwrap_or(Ok(()))
    }

    /// How often a call of this run is made at most.
    fn most_attempts(&self, run: RunId) -> u32 {
        let run = self.runs.get(&run);
        let function = run.and_then(|run| self.apps.get(&run.app)?.function(&run.slug));
        function.map_or(ATTEMPTS_WITHOUT_FUNCTION, |function| function.max_attempts)
    }

    /// Lets the clock act: sleeps, waits and batches end, runs that take too long are canceled, schedules fire, old
    /// records go.
    pub(crate) fn tick(&mut self, now: Timestamp, entropy: &mut dyn Entropy) {
        for (run, item) in self.queue.take_timers(now) {
            self.act(run, now, entropy, |run, stage| run.wake(item, stage));
        }
        for run in self.queue.take_deadlines(now) {
            self.cancel(run, now, entropy);
        }
        self.close_batches(now, entropy);
        self.end_debounces(now, entropy);
        self.fire_crons(now, entropy);
        self.prune(now);
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
        if let Some(item) = run.items.get_mut(&ticket.item) {
            let step = item.work.step();
            item.request = Some(request);
            run.timeline.dispatched(ticket.item, step, now);
            for (at, span) in run.timeline.take_changed() {
                let key = span_key(run.id, at);
                self.records.push(Record::document(record::Table::Spans, key, span));
            }
        }
        if run.status == Status::Scheduled {
            run.status = Status::Running;
            run.started_at = Some(now);
            let deadline = function.rules.finish_within.and_then(|most| now.checked_add(most).ok());
            run.expire(deadline, &mut self.queue);
            self.changed.insert(run.id);
        }
        Ok(order)
    }

    /// The next moment at which [`Machine::tick`] or [`Machine::dispatch`] has something to do.
    pub(crate) fn next_due(&self, now: Timestamp) -> Option<Timestamp> {
        let crons = self.crons.iter().map(|cron| cron.next);
        let batches = self.batches.values().map(|batch| batch.due);
        let debounces = self.debounces.values().map(|debounced| debounced.due);
        let queued = self.queue.next_after(now).into_iter();
        queued.chain(crons).chain(batches).chain(debounces).chain(self.next_prune).min()
    }

    /// Everything that must be stored now, in this order.
    pub(crate) fn take_records(&mut self) -> Vec<Record> {
        let mut records = std::mem::take(&mut self.records);
        self.meters.take_records(&mut records);
        for id in std::mem::take(&mut self.changed) {
            if let Some(run) = self.runs.get_mut(&id) {
                records.push(Record::document(record::Table::Runs, id.to_string(), run));
                for (at, span) in run.timeline.take_changed() {
                    records.push(Record::document(record::Table::Spans, span_key(id, at), span));
                }
            }
        }
        records
    }

    /// What happened since the last time.
    pub(crate) fn take_activity(&mut self) -> Vec<Activity> {
        std::mem::take(&mut self.activity)
    }

    /// Takes the requests to be made; nothing of them is stored.
    pub(crate) fn take_errands(&mut self) -> Vec<Errand> {
        std::mem::take(&mut self.errands)
    }

    /// Runs `act` on a run that has not ended, ends it if it says so, and attends to whatever it wants of others.
    fn act(
        &mut self,
        id: RunId,
        now: Timestamp,
        entropy: &mut dyn Entropy,
        act: impl FnOnce(&mut Run, &mut Stage<'_>) -> Option<Ending>,
    ) {
        if let Some(ending) = self.on_stage(id, now, entropy, act).flatten() {
            self.end(id, &ending, now, entropy);
        }
        while let Some(ask) = self.asks.pop_front() {
            match ask {
                Ask::Invoke(invocation) => self.invoke(*invocation, now, entropy),
                Ask::Release { run, item } => {
                    self.on_stage(run, now, entropy, |run, _| run.release(item));
                }
                Ask::Errand(errand) => self.errands.push(*errand),
            }
        }
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
            waiting: &mut self.waiting,
            asks: &mut self.asks,
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

    /// All events, the latest first.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.values().rev()
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
