//! Runs end, and the world is told.

use jiff::Timestamp;
use protocol::event::{FAILED, FINISHED};
use protocol::id::RunId;
use serde_json::{Value, json};

use super::Machine;
use super::invoke::correlation;
use crate::activity::{Activity, Happening};
use crate::entropy::Entropy;
use crate::event::{CANCELED, Event};
use crate::run::{Ending, Run, Status};

impl Machine {
    /// Ends a run.
    pub(super) fn end(
        &mut self,
        id: RunId,
        ending: &Ending,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.clear(&mut self.queue, &mut self.waiting);
        run.ended_at = Some(now);
        run.timeline.over(now);
        let (status, output, what) = match ending {
            Ending::Completed(output) => {
                let what = Happening::RunCompleted { output: output.clone() };
                (Status::Completed, Some(output.clone()), what)
            }
            Ending::Failed(failure) => {
                let what = Happening::RunFailed { error: failure.error.clone() };
                (Status::Failed, Some(failure.output.clone()), what)
            }
            Ending::Canceled => (Status::Cancelled, None, Happening::RunCanceled),
        };
        run.status = status;
        run.output = output;
        self.changed.insert(id);
        let (invoker, silent) = (run.invoker, run.silent);
        if let Some(name) = &run.keys.runs {
            self.queue.run_ended(name, id);
        }
        if let Some(name) =
            run.keys.singleton.as_ref().filter(|name| self.singletons.get(*name) == Some(&id))
        {
            self.singletons.remove(name);
        }
        let function = Some(run.slug.clone());
        self.activity.push(Activity { at: now, run: Some(id), function, what });
        let key = (run.app.clone(), run.slug.clone());
        if let Some(unfinished) = self.unfinished.get_mut(&key) {
            unfinished.remove(&id);
            if unfinished.is_empty() {
                self.unfinished.remove(&key);
            }
        }
        if silent && invoker.is_none() {
            return;
        }
        let data = self.runs.get(&id).map(|run| self.news(run, ending)).unwrap_or_default();
        if let Some(invoker) = invoker {
            self.answer_invoker(invoker, ending, &data, now, entropy);
        }
        if silent {
            return;
        }
        let also = match status {
            Status::Failed => Some(FAILED),
            Status::Cancelled => Some(CANCELED),
            _ => None,
        };
        for (name, key) in
            also.map(|name| (name, Some(id.to_string()))).into_iter().chain([(FINISHED, None)])
        {
            let event = Event::made(entropy.ulid(now).into(), name, &data, key, now);
            self.accept(&event, now, entropy);
        }
    }

    /// What the world is told of a run that has ended.
    fn news(&self, run: &Run, ending: &Ending) -> Value {
        let events = run.events.iter().filter_map(|id| self.events.get(id));
        let first = run.events.first().and_then(|id| self.events.get(id));
        let events: Vec<Value> = events.map(Event::lean).collect();
        let mut data = json!({
            "_inngest": {"status": format!("{:?}", run.status)},
            "event": first.map(Event::json),
            "events": events,
            "function_id": run.slug,
            "run_id": run.id,
        });
        if let Some(correlation) = correlation(run) {
            data["correlation_id"] = correlation;
        }
        if let Some(output) = &run.output {
            data["result"] = serde_json::from_str(output.get()).unwrap_or(Value::Null);
        }
        if let Ending::Failed(failure) = ending {
            data["error"] = json!(failure.error);
            data["error"]["error"] = json!(failure.kind);
        }
        data
    }
}
