//! Merges what an agent loop has made into `main`, tidies up and tells people. See the README for the steps.

mod artifacts;
mod cleanup;
mod failed;
mod git;
mod merge;
mod place;
mod push;
mod settings;

use outside::{Note, Tell};
use serde_json::json;
use system_bus_sdk::prelude::*;

pub use self::failed::{LoopFunctionFailed, loop_failed};
pub use self::merge::Merge;
use self::place::Place;
use self::settings::Settings;

/// Who is named in records.
const COMPONENT: &str = "agent-loop";

/// A loop has ended.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event("agent/loop.completed")]
#[serde(rename_all = "camelCase")]
pub struct LoopCompleted {
    /// Which.
    pub loop_id: String,
    /// The checkout that its work belongs into: below the folder of projects.
    pub project: String,
    /// The branch that it worked on.
    #[serde(default)]
    pub branch_name: Option<String>,
    /// How many stories it completed.
    #[serde(default)]
    pub stories_completed: u32,
    /// How many it gave up.
    #[serde(default)]
    pub stories_failed: u32,
    /// The session that began it, which the gateway tells too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_session: Option<String>,
}

/// A loop was cancelled.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event("agent/loop.cancelled")]
#[serde(rename_all = "camelCase")]
pub struct LoopCancelled {
    /// Which.
    pub loop_id: String,
}

/// What a run ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Completed {
    /// `merged`, `merge-failed` or `no-branch`.
    pub status: String,
    /// Which loop.
    pub loop_id: String,
    /// What came of the merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge: Option<Merge>,
    /// `pushed`, or `push_failed: …`; none where nothing was merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<String>,
    /// How code comes to run: from the one checkout, so nothing is copied and nothing restarted.
    pub deployment_model: String,
}

/// Merges, tidies up and tells.
#[function(
    id = "agent-loop-complete",
    name = "Complete an agent loop",
    on(LoopCompleted),
    cancel_on(LoopCancelled, same = loop_id),
    retries = 3
)]
pub async fn loop_complete(ctx: Ctx, event: LoopCompleted) -> Result<Completed> {
    let Some(branch) = event.branch_name.clone().filter(|branch| !branch.is_empty()) else {
        Note::of(COMPONENT, "agent-loop.complete.no_branch")
            .warn()
            .with("loopId", &event.loop_id)
            .done(&ctx);
        return Ok(completed(&event, "no-branch", None, None));
    };
    let place = Place::of(&event, &branch, &Settings::read(&ctx))?;

    let cleaned =
        ctx.step("clean-artifacts", async |io| artifacts::clean(&io, &place).await).await?;
    Note::of(COMPONENT, "agent-loop.complete.cleaned")
        .with("loopId", &event.loop_id)
        .with("removed", cleaned.len())
        .done(&ctx);
    ctx.step("gateway-progress-merge", async |io| {
        let message = format!("loop {}: merging {branch} to main", event.loop_id);
        Ok(Tell::progress(message, json!({ "loopId": event.loop_id })).by(&io))
    })
    .await?;

    let merge = ctx.step("merge-to-main", async |io| merge::to_main(&io, &place).await).await?;
    let note = Note::of(COMPONENT, "agent-loop.complete.merge").with("loopId", &event.loop_id);
    match &merge.reason {
        None => note.with("sha", &merge.sha).with("stash", &merge.stash).done(&ctx),
        Some(reason) => note.with("files", &merge.conflicts).warn().failed(&ctx, reason),
    }

    let cleanup = ctx
        .step("cleanup-worktree", async |io| cleanup::worktree(&io, &place, merge.merged).await)
        .await?;
    Note::of(COMPONENT, "agent-loop.complete.worktree")
        .with("loopId", &event.loop_id)
        .with("cleanup", &cleanup)
        .done(&ctx);

    let mut pushed = None;
    if merge.merged {
        let outcome =
            ctx.step("push-to-remote", async |io| push::to_remote(&io, &place).await).await?;
        let note = Note::of(COMPONENT, "agent-loop.complete.push").with("loopId", &event.loop_id);
        if outcome == push::PUSHED {
            note.done(&ctx);
        } else {
            note.failed(&ctx, &outcome);
        }
        pushed = Some(outcome);
    }

    let status = if merge.merged { "merged" } else { "merge-failed" };
    let end = completed(&event, status, Some(merge), pushed);
    ctx.step("emit-gateway-event", async |io| {
        let kind = if status == "merged" { "loop.complete" } else { "loop.failed" };
        let details = json!({
            "loopId": event.loop_id,
            "project": event.project,
            "branchName": branch,
            "storiesCompleted": event.stories_completed,
            "storiesFailed": event.stories_failed,
            "status": end.status,
            "merge": end.merge,
            "push": end.push,
        });
        Ok(Tell::notify(kind, details).by(&io))
    })
    .await?;
    Ok(end)
}

fn completed(
    event: &LoopCompleted,
    status: &str,
    merge: Option<Merge>,
    push: Option<String>,
) -> Completed {
    Completed {
        status: status.to_owned(),
        loop_id: event.loop_id.clone(),
        merge,
        push,
        deployment_model: "single-source-worker".to_owned(),
    }
}

component![loop_complete, loop_failed];

#[cfg(test)]
mod tests;
