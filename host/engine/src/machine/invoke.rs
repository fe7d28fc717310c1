//! Runs invoke other functions and are told how they ended.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Machine;
use super::admission::Admission;
use super::intake::Start;
use crate::app::uuid_of;
use crate::entropy::Entropy;
use crate::event::{Event, canonical};
use crate::function::identity;
use crate::run::{Ending, Invocation, Invoker, Run};

/// The event that starts an invoked run.
const INVOKED: &str = "inngest/function.invoked";

impl Machine {
    /// Starts the run that a step asks for; where there is no such function, the step fails.
    pub(super) fn invoke(
        &mut self,
        invocation: Invocation,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) {
        let Invocation { invoker, item, name, function: slug, payload, until } = invocation;
        let Some(parent) = self.runs.get(&invoker.run).filter(|run| !run.status.is_final()) else {
            return;
        };
        let mut apps = self.apps.values();
        let found = apps.find(|app| app.function(&slug).is_some());
        let Some(app) = found.map(|app| app.registration.name.clone()) else {
            // In the words of the real server.
            let message = format!("could not find function with ID: {slug}");
            tracing::warn!(run = %invoker.run, "{message}; sync its app, or name it as <app>-<function>");
            let error = canonical(&json!({"message": message, "name": "Error"}));
            let memo = Run::told_of(Err(&error));
            self.act(invoker.run, now, entropy, |run, stage| run.arrive(item, memo, false, stage));
            return;
        };
        let mut data = payload["data"].clone();
        if !data.is_object() {
            data = json!({});
        }
        data["_inngest"] = json!({
            "correlation_id": format!("{}.{}", invoker.run, invoker.step),
            "expire": until.as_millisecond(),
            "fn_id": slug,
            "name": name,
            "source_app_id": uuid_of(&parent.app),
            "source_fn_id": identity(&["function", &parent.app, &parent.slug]),
            "source_fn_v": 1,
        });
        let user = payload.get("user").filter(|user| user.is_object()).cloned();
        let user = user.unwrap_or_else(|| json!({}));
        let version = payload["v"].as_str().map(str::to_owned);
        let id = entropy.ulid(now).into();
        let event = Event::invoking(id, INVOKED, &data, &user, version, now);
        self.record_event(event, now);
        let start = Start { invoker: Some(invoker), ..Start::of(app, slug, vec![id]) };
        self.admit(start, Admission::ALL, now, entropy);
    }

    /// Tells the step that waits for a run how it ended.
    pub(super) fn answer_invoker(
        &mut self,
        invoker: Invoker,
        ending: &Ending,
        news: &Value,
        now: Timestamp,
        entropy: &mut dyn Entropy,
    ) {
        let memo = match ending {
            Ending::Completed(output) => Run::told_of(Ok(output)),
            Ending::Failed(failure) => {
                let mut error = json!(failure.error);
                error["error"] = json!(failure.kind);
                Run::told_of(Err(&canonical(&error)))
            }
            // Recorded: to its invoker a canceled run is one that has succeeded, with the news of its end as result.
            Ending::Canceled => Run::told_of(Ok(&canonical(news))),
        };
        let item = self.runs.get(&invoker.run).and_then(|run| run.invocation(invoker.step));
        if let Some(item) = item {
            self.act(invoker.run, now, entropy, |run, stage| run.arrive(item, memo, false, stage));
        }
    }
}

/// The `correlation_id` of a run that was invoked, as the news of its end carries it.
pub(super) fn correlation(run: &Run) -> Option<Value> {
    run.invoker.map(|invoker| json!(format!("{}.{}", invoker.run, invoker.step)))
}
