//! Taking the worktree of a loop away.

use system_bus_sdk::prelude::*;

use crate::git::{git, holds, said};
use crate::place::Place;

/// What was taken away.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cleanup {
    /// Whether the worktree was there and is gone.
    pub(crate) worktree: bool,
    /// Whether the branch was there and is gone.
    pub(crate) branch: bool,
}

/// Removes the worktree, and the branch where its work is in `main`.
pub(crate) async fn worktree(io: &Io, place: &Place, merged: bool) -> Result<Cleanup> {
    let mut gone = Cleanup::default();
    // A folder that is gone without git's knowledge would keep the branch.
    said(io, git(place, ["worktree", "prune"])).await?;
    let listed = said(io, git(place, ["worktree", "list", "--porcelain"])).await?;
    let ours = format!("worktree {}", place.worktree);
    if listed.lines().any(|line| line == ours) {
        said(io, git(place, ["worktree", "remove", "--force", &place.worktree])).await?;
        gone.worktree = true;
    }
    let name = format!("refs/heads/{}", place.branch);
    if merged && holds(io, git(place, ["rev-parse", "-q", "--verify", &name])).await?.is_some() {
        said(io, git(place, ["branch", "-q", "-d", &place.branch])).await?;
        gone.branch = true;
    }
    Ok(gone)
}
