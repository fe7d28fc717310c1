//! What a loop leaves in its branch that nobody wants in `main`.

use outside::{Exit, Program};
use system_bus_sdk::prelude::*;

use crate::git;
use crate::place::{Place, WORKTREES};

/// Removes what a loop needed only while it ran, and commits just that: what else was changed meanwhile is not ours.
///
/// The files are those of the last commit, so the step comes to the same end when it runs twice.
pub(crate) async fn clean(io: &Io, place: &Place) -> Result<Vec<String>> {
    let here = |arguments: &[&str]| {
        let git = Program::new("git").args(arguments.iter().copied());
        git.folder(WORKTREES, &place.loop_id)
    };
    let listed = match here(&["ls-tree", "-r", "-z", "--name-only", "HEAD"]).exit(io).await {
        Ok(Exit { code: 0, stdout, .. }) => stdout,
        Ok(exit) => return Err(git::failed("git ls-tree", &exit)),
        // The worktree is gone: an earlier run has tidied up, or the loop had none.
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let files: Vec<String> =
        listed.split('\0').filter(|path| is_artifact(path)).map(str::to_owned).collect();
    if files.is_empty() {
        return Ok(files);
    }
    let removal = here(&["rm", "-f", "-q", "--ignore-unmatch", "--"]).args(files.clone());
    git::said(io, removal).await?;
    let message = format!("chore: remove the artifacts of loop {}", place.loop_id);
    let commit = here(&["commit", "-q", "--no-verify", "-m", &message, "--"]).args(files.clone());
    git::said(io, commit).await?;
    Ok(files)
}

fn is_missing(error: &system_bus_sdk::shell::ShellError) -> bool {
    use system_bus_sdk::shell::ShellError;
    matches!(error, ShellError::Refused(refused) if refused.reason() == system_bus_sdk::Reason::Missing)
}

/// Whether a file of the branch is an artifact.
fn is_artifact(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let folders = path.split('/').rev().skip(1);
    name.ends_with(".acceptance.test.ts")
        || name.strip_suffix(".out").is_some_and(|stem| !stem.is_empty())
        || ["prd.json", "progress.txt"].contains(&path)
        || folders.into_iter().any(|folder| folder == "__tests__")
}

#[cfg(test)]
mod tests {
    use super::is_artifact;

    #[test]
    fn artifacts_are_known_by_their_names() {
        for (path, artifact) in [
            ("prd.json", true),
            ("progress.txt", true),
            ("docs/prd.json", false),
            ("__tests__/a.test.ts", true),
            ("packages/x/__tests__/deep/a.ts", true),
            ("packages/__tests__.ts", false),
            ("src/login.acceptance.test.ts", true),
            ("src/login.test.ts", false),
            ("logs/judge.out", true),
            ("src/output.rs", false),
            (".out", false),
            ("", false),
        ] {
            assert_eq!(is_artifact(path), artifact, "{path}");
        }
    }
}
