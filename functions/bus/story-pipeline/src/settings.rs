//! What the operator sets.

use system_bus_sdk::prelude::*;

/// The model that works, unless set.
const MODEL: &str = "gpt-5.4";

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The folder of the root `repositories`; none where paths of events are relative.
    pub(crate) root: Option<String>,
    /// The model that works.
    pub(crate) model: String,
    /// The branch that stories are pushed to; one of its own for each story if none.
    pub(crate) branch: Option<String>,
}

impl Settings {
    pub(crate) fn read(ctx: &Ctx) -> Self {
        Self::of(|key| ctx.config(key))
    }

    pub(crate) fn of(setting: impl Fn(&str) -> Option<String>) -> Self {
        let text = |key: &str| {
            let text = setting(key).map(|text| text.trim().trim_end_matches('/').to_owned());
            text.filter(|text| !text.is_empty() && !text.starts_with('-'))
        };
        Self {
            root: text("STORY_PIPELINE_ROOT"),
            model: text("STORY_PIPELINE_MODEL").unwrap_or_else(|| MODEL.to_owned()),
            branch: text("STORY_PIPELINE_BRANCH"),
        }
    }
}
