//! Events gather into batches, and a batch starts one run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Machine;
use super::admission::Admission;
use super::intake::Start;
use super::record::{Record, Table};
use crate::entropy::Entropy;
use crate::event::EventId;
use crate::function::BatchRule;

/// Events that wait for others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Batch {
    app: String,
    slug: String,
    /// In the order in which they came.
    pub(super) events: Vec<EventId>,
    /// When it starts its run, however few they are.
    pub(super) due: Timestamp,
}

/// What an event does for a function that batches.
pub(super) enum Gather {
    /// It runs alone.
    Alone,
    /// It joins others of this key.
    Into { key: String, rule: (usize, Timestamp) },
}

/// Where an event belongs. What cannot be evaluated runs alone, or with all others; the log says why.
pub(super) fn gather(rule: &BatchRule, event: &Value, now: Timestamp) -> Gather {
    let fault = |fault: &String| tracing::warn!("a batch: {fault}");
    let joins = |condition: &crate::condition::Condition| {
        condition.holds(event).inspect_err(fault).unwrap_or(false)
    };
    if !rule.condition.as_ref().is_none_or(joins) {
        return Gather::Alone;
    }
    let key = rule.key.as_ref().and_then(|key| key.key(event).inspect_err(fault).ok());
    let due = now.checked_add(rule.wait).unwrap_or(now);
    Gather::Into { key: key.unwrap_or_default(), rule: (rule.most, due) }
}

impl Machine {
    /// Adds an event to its batch; a full one starts its run.
    pub(super) fn add_to_batch(
        &mut self,
        start: Start,
        key: &str,
        (most, due): (usize, Timestamp),
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) {
        let Start { app, slug, events, .. } = start;
        let name = format!("{app}/{slug}/{key}");
        let batch = self.batches.entry(name.clone());
        let batch = batch.or_insert_with(|| Batch { app, slug, events: Vec::new(), due });
        batch.events.extend(events);
        if batch.events.len() < most {
            self.records.push(Record::document(Table::Batches, name, batch));
        } else {
            self.close(&name, now, entropy);
        }
    }

    /// Starts the runs of the batches whose time is over.
    pub(super) fn close_batches(&mut self, now: Timestamp, entropy: &mut dyn Entropy) {
        let over = self.batches.iter().filter(|(_, batch)| batch.due <= now);
        let over: Vec<String> = over.map(|(name, _)| name.clone()).collect();
        for name in over {
            self.close(&name, now, entropy);
        }
    }

    fn close(&mut self, name: &str, now: Timestamp, entropy: &mut dyn Entropy) {
        if let Some(Batch { app, slug, events, .. }) = self.batches.remove(name) {
            self.records.push(Record::remove(Table::Batches, name.to_owned()));
            // Rate limits do not hold for batches.
            let admitted = Admission { limit: false, debounce: false };
            self.admit(Start::of(app, slug, events), admitted, now, entropy);
        }
    }
}
