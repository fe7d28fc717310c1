//! Events come in and start runs.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use protocol::event::NewEvent;

use super::Machine;
use super::record::{Record, Table};
use crate::activity::{Activity, Happening};
use crate::entropy::Entropy;
use crate::event::{Event, EventId, Seed};
use crate::run::{Run, Stage, Status, Work};

/// How long an event's identity starts a function only once.
const DEDUPLICATED: SignedDuration = SignedDuration::from_hours(24);

/// The events of one request.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) seed: Option<Seed>,
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
                self.accept(Event::received(id, new, now), now, entropy);
            }
        }
        ids
    }

    /// Records an event and starts whatever listens to it.
    pub(super) fn accept(&mut self, event: Event, now: Timestamp, entropy: &mut dyn Entropy) {
        let json = event.json();
        let mut starts = Vec::new();
        for app in self.apps.values() {
            for function in &app.functions {
                let (started, faults) = function.is_started_by(&event.name, &json);
                for fault in faults {
                    let (function, event) = (&function.slug, &event.name);
                    tracing::warn!(%function, %event, "{fault}; the function is not started");
                }
                if started {
                    starts.push((
                        app.registration.name.clone(),
                        function.slug.clone(),
                        function.uuid.clone(),
                    ));
                }
            }
        }
        let (identity, silent, id) = (event.identity(), event.tells_of_an_end(), event.id);
        self.record_event(event, now);
        for (app, slug, uuid) in starts {
            if self.is_first(format!("{uuid}/{identity}"), now) {
                self.start(app, slug, id, None, silent, now, entropy);
            }
        }
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

    /// Starts a run.
    #[expect(clippy::too_many_arguments, reason = "all of a run's beginning, used in two places")]
    pub(super) fn start(
        &mut self,
        app: String,
        slug: String,
        event: EventId,
        cron: Option<String>,
        silent: bool,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) {
        let mut run = Run {
            id: entropy.ulid(now).into(),
            app,
            slug,
            events: vec![event],
            cron,
            silent,
            status: Status::Scheduled,
            queued_at: now,
            started_at: None,
            ended_at: None,
            version: -1,
            planning: false,
            stack: Vec::new(),
            pending: BTreeSet::new(),
            planned: BTreeSet::new(),
            requested: BTreeSet::new(),
            items: BTreeMap::new(),
            next_item: 0,
            output: None,
            memos: BTreeMap::new(),
        };
        let mut stage = Stage {
            now,
            entropy,
            queue: &mut self.queue,
            records: &mut self.records,
            activity: &mut self.activity,
            retry_interval: self.settings.retry_interval,
        };
        run.tell(Happening::RunScheduled { event }, &mut stage);
        run.add(Work::Discovery, now, &mut stage);
        self.changed.insert(run.id);
        self.by_event.entry(event).or_default().push(run.id);
        self.runs.insert(run.id, run);
    }
}
