//! What starts a story, and what a run ends with.

use outside::Note;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;

/// A story shall begin, or be tried again.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[event("agent/story.start")]
#[serde(rename_all = "camelCase")]
pub struct StoryStart {
    /// The plan.
    #[serde(default)]
    pub prd_path: String,
    /// The story.
    #[serde(default)]
    pub story_id: String,
    /// The checkout to work in; the root itself if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// Which attempt it is, from 1.
    #[serde(default = "first")]
    pub attempt: u32,
    /// What was wrong with the last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judgment: Option<String>,
    /// How the checkout was before the first attempt, for the later ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// The session that began it, which the gateway tells too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_session: Option<String>,
}

const fn first() -> u32 {
    1
}

/// How a checkout was before a story began.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// Its commit.
    pub sha: String,
    /// The files that somebody had changed in it: they are not the story's.
    #[serde(default)]
    pub changed: Vec<String>,
}

/// What a run ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// `passed`, `retrying`, `blocked` or `skipped`.
    pub status: String,
    /// Which story.
    pub story_id: String,
    /// Which attempt.
    pub attempt: u32,
    /// Why, where it did not pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The commit that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha: Option<String>,
    /// The story that was started next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A record about an attempt.
pub(crate) fn note(event: &StoryStart, action: &str) -> Note {
    Note::of(COMPONENT, action).with("storyId", &event.story_id).with("attempt", event.attempt)
}

/// What an attempt ends with.
pub(crate) fn outcome(event: &StoryStart, status: &str, reason: Option<String>) -> Outcome {
    Outcome {
        status: status.to_owned(),
        story_id: event.story_id.clone(),
        attempt: event.attempt,
        reason,
        sha: None,
        next: None,
    }
}
