//! Merging into `main`.

use system_bus_sdk::prelude::*;

use crate::git::{failed, git, holds, last_words, said};
use crate::place::Place;

/// What came of a merge.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Merge {
    /// Whether the work is in `main`.
    pub merged: bool,
    /// The commit that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha: Option<String>,
    /// Why it is not: `no_new_commits`, `merge_conflict` or `not_on_main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The files in which the two differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<String>,
    /// What became of changes that somebody had in the checkout: `restored`, or `kept: …` where they do not fit any
    /// more and are still in git's stash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stash: Option<String>,
}

impl Merge {
    fn not(reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..Self::default() }
    }
}

/// Merges the branch of a loop. When the step runs twice it finds what it did before: its merge by a line of its
/// message, its stash by its name, and a merge that was broken off by where it leads.
pub(crate) async fn to_main(io: &Io, place: &Place) -> Result<Merge> {
    undo_half_a_merge(io, place).await?;
    if let Some(sha) = earlier(io, place).await? {
        let stash = restore(io, place).await?;
        return Ok(Merge { merged: true, sha: Some(sha), stash, ..Merge::default() });
    }
    if said(io, git(place, ["rev-parse", "--abbrev-ref", "HEAD"])).await? != "main" {
        return Ok(Merge::not("not_on_main"));
    }
    let range = format!("main..{}", place.branch);
    if said(io, git(place, ["rev-list", "--count", &range])).await? == "0" {
        return Ok(Merge { stash: restore(io, place).await?, ..Merge::not("no_new_commits") });
    }
    if !said(io, git(place, ["status", "--porcelain"])).await?.is_empty() {
        said(io, git(place, ["stash", "push", "-q", "-u", "-m", &name(place)])).await?;
    }
    let message = format!("Merge {}\n\n{}", place.branch, mark(place));
    let merge = git(place, ["merge", "--no-ff", "-q", "-m", &message, &place.branch]);
    let exit = merge.exit(io).await?;
    if exit.code == 0 {
        let sha = said(io, git(place, ["rev-parse", "HEAD"])).await?;
        let stash = restore(io, place).await?;
        return Ok(Merge { merged: true, sha: Some(sha), stash, ..Merge::default() });
    }
    let conflicts = said(io, git(place, ["diff", "--name-only", "--diff-filter=U"])).await?;
    undo_half_a_merge(io, place).await?;
    let stash = restore(io, place).await?;
    if conflicts.is_empty() {
        return Err(failed("git merge", &exit));
    }
    let conflicts = conflicts.lines().map(str::to_owned).collect();
    Ok(Merge { conflicts, stash, ..Merge::not("merge_conflict") })
}

/// The line by which our merge is found.
fn mark(place: &Place) -> String {
    format!("Agent-Loop: {}", place.loop_id)
}

/// The name of our stash.
fn name(place: &Place) -> String {
    format!("agent-loop {}", place.loop_id)
}

async fn earlier(io: &Io, place: &Place) -> Result<Option<String>> {
    let mark = format!("^{}$", mark(place).replace('.', "\\."));
    let log = ["log", "main", "-1", "--merges", "--format=%H", "--grep", &mark];
    let sha = said(io, git(place, log)).await?;
    Ok((!sha.is_empty()).then_some(sha))
}

/// Gives a merge up that is under way, if it is that of this branch. Somebody else's is left alone.
async fn undo_half_a_merge(io: &Io, place: &Place) -> Result<()> {
    let head = git(place, ["rev-parse", "-q", "--verify", "MERGE_HEAD"]);
    let Some(under_way) = holds(io, head).await? else { return Ok(()) };
    let ours = git(place, ["rev-parse", "-q", "--verify", &place.branch]);
    if holds(io, ours).await? != Some(under_way) {
        return Err(Error::retry("somebody else is merging in this checkout").named("Busy"));
    }
    said(io, git(place, ["merge", "--abort"])).await?;
    Ok(())
}

/// Gives back what somebody had changed in the checkout. Where it does not fit any more it stays in the stash.
///
/// There may be two of them: a merge that was ended before it was one leaves its files as changes, and these were taken
/// for somebody's.
async fn restore(io: &Io, place: &Place) -> Result<Option<String>> {
    let listed = said(io, git(place, ["stash", "list", "--format=%gs"])).await?;
    let ours = format!(": {}", name(place));
    let (mut restored, mut kept) = (0, Vec::new());
    for (at, _) in listed.lines().enumerate().filter(|(_, line)| line.ends_with(&ours)) {
        // Each one that is given back moves those behind it up.
        let stash = format!("stash@{{{}}}", at - restored);
        let exit = git(place, ["stash", "pop", "-q", &stash]).exit(io).await?;
        match exit.code {
            0 => restored += 1,
            _ => kept.push(last_words(&exit.stderr)),
        }
    }
    Ok(match (restored, kept.as_slice()) {
        (0, []) => None,
        (_, []) => Some("restored".to_owned()),
        (_, kept) => Some(format!("kept: {}", kept.join("; "))),
    })
}
