//! A model for one task, behind the interface that most models have.

use serde_json::json;

use super::site::{Answer, Asked, Site};
use super::stage::Stage;

/// What the models want to be told.
pub(super) const KEY: &str = "tasks-key-of-the-drill";

/// Puts a model on the stage that answers questions of this task, by all that it is told; where it answers none, it is away.
pub(super) fn set(
    stage: &mut Stage,
    task: &str,
    says: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) -> Site {
    let site = stage.site(move |asked| answer(asked, &says));
    stage.secret("tasks_key", KEY);
    stage.grant(&format!(
        "[[inference.providers]]\nkind = \"openai\"\nurl = \"{}/v1\"\nmodel = \"model-of-{task}\"\nsecret = \
         \"tasks_key\"\ntasks = [\"{task}\"]\n",
        site.origin()
    ));
    site
}

fn answer(asked: &Asked, says: &impl Fn(&str) -> Option<String>) -> Answer {
    if asked.header("authorization") != format!("Bearer {KEY}") {
        return Answer::text(401, "text/plain", "who are you?");
    }
    let body = asked.json();
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let texts = messages.iter().filter_map(|message| message["content"].as_str());
    let Some(text) = says(&texts.collect::<Vec<_>>().join("\n")) else {
        return Answer::text(500, "text/plain", "it is away");
    };
    let message = json!({"role": "assistant", "content": text});
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10});
    Answer::json(
        200,
        &json!({"model": body["model"], "choices": [{"message": message}], "usage": usage}),
    )
}
