//! What Vercel tells, and what is asked for then.

use system_bus_sdk::prelude::*;

use crate::notice::without_nulls;

/// A deployment.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Deployment {
    /// Its id.
    pub deployment_id: String,
    /// Its address.
    pub deployment_url: String,
    /// The project.
    pub project_name: String,
    /// The project's id.
    pub project_id: String,
    /// `production`, or empty.
    pub target: String,
    /// Where to look.
    pub dashboard_url: String,
    /// Where to look at the project.
    pub project_dashboard_url: String,
    /// The commit.
    pub git_commit_sha: String,
    /// Its message.
    pub git_commit_message: String,
    /// Its author.
    pub git_commit_author: String,
    /// The branch.
    pub git_branch: String,
    /// The repository.
    pub git_repo: String,
}

macro_rules! deploys {
    ($($(#[$about:meta])* $name:ident: $event:literal;)*) => {$(
        $(#[$about])*
        #[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
        #[event($event)]
        pub struct $name {
            /// The deployment.
            #[serde(flatten, deserialize_with = "without_nulls")]
            pub deployment: Deployment,
        }
    )*};
}

deploys! {
    /// It has succeeded.
    DeploySucceeded: "vercel/deploy.succeeded";
    /// It has failed.
    DeployError: "vercel/deploy.error";
    /// It has begun.
    DeployCreated: "vercel/deploy.created";
    /// It was given up.
    DeployCanceled: "vercel/deploy.canceled";
}

/// Somebody who mends is wanted.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event("system/agent.requested")]
#[serde(rename_all = "camelCase")]
pub struct AgentRequested {
    /// Equal for requests about the same deployment.
    pub request_id: String,
    /// What is to be done.
    pub task: String,
    /// By what.
    pub tool: String,
    /// What it may touch.
    pub sandbox: String,
    /// How long it may take, in seconds.
    pub timeout: u32,
    /// Who asks.
    pub source: String,
}

impl AgentRequested {
    pub(crate) fn repair(deployment: &Deployment) -> Self {
        let Deployment { project_name, git_branch, git_commit_sha, dashboard_url, .. } = deployment;
        Self {
            request_id: format!("vercel-deploy-error-{}", deployment.deployment_id),
            task: format!(
                "The deployment of {project_name} from {git_branch} at {git_commit_sha} has failed; its log is at \
                 {dashboard_url}. Find out why, mend it, check that it builds, and push to main."
            ),
            tool: "codex".to_owned(),
            sandbox: "danger-full-access".to_owned(),
            timeout: 300,
            source: "vercel-deploy-error-notify".to_owned(),
        }
    }
}
