//! What is old goes, so that an engine left running for months stays small.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Machine;
use super::record::{Record, Table};

const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
const EVERY: SignedDuration = SignedDuration::from_hours(1);

impl Machine {
    /// Forgets, once an hour, runs that ended a week ago, events of that age that no run needs, and identities that
    /// may start functions again.
    pub(super) fn prune(&mut self, now: Timestamp) {
        if self.next_prune.is_some_and(|next| next > now) {
            return;
        }
        self.next_prune = now.checked_add(EVERY).ok();
        let Ok(oldest) = now.checked_sub(KEPT) else { return };
        self.meters.prune(now);
        let records = &mut self.records;
        self.seen.retain(|identity, until| {
            let kept = *until > now;
            if !kept {
                records.push(Record::remove(Table::Seen, identity.clone()));
            }
            kept
        });
        self.runs.retain(|id, run| {
            let kept = run.ended_at.is_none_or(|ended| ended > oldest);
            if !kept {
                run.forget(records);
                records.push(Record::remove(Table::Runs, id.to_string()));
            }
            kept
        });
        let gathered = self.batches.values().flat_map(|batch| &batch.events);
        let debounced = self.debounces.values().map(|debounced| &debounced.event);
        let of_runs = self.runs.values().flat_map(|run| &run.events);
        let needed: BTreeSet<_> = of_runs.chain(gathered).chain(debounced).collect();
        self.events.retain(|id, event| {
            let kept = event.received_at > oldest || needed.contains(id);
            if !kept {
                records.push(Record::remove(Table::Events, id.to_string()));
            }
            kept
        });
        let runs = &self.runs;
        self.by_event.retain(|_, started| {
            started.retain(|run| runs.contains_key(run));
            !started.is_empty()
        });
    }
}
