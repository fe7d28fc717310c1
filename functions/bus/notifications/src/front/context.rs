//! What Front knows of a conversation.

use outside::{Note, is_name};
use system_bus_sdk::prelude::*;

use crate::COMPONENT;
use crate::settings::Settings;

/// What is known of a conversation; nothing where Front does not tell.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Context {
    #[serde(default)]
    pub(crate) subject: String,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) assignee: String,
    #[serde(default)]
    pub(crate) tags: Vec<String>,
}

/// Asks Front. A mail is told without what Front knows rather than not at all.
pub(crate) async fn of(io: &Io, conversation: &str, settings: &Settings) -> Result<Context> {
    Ok(match asked(io, conversation, settings).await {
        Ok(found) => context(&found),
        Err(error) => {
            let note = Note::of(COMPONENT, "notify.enrich").warn().with("provider", "front");
            note.with("conversationId", conversation).failed(io, error);
            Context::default()
        }
    })
}

async fn asked(io: &Io, conversation: &str, settings: &Settings) -> Result<Value> {
    if !is_name(conversation) {
        return Err(Error::stop("the id of the conversation is none"));
    }
    let token = outside::token(io, "front_api_token")?;
    let request = io.http().get(format!("{}/conversations/{conversation}", settings.front));
    let request = request.header("authorization", format!("Bearer {token}"));
    let answer = request.timeout(Duration::from_secs(10)).send().await?;
    Ok(answer.ok()?.json()?)
}

fn context(found: &Value) -> Context {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tags = found["tags"].as_array().into_iter().flatten();
    Context {
        subject: text(&found["subject"]),
        status: text(&found["status"]),
        assignee: text(&found["assignee"]["email"]),
        tags: tags.filter_map(|tag| tag["name"].as_str().map(str::to_owned)).collect(),
    }
}
