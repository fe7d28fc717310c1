//! The two models that decide about healing, by what is said of the problem.

use serde_json::{Value, json};

use crate::flows::site::{Answer, Asked, Site};
use crate::flows::stage::Stage;

/// What the models want to be told.
pub(super) const KEY: &str = "models-key-of-the-drill";

/// The one that is asked first.
pub(super) const FIRST: &str = "healer";
/// The one that is asked after it.
pub(super) const SECOND: &str = "healer-behind";

/// Puts both on the stage. They take questions that want JSON, which others are not asked.
pub(super) fn set(stage: &mut Stage) -> Site {
    let site = stage.site(answer);
    stage.secret("healer_key", KEY);
    for model in [FIRST, SECOND] {
        stage.grant(&format!(
            "[[inference.providers]]\nkind = \"openai\"\nurl = \"{}/v1\"\nmodel = \"{model}\"\nsecret = \
             \"healer_key\"\ntasks = [\"json\"]\n",
            site.origin()
        ));
    }
    site
}

/// All that a model was told, in one text.
pub(super) fn prompt(asked: &Asked) -> String {
    let body = asked.json();
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let texts = messages.iter().filter_map(|message| message["content"].as_str());
    texts.collect::<Vec<_>>().join("\n")
}

fn answer(asked: &Asked) -> Answer {
    let (prompt, model) = (prompt(asked), asked.json()["model"].clone());
    if asked.header("authorization") != format!("Bearer {KEY}") {
        return Answer::text(401, "text/plain", "who are you?");
    }
    if prompt.contains("drill/away") && model == FIRST {
        return Answer::text(500, "text/plain", "it is away");
    }
    let text = said(&prompt, &model);
    let message = json!({"role": "assistant", "content": text});
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10});
    Answer::json(200, &json!({"model": model, "choices": [{"message": message}], "usage": usage}))
}

fn said(prompt: &str, model: &Value) -> String {
    let about = |name: &str| prompt.contains(&format!("\"drill/{name}\""));
    let decision = match () {
        () if about("fenced") => {
            return "Well:\n```json\n{\"action\": \"retry\", \"delaySeconds\": 1, \"reason\": \"it will pass\", \
                    \"confidence\": 0.9}\n```\nThat is all."
                .to_owned();
        }
        () if about("named") => {
            json!({"action": "pause", "waitMinutes": 0, "routeToEventName": "drill/mend.named"})
        }
        () if about("away") || about("exhausted") => json!({"action": "retry", "delayMs": 1}),
        () if about("people") => {
            json!({"action": "escalate", "reason": "somebody has to pull the plug"})
        }
        () if about("second") && model == SECOND => {
            json!({"action": "escalate", "reason": "I know better"})
        }
        () if about("backup-by-model") => {
            json!({"action": "retry", "routeToEventName": "system/backup.retry.requested"})
        }
        () => return "I would not know.".to_owned(),
    };
    decision.to_string()
}
