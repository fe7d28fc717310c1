//! What the operator sets.

use system_bus_sdk::prelude::*;

/// Where worktrees of loops are, unless set.
const WORKTREES: &str = "/tmp/agent-loop";

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The folder of the root `agent-loop`.
    pub(crate) worktrees: String,
    /// The folder of the root `projects`; none where projects are named by what is below it.
    pub(crate) projects: Option<String>,
    /// The secret that stands for GitHub's token.
    pub(crate) secret: String,
}

impl Settings {
    pub(crate) fn read(ctx: &Ctx) -> Self {
        Self::of(|key| ctx.config(key))
    }

    pub(crate) fn of(setting: impl Fn(&str) -> Option<String>) -> Self {
        let text = |key: &str| {
            let text = setting(key).map(|text| text.trim().trim_end_matches('/').to_owned());
            text.filter(|text| !text.is_empty())
        };
        Self {
            worktrees: text("AGENT_LOOP_WORKTREES").unwrap_or_else(|| WORKTREES.to_owned()),
            projects: text("AGENT_LOOP_PROJECTS"),
            secret: text("AGENT_LOOP_GITHUB_SECRET").unwrap_or_else(|| "github_token".to_owned()),
        }
    }
}
