//! Events that come one soon after another: only the last of them starts a run, when it has been quiet.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Machine;
use super::admission::Admission;
use super::intake::Start;
use super::record::{Record, Table};
use crate::entropy::Entropy;
use crate::event::{Event, EventId};
use crate::flow::Debounce;
use crate::run::Invoker;

/// The event that will start the run, unless another one comes first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Debounced {
    app: String,
    slug: String,
    pub(super) event: EventId,
    /// When it happened, by its sender's word; an earlier one does not replace it.
    happened: Timestamp,
    silent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    invoker: Option<Invoker>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    /// When it starts the run.
    pub(super) due: Timestamp,
    /// When it starts the run at the latest, however many more come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl Machine {
    /// Puts a start off until its function has been quiet under this name.
    pub(super) fn debounce(&mut self, start: Start, name: String, rule: Debounce, now: Timestamp) {
        let Some(event) = start.events.first().copied() else { return };
        let happened = self.events.get(&event).and_then(Event::happened).unwrap_or(now);
        let after = |wait| now.checked_add(wait).unwrap_or(Timestamp::MAX);
        let before = self.debounces.get(&name);
        if before.is_some_and(|before| before.happened > happened) {
            return;
        }
        let until = match before {
            Some(before) => before.until,
            None => rule.timeout.map(after),
        };
        let quiet = after(rule.period);
        let debounced = Debounced {
            app: start.app,
            slug: start.slug,
            event,
            happened,
            silent: start.silent,
            invoker: start.invoker,
            cron: start.cron,
            due: until.map_or(quiet, |until| until.min(quiet)),
            until,
        };
        self.records.push(Record::document(Table::Debounces, name.clone(), &debounced));
        self.debounces.insert(name, debounced);
    }

    /// Starts the runs of the events after which it has been quiet.
    pub(super) fn end_debounces(&mut self, now: Timestamp, entropy: &mut dyn Entropy) {
        let over = self.debounces.iter().filter(|(_, debounced)| debounced.due <= now);
        let mut over: Vec<(Timestamp, String)> =
            over.map(|(name, debounced)| (debounced.due, name.clone())).collect();
        over.sort();
        for (_, name) in over {
            let Some(debounced) = self.debounces.remove(&name) else { continue };
            self.records.push(Record::remove(Table::Debounces, name));
            let Debounced { app, slug, event, silent, invoker, cron, .. } = debounced;
            let due = self.events.get(&event).and_then(|event| event.due(now));
            let start = Start { cron, silent, due, invoker, ..Start::of(app, slug, vec![event]) };
            self.admit(start, Admission::ASKED, now, entropy);
        }
    }
}
