//! Who waits for what. Like the queue it is derived from the runs: a restart builds it anew.

use std::collections::BTreeMap;

use protocol::id::RunId;

use crate::condition::Condition;
use crate::queue::ItemId;

/// One item of a run that waits.
pub(crate) type Waiter = (RunId, ItemId);

/// Who waits for what.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// By the event's name.
    events: BTreeMap<String, BTreeMap<Waiter, Option<Condition>>>,
    /// By the signal's name; one waiter each.
    signals: BTreeMap<String, Waiter>,
}

impl Waiting {
    /// Adds one that waits for an event.
    pub(crate) fn add_event(&mut self, name: &str, waiter: Waiter, condition: Option<Condition>) {
        self.events.entry(name.to_owned()).or_default().insert(waiter, condition);
    }

    /// Takes out one that waits for an event.
    pub(crate) fn remove_event(&mut self, name: &str, waiter: Waiter) {
        if let Some(waiters) = self.events.get_mut(name) {
            waiters.remove(&waiter);
            if waiters.is_empty() {
                self.events.remove(name);
            }
        }
    }

    /// Who waits for an event of this name, and with which condition.
    pub(crate) fn for_event(
        &self,
        name: &str,
    ) -> impl Iterator<Item = (Waiter, Option<&Condition>)> {
        let waiters = self.events.get(name).into_iter().flatten();
        waiters.map(|(waiter, condition)| (*waiter, condition.as_ref()))
    }

    /// Makes this one wait for a signal; who waited until then.
    pub(crate) fn add_signal(&mut self, signal: &str, waiter: Waiter) -> Option<Waiter> {
        self.signals.insert(signal.to_owned(), waiter)
    }

    /// Takes out one that waits for a signal, unless another one has taken over.
    pub(crate) fn remove_signal(&mut self, signal: &str, waiter: Waiter) {
        if self.for_signal(signal) == Some(waiter) {
            self.signals.remove(signal);
        }
    }

    /// Who waits for a signal.
    pub(crate) fn for_signal(&self, signal: &str) -> Option<Waiter> {
        self.signals.get(signal).copied()
    }
}
