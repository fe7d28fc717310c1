//! Tasks in Todoist.

use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::analysis::Task;
use crate::events::Meeting;
use crate::settings::Settings;

/// The secret that lets us write.
const KEY: &str = "todoist_api_token";

/// Makes a task; its id. Todoist makes one for each request id, and a step that runs twice has the same.
pub(crate) async fn create(io: &Io, meeting: &Meeting, date: &str, task: &Task) -> Result<String> {
    let about = format!(
        "From: {} ({date})\nSource: granola\nOwner: {}\nLink: https://notes.granola.ai/d/{}\n{}",
        meeting.title, task.owner, meeting.meeting_id, task.context
    );
    let mut body = json!({ "content": format!("[Granola] {}", task.task), "description": about });
    if !task.deadline.trim().is_empty() {
        body["due_string"] = task.deadline.trim().into();
    }
    let token = outside::token(io, KEY)?;
    let made: Value = io
        .http()
        .post(format!("{}/tasks", Settings::read(io).todoist))
        .header("authorization", format!("Bearer {token}"))
        .header("x-request-id", outside::uuid(&io.idempotency_key()))
        .header("idempotency-key", io.idempotency_key())
        .json(&body)
        .timeout(Duration::from_secs(10))
        .send()
        .await?
        .ok()?
        .json()?;
    Ok(made["id"].as_str().map_or_else(|| made["id"].to_string(), str::to_owned))
}
