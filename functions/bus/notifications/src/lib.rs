//! Tells people what Front, GitHub, Vercel and Todoist have told us. See the README for the functions.

mod front;
mod github;
mod notice;
mod settings;
mod todoist;
mod vercel;

use system_bus_sdk::component;

pub use self::front::{
    AssigneeChanged, ChannelMessage, FrontMessage, MessageReceived, MessageSent, VipEmail,
    front_assignee_changed_notify, front_message_received_notify, front_message_sent_notify,
};
pub use self::github::{
    Package, PackagePublished, WorkflowRun, WorkflowRunCompleted, github_package_published_notify,
    github_workflow_run_completed_notify,
};
pub use self::notice::Outcome;
pub use self::todoist::{
    CommentAdded, TaskCompleted, TaskCreated, TodoistComment, TodoistTask, todoist_comment_notify,
    todoist_task_completed_notify, todoist_task_created_notify,
};
pub use self::vercel::{
    AgentRequested, DeployCanceled, DeployCreated, DeployError, DeploySucceeded, Deployment,
    vercel_deploy_canceled_notify, vercel_deploy_created_notify, vercel_deploy_error_notify,
    vercel_deploy_succeeded_notify,
};

/// Who is named in records.
const COMPONENT: &str = "notifications";

component![
    front_message_received_notify,
    front_message_sent_notify,
    front_assignee_changed_notify,
    github_workflow_run_completed_notify,
    github_package_published_notify,
    vercel_deploy_succeeded_notify,
    vercel_deploy_error_notify,
    vercel_deploy_created_notify,
    vercel_deploy_canceled_notify,
    todoist_comment_notify,
    todoist_task_completed_notify,
    todoist_task_created_notify,
];

#[cfg(test)]
mod tests;
