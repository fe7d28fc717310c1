//! Tasks and comments.

mod context;

use serde_json::json;
use system_bus_sdk::prelude::*;

use self::context::Context;
use crate::notice::{Outcome, line, tell, without_nulls};
use crate::settings::Settings;

/// Somebody has commented on a task.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("todoist/comment.added")]
pub struct CommentAdded {
    /// Which.
    #[serde(flatten, deserialize_with = "without_nulls")]
    pub comment: TodoistComment,
}

/// A comment.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct TodoistComment {
    /// On which.
    pub task_id: String,
    /// The comment.
    pub comment_id: String,
    /// What it says.
    pub comment_content: String,
    /// What the task says.
    pub task_content: String,
    /// The project.
    pub project_id: String,
    /// Who.
    pub initiator_id: String,
}

/// A task.
#[derive(Serialize, Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase", default)]
pub struct TodoistTask {
    /// Its id.
    pub task_id: String,
    /// What it says.
    pub task_content: String,
    /// What it says beside that.
    pub task_description: String,
    /// The project.
    pub project_id: String,
    /// Its labels.
    pub labels: Vec<String>,
}

/// A task was completed.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("todoist/task.completed")]
pub struct TaskCompleted {
    /// Which.
    #[serde(flatten, deserialize_with = "without_nulls")]
    pub task: TodoistTask,
}

/// A task was made.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("todoist/task.created")]
pub struct TaskCreated {
    /// Which.
    #[serde(flatten, deserialize_with = "without_nulls")]
    pub task: TodoistTask,
}

/// Tells of a comment.
#[function(
    id = "todoist-comment-notify",
    name = "Todoist: comment added",
    on(CommentAdded),
    retries = 3
)]
pub async fn todoist_comment_notify(ctx: Ctx, event: CommentAdded) -> Result<Outcome> {
    let (settings, event) = (Settings::read(&ctx), event.comment);
    let context: Context = ctx
        .step("enrich-context", async |io| {
            context::of(&io, &event.task_id, &event.project_id, &settings).await
        })
        .await?;
    let task = if event.task_content.is_empty() { &context.task } else { &event.task_content };
    let details = json!({
        "taskId": event.task_id,
        "commentId": event.comment_id,
        "commentContent": event.comment_content,
        "taskContent": task,
        "projectId": event.project_id,
        "initiatorId": event.initiator_id,
        "context": context,
    });
    tell(&ctx, "todoist.comment.added", &details, || {
        vec![
            format!("A comment on: {task}"),
            line("Comment", &event.comment_content),
            line("Project", &context.project),
            line("Labels", &context.labels.join(", ")),
        ]
    })
    .await
}

/// Tells of a task that was completed.
#[function(
    id = "todoist-task-completed-notify",
    name = "Todoist: task completed",
    on(TaskCompleted),
    retries = 3
)]
pub async fn todoist_task_completed_notify(ctx: Ctx, event: TaskCompleted) -> Result<Outcome> {
    told(&ctx, "todoist.task.completed", "Completed", &event.task).await
}

/// Tells of a new task.
#[function(
    id = "todoist-task-created-notify",
    name = "Todoist: task created",
    on(TaskCreated),
    retries = 3
)]
pub async fn todoist_task_created_notify(ctx: Ctx, event: TaskCreated) -> Result<Outcome> {
    told(&ctx, "todoist.task.created", "A new task", &event.task).await
}

async fn told(ctx: &Ctx, kind: &str, what: &str, task: &TodoistTask) -> Result<Outcome> {
    let settings = Settings::read(ctx);
    let context: Context = ctx
        .step("enrich-context", async |io| {
            context::of(&io, &task.task_id, &task.project_id, &settings).await
        })
        .await?;
    let mut details = json!(task);
    details["context"] = json!(context);
    tell(ctx, kind, &details, || {
        vec![
            format!("{what}: {}", task.task_content),
            line("Description", &task.task_description),
            line("Project", &context.project),
            line("Labels", &task.labels.join(", ")),
        ]
    })
    .await
}
