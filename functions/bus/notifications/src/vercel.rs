//! Deployments.

mod events;

use outside::Note;
use serde_json::json;
use system_bus_sdk::prelude::*;

pub use self::events::{
    AgentRequested, DeployCanceled, DeployCreated, DeployError, DeploySucceeded, Deployment,
};
use crate::COMPONENT;
use crate::notice::{Outcome, line, tell};

/// Tells of a deployment that has succeeded.
#[function(
    id = "vercel-deploy-succeeded-notify",
    name = "Vercel: deployed",
    on(DeploySucceeded),
    retries = 3
)]
pub async fn vercel_deploy_succeeded_notify(ctx: Ctx, event: DeploySucceeded) -> Result<Outcome> {
    told(&ctx, "vercel.deploy.succeeded", "was deployed", &event.deployment).await
}

/// Tells of a deployment that has begun.
#[function(
    id = "vercel-deploy-created-notify",
    name = "Vercel: deployment begun",
    on(DeployCreated),
    retries = 3
)]
pub async fn vercel_deploy_created_notify(ctx: Ctx, event: DeployCreated) -> Result<Outcome> {
    told(&ctx, "vercel.deploy.created", "is being deployed", &event.deployment).await
}

/// Tells of a deployment that was given up.
#[function(
    id = "vercel-deploy-canceled-notify",
    name = "Vercel: deployment canceled",
    on(DeployCanceled),
    retries = 3
)]
pub async fn vercel_deploy_canceled_notify(ctx: Ctx, event: DeployCanceled) -> Result<Outcome> {
    told(&ctx, "vercel.deploy.canceled", "was not deployed: it was canceled", &event.deployment)
        .await
}

/// Tells of a deployment that has failed, and asks for somebody who mends it.
#[function(
    id = "vercel-deploy-error-notify",
    name = "Vercel: deployment failed",
    on(DeployError),
    retries = 3
)]
pub async fn vercel_deploy_error_notify(ctx: Ctx, event: DeployError) -> Result<Outcome> {
    let deployment = &event.deployment;
    let outcome = told(&ctx, "vercel.deploy.error", "was not deployed", deployment).await?;
    let request = AgentRequested::repair(deployment);
    let id = request.request_id.clone();
    // A repair is pushed, deployed, and may fail again. The server drops a second event with the same id for a day: so
    // a branch is mended once a day at most, and the circle has an end.
    let budget = format!("vercel-repair-{}-{}", deployment.project_name, deployment.git_branch);
    ctx.send("request-repair-agent", Outgoing::of(&request).id(budget)).await?;
    Note::of(COMPONENT, "notify.repair.requested")
        .with("requestId", id)
        .with("project", &deployment.project_name)
        .done(&ctx);
    Ok(outcome)
}

async fn told(ctx: &Ctx, kind: &str, what: &str, deployment: &Deployment) -> Result<Outcome> {
    let commit: String = ctx
        .step("enrich-context", async |_io| {
            let sha: String = deployment.git_commit_sha.chars().take(8).collect();
            let first = deployment.git_commit_message.lines().next().unwrap_or_default();
            Ok(format!("{sha} {first}").trim().to_owned())
        })
        .await?;
    let mut details = json!(deployment);
    details["commit"] = json!(commit);
    tell(ctx, kind, &details, || {
        vec![
            format!("{} {what}", deployment.project_name),
            line("Target", &deployment.target),
            line("Branch", &deployment.git_branch),
            line("Commit", &commit),
            line("By", &deployment.git_commit_author),
            line("Address", &deployment.deployment_url),
            line("See", &deployment.dashboard_url),
        ]
    })
    .await
}
