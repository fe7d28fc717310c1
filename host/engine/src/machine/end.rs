//! Runs end, and the world is told.

use jiff::Timestamp;
use protocol::event::{FAILED, FINISHED};
use protocol::id::RunId;
use serde_json::{Value, json};

use super::Machine;
use crate::activity::{Activity, Happening};
use crate::entropy::Entropy;
use crate::event::{CANCELED, Event};
use crate::run::{Ending, Status};

impl Machine {
    /// Ends a run.
    pub(super) fn end(
        &mut self,
        id: RunId,
        ending: Ending,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) {
        let Some(run) = self.runs.get_mut(&id) else { return };
        run.clear(&mut self.queue, &mut self.records);
        run.ended_at = Some(now);
        let (status, output, failure, what) = match ending {
            Ending::Completed(output) => {
                (Status::Completed, Some(output.clone()), None, Happening::RunCompleted { output })
            }
            Ending::Failed(failure) => {
                let what = Happening::RunFailed { error: failure.error.clone() };
                (Status::Failed, Some(failure.output.clone()), Some(failure), what)
            }
            Ending::Canceled => (Status::Cancelled, None, None, Happening::RunCanceled),
        };
        run.status = status;
        run.output = output;
        self.changed.insert(id);
        let function = Some(run.slug.clone());
        self.activity.push(Activity { at: now, run: Some(id), function, what });
        if run.silent {
            return;
        }
        let events: Vec<Value> =
            run.events.iter().filter_map(|id| Some(self.events.get(id)?.json())).collect();
        let mut data = json!({
            "_inngest": {"status": format!("{status:?}")},
            "event": events.first(),
            "events": events,
            "function_id": run.slug,
            "run_id": id,
        });
        if let Some(output) = &run.output {
            data["result"] = serde_json::from_str(output.get()).unwrap_or(Value::Null);
        }
        if let Some(failure) = failure {
            data["error"] = json!(failure.error);
            data["error"]["error"] = json!(failure.kind);
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
            self.accept(event, now, entropy);
        }
    }
}
