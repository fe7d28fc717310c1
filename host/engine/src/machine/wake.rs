//! Events and signals wake the runs that wait for them.

use jiff::Timestamp;
use protocol::id::RunId;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Machine;
use crate::condition::takers;
use crate::entropy::Entropy;
use crate::event::{Event, canonical};
use crate::run::Run;

impl Machine {
    /// Hands an event to the runs that wait for it.
    pub(super) fn wake_waiters(
        &mut self,
        event: &Event,
        json: &Value,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) {
        let waiting = self.waiting.for_event(&event.name).map(|(waiter, condition)| {
            // Only a condition looks at what started the run.
            let first = condition.map_or(Value::Null, |_| self.first_event(waiter.0));
            (waiter, condition, first)
        });
        let waiting: Vec<_> = waiting.collect();
        if waiting.is_empty() {
            return;
        }
        for (run, item) in takers(waiting, json) {
            let memo = event.body.clone();
            self.act(run, now, entropy, |run, stage| run.arrive(item, memo, false, stage));
        }
    }

    /// Hands a signal to the run that waits for it; which one that was.
    pub(crate) fn signal(
        &mut self,
        signal: &str,
        data: &RawValue,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Option<RunId> {
        let (run, item) = self.waiting.for_signal(signal)?;
        let data: Value = serde_json::from_str(data.get()).unwrap_or(Value::Null);
        let told = canonical(&json!({"signal": signal, "data": data}));
        let memo = Run::told_of(Ok(&told));
        self.act(run, now, entropy, |run, stage| run.arrive(item, memo, false, stage));
        Some(run)
    }

    /// The event that started a run, or the first of its batch.
    pub(super) fn first_event(&self, run: RunId) -> Value {
        let event = self.runs.get(&run).and_then(|run| self.events.get(run.events.first()?));
        event.map_or(Value::Null, Event::json)
    }
}
