//! Where a loop has worked, from an event that anybody may have written.

use outside::{below, is_name};
use system_bus_sdk::prelude::*;

use crate::LoopCompleted;
use crate::settings::Settings;

/// The root of checkouts.
pub(crate) const PROJECTS: &str = "projects";
/// The root of worktrees.
pub(crate) const WORKTREES: &str = "agent-loop";

/// Where a loop has worked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) loop_id: String,
    /// The checkout, below the root of checkouts.
    pub(crate) project: String,
    pub(crate) branch: String,
    /// The worktree, as git knows it.
    pub(crate) worktree: String,
    pub(crate) secret: String,
}

impl Place {
    pub(crate) fn of(event: &LoopCompleted, branch: &str, settings: &Settings) -> Result<Self> {
        let wrong = |what: &str| Error::stop(format!("{what} cannot be used")).named("Invalid");
        if !is_name(&event.loop_id) {
            return Err(wrong("the id of the loop"));
        }
        if !branch.split('/').all(is_name) || branch == "main" {
            return Err(wrong("the branch of the loop"));
        }
        let project = below(&event.project, settings.projects.as_deref());
        Ok(Self {
            loop_id: event.loop_id.clone(),
            project: project.ok_or_else(|| wrong("the project of the loop"))?,
            branch: branch.to_owned(),
            worktree: format!("{}/{}", settings.worktrees, event.loop_id),
            secret: settings.secret.clone(),
        })
    }
}
