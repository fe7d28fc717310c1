//! What Todoist knows of a task.

use outside::{Note, is_name};
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::settings::Settings;

/// What is known of a task; nothing of one that is gone.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Context {
    #[serde(default)]
    pub(crate) task: String,
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    #[serde(default)]
    pub(crate) project: String,
}

/// Asks Todoist for the task and its project.
pub(crate) async fn of(io: &Io, task: &str, project: &str, settings: &Settings) -> Result<Context> {
    let found = asked(io, "tasks", task, settings).await;
    let found = match found {
        Ok(found) => (found, asked(io, "projects", project, settings).await),
        Err(error) => (Value::Null, Err(error)),
    };
    let (task, project) = match found {
        (task, Ok(project)) => (task, project),
        (_, Err(error)) => {
            let note = Note::of(COMPONENT, "notify.enrich").warn().with("provider", "todoist");
            note.failed(io, &error);
            return Err(error);
        }
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let labels = task["labels"].as_array().into_iter().flatten();
    Ok(Context {
        task: text(&task["content"]),
        labels: labels.filter_map(|label| label.as_str().map(str::to_owned)).collect(),
        project: text(&project["name"]),
    })
}

/// One thing that Todoist knows; null where it knows nothing of it.
async fn asked(io: &Io, what: &str, id: &str, settings: &Settings) -> Result<Value> {
    if !is_name(id) {
        return Ok(Value::Null);
    }
    let token = outside::token(io, "todoist_api_token")?;
    let request = io.http().get(format!("{}/{what}/{id}", settings.todoist));
    let request = request.header("authorization", format!("Bearer {token}"));
    let answer = request.timeout(Duration::from_secs(10)).send().await?;
    if [404, 410].contains(&answer.status) {
        return Ok(Value::Null);
    }
    let kind = answer.header("content-type").unwrap_or_default().to_lowercase();
    let text = answer.text().unwrap_or_default();
    // A page in place of an answer means that the address is wrong, and it will be the next time too.
    if kind.contains("text/html") || text.trim_start().starts_with('<') {
        return Err(Error::stop("Todoist has answered with a page").named("HtmlAnswer"));
    }
    Ok(answer.ok()?.json()?)
}
