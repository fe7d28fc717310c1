//! Where a loop has worked, from an event that anybody may have written.

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

/// A name that is no option, no path and no revision of another kind.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty()
        && name.chars().all(plain)
        && !name.starts_with(['-', '.'])
        && !name.contains("..")
}

/// A path below the folder of projects.
fn below(project: &str, folder: Option<&str>) -> Option<String> {
    let path = match (project.strip_prefix('/'), folder) {
        (None, _) => project,
        (Some(_), Some(folder)) => project.strip_prefix(folder)?.strip_prefix('/')?,
        (Some(_), None) => return None,
    };
    let path = path.trim_end_matches('/');
    let parts = || path.split('/');
    (parts().all(|part| !part.is_empty() && part != "." && part != "..")).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_lie_below_their_folder() {
        for (project, folder, found) in [
            ("joelclaw", None, Some("joelclaw")),
            ("/code/joelclaw/", Some("/code"), Some("joelclaw")),
            ("/code/team/app", Some("/code"), Some("team/app")),
            ("/code", Some("/code"), None),
            ("/codes/app", Some("/code"), None),
            ("/code/app", None, None),
            ("/code/../etc", Some("/code"), None),
            ("../etc", None, None),
            ("", None, None),
        ] {
            assert_eq!(below(project, folder).as_deref(), found, "{project} {folder:?}");
        }
    }

    #[test]
    fn names_are_no_options_and_no_paths() {
        for (name, good) in [
            ("loop-01", true),
            ("agent.v2", true),
            ("-f", false),
            ("..", false),
            ("a..b", false),
            ("a b", false),
            ("a/b", false),
            ("", false),
        ] {
            assert_eq!(is_name(name), good, "{name}");
        }
    }
}
