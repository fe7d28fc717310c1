//! Telling people how a story is getting on.

use outside::{Tell, Told};
use serde_json::{Value, json};
use system_bus_sdk::prelude::*;

use crate::event::StoryStart;

/// What is told beside the words.
fn details(event: &StoryStart, intent: &str, level: &str, action: bool) -> Value {
    json!({
        "storyId": event.story_id,
        "attempt": event.attempt,
        "intent": intent,
        "level": level,
        "operator_action_required": action,
    })
}

/// A story begins.
pub(crate) fn begun(io: &Io, event: &StoryStart, title: &str) -> Told {
    let message = format!("story {} ({title}) begins, attempt {}", event.story_id, event.attempt);
    Tell::progress(message, details(event, "pipeline.lifecycle", "info", false)).by(io)
}

/// A stage begins or has ended.
pub(crate) fn stage(io: &Io, event: &StoryStart, stage: &str, how: &str) -> Told {
    let message = format!("story {}: {stage} {how}", event.story_id);
    let intent = if how == "failed" { "self_heal" } else { "stage" };
    Tell::progress(message, details(event, intent, "info", false)).by(io)
}

/// A story has come to an end.
pub(crate) fn outcome(io: &Io, event: &StoryStart, kind: &str, said: &Value) -> Told {
    let action = kind == "story.blocked";
    let level = if kind == "story.passed" { "info" } else { "warn" };
    let mut details = details(event, "pipeline.outcome", level, action);
    for (name, value) in said.as_object().into_iter().flatten() {
        details[name] = value.clone();
    }
    Tell::notify(kind, details).by(io)
}
