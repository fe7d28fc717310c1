//! Asks models.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::inference::{Models, Question};
use system_bus_sdk::prelude::*;

/// What a test wants to have asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    prompt: String,
    system: Option<String>,
    task: Option<String>,
    model: Option<String>,
    component: Option<String>,
    action: Option<String>,
    schema: Option<Value>,
    within: Option<u64>,
}

impl Wanted {
    fn put(self, models: Models) -> Question {
        let mut question = models.ask(self.prompt);
        if let Some(system) = self.system {
            question = question.system(system);
        }
        if let Some(task) = self.task {
            question = question.task(task);
        }
        if let Some(model) = self.model {
            question = question.model(model);
        }
        if let Some(component) = self.component {
            question = question.component(component);
        }
        if let Some(action) = self.action {
            question = question.action(action);
        }
        if let Some(schema) = self.schema {
            question = question.schema(&schema);
        }
        if let Some(within) = self.within {
            question = question.within(Duration::from_millis(within));
        }
        question
    }
}

/// Asks what the event says, and tells what came back.
#[function(id = "asks", on("testing/question.asked"), retries = 4)]
async fn asks(ctx: Ctx, event: Incoming<Value>) -> Result<Value> {
    let wanted = event.data.clone();
    ctx.step("ask", async |io| {
        let wanted: Wanted = serde_json::from_value(wanted.clone()).stop()?;
        let reply = wanted.put(io.inference()).send()?;
        Ok(serde_json::json!({
            "text": reply.text,
            "data": reply.data::<Value>().ok(),
            "model": reply.model,
            "provider": reply.provider,
            "tokens": reply.usage.map(|tokens| (tokens.input, tokens.output)),
            "attempt": reply.attempt,
        }))
    })
    .await
}

system_bus_sdk::component![asks];
