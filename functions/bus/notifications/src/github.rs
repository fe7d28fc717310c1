//! Workflows and packages.

use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::notice::{Outcome, line, tell, without_nulls};

/// A workflow has ended.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("github/workflow_run.completed")]
pub struct WorkflowRunCompleted {
    /// Its run.
    #[serde(flatten, deserialize_with = "without_nulls")]
    pub run: WorkflowRun,
}

/// A package was published.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("github/package.published")]
pub struct PackagePublished {
    /// Which.
    #[serde(flatten, deserialize_with = "without_nulls")]
    pub package: Package,
}

/// A run of a workflow.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkflowRun {
    /// Its number at GitHub.
    pub run_id: u64,
    /// Its number in the repository.
    pub run_number: u64,
    /// How often it was run.
    pub run_attempt: u64,
    /// What it is called.
    pub workflow_name: String,
    /// What began it.
    pub event: String,
    /// How it ended.
    pub conclusion: String,
    /// Where to look.
    pub html_url: String,
    /// The branch.
    pub branch: String,
    /// The commit.
    pub head_sha: String,
    /// Who began it.
    pub actor_login: String,
    /// The repository.
    pub repository: String,
    /// When it was made.
    pub created_at: String,
    /// When it ended.
    pub completed_at: String,
}

/// A package.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct Package {
    /// Its kind.
    pub ecosystem: String,
    /// Its name.
    pub package_name: String,
    /// What GitHub calls its kind.
    pub package_type: String,
    /// Where to look.
    pub package_html_url: String,
    /// Its version.
    pub version_name: String,
    /// Where to look at that.
    pub version_html_url: String,
    /// The repository.
    pub repository: String,
    /// Who published it.
    pub sender: String,
}

/// Tells how a workflow ended.
#[function(
    id = "github-workflow-run-completed-notify",
    name = "GitHub: workflow completed",
    on(WorkflowRunCompleted),
    retries = 3
)]
pub async fn github_workflow_run_completed_notify(
    ctx: Ctx,
    event: WorkflowRunCompleted,
) -> Result<Outcome> {
    let event = event.run;
    let seconds: Option<i64> = ctx
        .step("enrich-context", async |_io| Ok(seconds(&event.created_at, &event.completed_at)))
        .await?;
    let details = json!({
        "repository": event.repository,
        "workflowName": event.workflow_name,
        "conclusion": event.conclusion,
        "level": if is_good(&event.conclusion) { "info" } else { "warn" },
        "runId": event.run_id,
        "runNumber": event.run_number,
        "runAttempt": event.run_attempt,
        "branch": event.branch,
        "headSha": event.head_sha,
        "actorLogin": event.actor_login,
        "event": event.event,
        "htmlUrl": event.html_url,
        "durationSeconds": seconds,
    });
    tell(&ctx, "github.workflow_run.completed", &details, || {
        let commit: String = event.head_sha.chars().take(8).collect();
        vec![
            format!("{} of {}: {}", event.workflow_name, event.repository, event.conclusion),
            line("Branch", &event.branch),
            line("Commit", &commit),
            line("By", &event.actor_login),
            line("Seconds", &seconds.map(|seconds| seconds.to_string()).unwrap_or_default()),
            line("See", &event.html_url),
        ]
    })
    .await
}

/// Tells of a package.
#[function(
    id = "github-package-published-notify",
    name = "GitHub: package published",
    on(PackagePublished),
    retries = 3
)]
pub async fn github_package_published_notify(ctx: Ctx, event: PackagePublished) -> Result<Outcome> {
    let event = event.package;
    let url = ctx
        .step("enrich-context", async |_io| {
            let urls = [&event.version_html_url, &event.package_html_url];
            Ok(urls.into_iter().find(|url| !url.is_empty()).cloned().unwrap_or_default())
        })
        .await?;
    let details = json!({
        "repository": event.repository,
        "packageName": event.package_name,
        "packageType": event.package_type,
        "ecosystem": event.ecosystem,
        "versionName": event.version_name,
        "sender": event.sender,
        "htmlUrl": url,
    });
    tell(&ctx, "github.package.published", &details, || {
        vec![
            format!("{} {} was published", event.package_name, event.version_name),
            line("Kind", &event.ecosystem),
            line("Repository", &event.repository),
            line("By", &event.sender),
            line("See", &url),
        ]
    })
    .await
}

fn is_good(conclusion: &str) -> bool {
    ["success", "neutral", "skipped"].contains(&conclusion)
}

fn seconds(from: &str, to: &str) -> Option<i64> {
    let (from, to) = (from.parse::<Timestamp>().ok()?, to.parse::<Timestamp>().ok()?);
    Some((to.as_second() - from.as_second()).max(0))
}
