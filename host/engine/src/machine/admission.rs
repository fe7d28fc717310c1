//! Whether a run may start: rate limits, debouncing and singletons decide it, in this order, as on the real server.

use jiff::Timestamp;
use protocol::id::RunId;
use serde_json::Value;

use super::Machine;
use super::intake::Start;
use crate::activity::{Activity, Happening, Held};
use crate::entropy::Entropy;
use crate::event::{Event, EventId};
use crate::flow::{Keys, SingletonMode};
use crate::function::Function;
use crate::run::{Run, Status};

/// What is still to be asked of a start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Admission {
    pub(super) limit: bool,
    pub(super) debounce: bool,
}

impl Admission {
    /// An event has just come.
    pub(super) const ALL: Self = Self { limit: true, debounce: true };
    /// It was all asked before.
    pub(super) const ASKED: Self = Self { limit: false, debounce: false };
}

impl Machine {
    /// Starts a run unless the flow control of its function holds it back. The run's id where there is one, begun or
    /// skipped.
    pub(super) fn admit(
        &mut self,
        start: Start,
        asked: Admission,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Option<RunId> {
        let event = start.events.first().copied();
        let Some(function) = self.apps.get(&start.app).and_then(|app| app.function(&start.slug))
        else {
            return Some(self.start(start, now, entropy));
        };
        let rules = &function.rules.flow;
        if asked.limit && rules.limit.is_some() && !self.is_within_limit(&start, now) {
            self.tell_held(&start, Held::RateLimited, now);
            return None;
        }
        let function = self.apps.get(&start.app).and_then(|app| app.function(&start.slug))?;
        if let Some(rule) = function.rules.flow.debounce.as_ref().filter(|_| asked.debounce) {
            let name = rule.name(&function.uuid, &self.json_of(event));
            let rule = rule.rule;
            self.tell_held(&start, Held::Debounced, now);
            self.debounce(start, name, rule, now);
            return None;
        }
        let singleton = function.rules.flow.singleton.as_ref().map(|rule| rule.rule.mode);
        let holder = singleton.and_then(|mode| {
            let name = self.keys(function, &start.events).singleton?;
            Some((mode, *self.singletons.get(&name)?))
        });
        match holder {
            Some((SingletonMode::Skip, _)) => return Some(self.skip(start, now, entropy)),
            Some((SingletonMode::Cancel, holder)) => {
                self.cancel(holder, now, entropy);
            }
            None => {}
        }
        Some(self.start(start, now, entropy))
    }

    /// Under which names a run with these events is counted.
    pub(super) fn keys(&self, function: &Function, events: &[EventId]) -> Keys {
        if function.rules.flow.is_empty() {
            return Keys::default();
        }
        Keys::of(&function.rules.flow, &function.uuid, &self.json_of(events.first().copied()))
    }

    /// Counts an unfinished run that comes from the store.
    pub(super) fn count_again(&mut self, run: &Run) {
        if let Some(name) = run.keys.runs.as_ref().filter(|_| run.started_at.is_some()) {
            self.queue.has_begun(name, run.id);
        }
        if let Some(name) = &run.keys.singleton {
            self.singletons.insert(name.clone(), run.id);
        }
    }

    /// Whether one more start is within its function's rate limit; if so, it is counted.
    fn is_within_limit(&mut self, start: &Start, now: Timestamp) -> bool {
        let function = self.apps.get(&start.app).and_then(|app| app.function(&start.slug));
        let Some((function, limit)) =
            function.and_then(|function| Some((function, function.rules.flow.limit.as_ref()?)))
        else {
            return true;
        };
        let event = self.json_of(start.events.first().copied());
        let Some(name) = limit.name_unless_false(&function.uuid, &event) else { return true };
        let (name, rate) = (format!("limit/{name}"), limit.rule);
        let within = self.meters.ready(&name, rate, now) <= now;
        if within {
            self.meters.spend(&name, rate, now);
        }
        within
    }

    /// Records a run that does not begin, since the function's singleton is there.
    fn skip(&mut self, start: Start, now: Timestamp, entropy: &mut dyn Entropy) -> RunId {
        let function = Some(start.slug.clone());
        let mut run = Self::new_run(start, Keys::default(), now, entropy);
        run.status = Status::Skipped;
        run.ended_at = Some(now);
        let what = Happening::RunSkipped;
        self.activity.push(Activity { at: now, run: Some(run.id), function, what });
        self.take_in(run)
    }

    fn tell_held(&mut self, start: &Start, held: Held, now: Timestamp) {
        let Some(event) = start.events.first().copied() else { return };
        let what = Happening::EventHeld { event, held };
        let function = Some(start.slug.clone());
        self.activity.push(Activity { at: now, run: None, function, what });
    }

    /// An event as expressions see it.
    fn json_of(&self, event: Option<EventId>) -> Value {
        event.and_then(|id| self.events.get(&id)).map_or(Value::Null, Event::json)
    }
}
