//! A message of Slack, and the document that it becomes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::events::BackfillRequested;

/// As much of a message as is needed.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// When, which is also which.
    #[serde(default)]
    pub ts: String,
    /// The thread that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_ts: Option<String>,
    /// What sort of message it is, if not an ordinary one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtype: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What it says.
    #[serde(default)]
    pub text: String,
    /// The names of the reactions to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<String>,
    /// Whether something is attached to it.
    #[serde(default)]
    pub attached: bool,
    /// How many replies it has.
    #[serde(default)]
    pub replies: u64,
}

impl Message {
    pub(crate) fn of(told: &Value) -> Self {
        let text = |name: &str| told[name].as_str().map(str::trim).map(str::to_owned);
        let any = |name: &str| told[name].as_array().is_some_and(|list| !list.is_empty());
        let mut reactions = Vec::new();
        for reaction in told["reactions"].as_array().into_iter().flatten() {
            let name = reaction["name"].as_str().unwrap_or_default().trim().to_owned();
            if !name.is_empty() && !reactions.contains(&name) {
                reactions.push(name);
            }
        }
        Self {
            ts: text("ts").unwrap_or_default(),
            thread_ts: text("thread_ts").filter(|ts| !ts.is_empty()),
            subtype: text("subtype").filter(|subtype| !subtype.is_empty()),
            user: text("user").filter(|user| !user.is_empty()),
            text: text("text").unwrap_or_default(),
            reactions,
            attached: any("attachments") || any("files"),
            replies: told["reply_count"].as_u64().unwrap_or(0),
        }
    }

    /// All messages of an answer.
    pub(crate) fn all(told: &Value) -> Vec<Self> {
        told["messages"].as_array().into_iter().flatten().map(Self::of).collect()
    }

    /// Whether it says anything that is worth finding.
    pub(crate) fn counts(&self) -> bool {
        let timed = crate::range::seconds(&self.ts).is_some_and(|seconds| seconds > 0.0);
        let said = match self.subtype.as_deref() {
            Some("channel_join" | "channel_leave" | "tombstone") => false,
            Some("bot_message") => !self.text.is_empty(),
            _ => true,
        };
        timed && said
    }
}

/// A message in the index.
#[derive(Serialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) id: String,
    channel_type: &'static str,
    channel_id: String,
    channel_name: String,
    channel_category: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_ts: Option<String>,
    user_id: String,
    user_name: String,
    text: String,
    timestamp: i64,
    message_ts: String,
    is_thread_reply: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<String>,
    has_attachments: bool,
    ingested_at: i64,
}

impl Document {
    /// The document of a message. The same message is the same document, however often it is taken.
    pub(crate) fn of(channel: &BackfillRequested, message: &Message, name: &str, now: i64) -> Self {
        let ts = &message.ts;
        Self {
            id: format!("{}:{ts}", channel.channel_id),
            channel_type: "slack",
            channel_id: channel.channel_id.clone(),
            channel_name: channel.channel_name.clone(),
            channel_category: category(&channel.channel_name),
            thread_ts: message.thread_ts.clone(),
            user_id: message.user.clone().unwrap_or_else(|| "unknown".to_owned()),
            user_name: name.to_owned(),
            text: message.text.clone(),
            timestamp: ts.split('.').next().and_then(|ts| ts.parse().ok()).unwrap_or(0),
            message_ts: ts.clone(),
            is_thread_reply: message.thread_ts.as_ref().is_some_and(|thread| thread != ts),
            reactions: message.reactions.clone(),
            has_attachments: message.attached,
            ingested_at: now,
        }
    }
}

/// What a channel is for, by its name.
pub(crate) fn category(name: &str) -> &'static str {
    let prefixes = [
        ("cc-", "cc"),
        ("lc-", "lc"),
        ("dd-", "dd"),
        ("brain-", "brain"),
        ("project-", "project"),
        ("skill-", "skill"),
        ("sp-", "partner"),
        ("sp_", "partner"),
        ("pm-", "pm"),
    ];
    let found = prefixes.iter().find(|(prefix, _)| name.starts_with(prefix));
    match found {
        Some((_, category)) => category,
        None if name == "egghead-hq" => "hq",
        None if name.ends_with("-chat") => "legacy-chat",
        None => "other",
    }
}
