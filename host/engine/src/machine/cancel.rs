//! Runs are ended from outside: by somebody, by an event, by a deadline.

use jiff::Timestamp;
use protocol::id::RunId;
use serde_json::Value;

use super::Machine;
use crate::condition::takers;
use crate::entropy::Entropy;
use crate::run::{Ending, Status};

impl Machine {
    /// Ends a run from outside; what it was then, or nothing when there is no such run.
    pub(crate) fn cancel(
        &mut self,
        run: RunId,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) -> Option<Status> {
        let status = self.runs.get(&run)?.status;
        if !status.is_final() {
            self.act(run, now, entropy, |_, _| Some(Ending::Canceled));
        }
        Some(status)
    }

    /// Ends the runs that an event cancels.
    pub(super) fn cancel_by(
        &mut self,
        name: &str,
        json: &Value,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) {
        let mut waiting = Vec::new();
        for app in self.apps.values() {
            for function in &app.functions {
                for rule in function.rules.cancel.iter().filter(|rule| rule.event == name) {
                    let key = (app.registration.name.clone(), function.slug.clone());
                    let runs = self.unfinished.get(&key).into_iter().flatten();
                    let runs = runs.filter_map(|id| self.runs.get(id));
                    for run in runs.filter(|run| rule.holds_for(run.queued_at, now)) {
                        let condition = rule.condition.as_ref();
                        let first = condition.map_or(Value::Null, |_| self.first_event(run.id));
                        waiting.push((run.id, condition, first));
                    }
                }
            }
        }
        if waiting.is_empty() {
            return;
        }
        for run in takers(waiting, json) {
            self.cancel(run, now, entropy);
        }
    }
}
