//! Events come in and start runs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use protocol::event::NewEvent;
use protocol::id::RunId;
use serde_json::Value;

use super::Machine;
use super::admission::Admission;
use super::batch::{Gather, gather};
use super::record::{Record, Table};
use crate::activity::{Activity, Happening};
use crate::entropy::Entropy;
use crate::event::{Event, EventId, Seed};
use crate::flow::Keys;
use crate::run::{Invoker, Run, Stage, Status, Timeline, Work};

/// How long an event's identity starts a function only once.
const DEDUPLICATED: SignedDuration = SignedDuration::from_hours(24);

/// The events of one request.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) seed: Option<Seed>,
}

/// A run to be started.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) app: String,
    pub(super) slug: String,
    pub(super) events: Vec<EventId>,
    pub(super) cron: Option<String>,
    /// Nobody is told of its end.
    pub(super) silent: bool,
    /// When it may begin; none: now.
    pub(super) due: Option<Timestamp>,
    pub(super) invoker: Option<Invoker>,
}

impl Start {
    /// An ordinary run.
    pub(super) fn of(app: String, slug: String, events: Vec<EventId>) -> Self {
        Self { app, slug, events, cron: None, silent: false, due: None, invoker: None }
    }
}

/// A function that an event starts.
struct Listener {
    app: String,
    slug: String,
    uuid: String,
    gather: Gather,
}

impl Machine {
    /// Takes events in; their ids, in order. A repeated request with the same seed gets the same ids, and nothing
    /// happens twice.
    pub(crate) fn receive(
        &mut self,
        incoming: &Incoming,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Vec<EventId> {
        let mut ids = Vec::with_capacity(incoming.events.len());
        for (index, new) in incoming.events.iter().enumerate() {
            let id = match incoming.seed {
                Some(seed) => seed.id(index),
                None => entropy.ulid(now).into(),
            };
            ids.push(id);
            if !self.events.contains_key(&id) {
                self.accept(&Event::received(id, new, now), now, entropy);
            }
        }
        ids
    }

    /// Records an event, wakes and cancels the runs that it concerns, and starts whatever listens to it: in this
    /// order, so that no run meets the event that started it.
    pub(super) fn accept(&mut self, event: &Event, now: Timestamp, entropy: &mut dyn Entropy) {
        let json = event.json();
        self.record_event(event.clone(), now);
        self.wake_waiters(event, &json, now, entropy);
        self.cancel_by(&event.name, &json, now, entropy);
        let listeners = self.listeners(event, &json, now);
        let (identity, silent) = (event.identity(), event.tells_of_an_end());
        let due = if listeners.is_empty() { None } else { event.due(now) };
        for Listener { app, slug, uuid, gather } in listeners {
            if !self.is_first(format!("{uuid}/{identity}"), now) {
                continue;
            }
            let start = Start { silent, due, ..Start::of(app, slug, vec![event.id]) };
            match gather {
                Gather::Alone => {
                    self.admit(start, Admission::ALL, now, entropy);
                }
                Gather::Into { key, rule } => self.add_to_batch(start, &key, rule, now, entropy),
            }
        }
    }

    /// The functions that an event starts, and how.
    fn listeners(&self, event: &Event, json: &Value, now: Timestamp) -> Vec<Listener> {
        let mut listeners = Vec::new();
        for app in self.apps.values() {
            for function in &app.functions {
                let warn = |fault: &String| {
                    let (function, event) = (&function.slug, &event.name);
                    tracing::warn!(%function, %event, "{fault}");
                };
                let (started, faults) = function.is_started_by(&event.name, json);
                faults.iter().for_each(warn);
                if started {
                    let rules = &function.rules;
                    let batch = rules.batch.as_ref();
                    listeners.push(Listener {
                        app: app.registration.name.clone(),
                        slug: function.slug.clone(),
                        uuid: function.uuid.clone(),
                        gather: batch.map_or(Gather::Alone, |rule| gather(rule, json, now)),
                    });
                }
            }
        }
        listeners
    }

    /// Records an event without starting anything.
    pub(super) fn record_event(&mut self, event: Event, now: Timestamp) {
        self.records.push(Record::document(Table::Events, event.id.to_string(), &event));
        let what = Happening::EventReceived { id: event.id, name: event.name.clone() };
        self.activity.push(Activity { at: now, run: None, function: None, what });
        self.events.insert(event.id, event);
    }

    /// Whether this identity starts something for the first time within a day. It is noted.
    pub(super) fn is_first(&mut self, identity: String, now: Timestamp) -> bool {
        if self.seen.get(&identity).is_some_and(|until| *until > now) {
            return false;
        }
        let until = now.checked_add(DEDUPLICATED).unwrap_or(Timestamp::MAX);
        self.records.push(Record::document(Table::Seen, identity.clone(), &until));
        self.seen.insert(identity, until);
        true
    }

    /// Starts a run; its id.
    pub(super) fn start(
        &mut self,
        start: Start,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> RunId {
        let function = self.apps.get(&start.app).and_then(|app| app.function(&start.slug));
        let within = function.and_then(|function| function.rules.start_within);
        let keys = function.map(|function| self.keys(function, &start.events)).unwrap_or_default();
        // A run with a priority below zero begins so much later.
        let later = SignedDuration::from_secs(keys.priority.min(0).saturating_neg());
        let due = start.due.unwrap_or(now).max(now.checked_add(later).unwrap_or(now));
        let mut run = Self::new_run(start, keys, now, entropy);
        run.expire(within.and_then(|most| due.checked_add(most).ok()), &mut self.queue);
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
        for event in run.events.iter().take(1) {
            run.tell(Happening::RunScheduled { event: *event }, &mut stage);
        }
        run.add(Work::Discovery, due, &mut stage);
        if let Some(name) = &run.keys.singleton {
            self.singletons.insert(name.clone(), run.id);
        }
        self.take_in(run)
    }

    /// A run that has nothing to do yet.
    pub(super) fn new_run(
        start: Start,
        keys: Keys,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Run {
        let Start { app, slug, events, cron, silent, due: _, invoker } = start;
        Run {
            id: entropy.ulid(now).into(),
            app,
            slug,
            events,
            cron,
            silent,
            status: Status::Scheduled,
            queued_at: now,
            started_at: None,
            ended_at: None,
            version: -1,
            planning: false,
            stack: Vec::new(),
            step_ends: BTreeMap::new(),
            step_names: BTreeMap::new(),
            pending: BTreeSet::new(),
            planned: BTreeSet::new(),
            requested: BTreeSet::new(),
            items: BTreeMap::new(),
            next_item: 0,
            output: None,
            keys,
            invoker,
            deadline: None,
            inputs: BTreeMap::new(),
            errands: BTreeMap::new(),
            memos: BTreeMap::new(),
            timeline: Timeline::default(),
        }
    }

    /// Keeps a new run.
    pub(super) fn take_in(&mut self, run: Run) -> RunId {
        let id = run.id;
        self.changed.insert(id);
        self.index(&run);
        self.runs.insert(id, run);
        id
    }

    /// Makes a run known to the lists that name it.
    pub(super) fn index(&mut self, run: &Run) {
        for event in &run.events {
            self.by_event.entry(*event).or_default().push(run.id);
        }
        if !run.status.is_final() {
            let key = (run.app.clone(), run.slug.clone());
            self.unfinished.entry(key).or_default().insert(run.id);
        }
    }
}
