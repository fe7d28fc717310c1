//! What Front tells, and what is made of it.

use serde_json::json;
use system_bus_sdk::prelude::*;

use super::context::Context;
use crate::notice::{line, without_nulls};

/// A mail.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct FrontMessage {
    /// The conversation that it belongs to.
    pub conversation_id: String,
    /// Its own id.
    pub message_id: String,
    /// The sender's address.
    pub from: String,
    /// The sender's name.
    pub from_name: String,
    /// The addresses of the others.
    pub to: Vec<String>,
    /// What it is about.
    pub subject: String,
    /// Its text, as HTML.
    pub body: String,
    /// Its text.
    pub body_plain: String,
    /// The beginning of its text.
    pub preview: String,
    /// Whether it came from outside.
    pub is_inbound: bool,
    /// How many files it has.
    pub attachment_count: u32,
    /// When it was written, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
}

/// A mail has come.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("front/message.received")]
pub struct MessageReceived {
    /// The mail.
    #[serde(flatten, deserialize_with = "without_nulls")]
    pub mail: FrontMessage,
}

/// A mail was sent.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("front/message.sent")]
pub struct MessageSent {
    /// The mail.
    #[serde(flatten, deserialize_with = "without_nulls")]
    pub mail: FrontMessage,
}

/// Somebody else looks after a conversation.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default)]
#[event("front/assignee.changed")]
#[serde(rename_all = "camelCase", default)]
pub struct AssigneeChanged {
    /// Which.
    pub conversation_id: String,
    /// The address of who does now.
    pub assignee_email: Option<String>,
    /// Their name.
    pub assignee_name: Option<String>,
    /// Whether nobody does.
    pub is_unassign: bool,
}

/// A message has come on some channel, to be found later.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event("channel/message.received")]
#[serde(rename_all = "camelCase")]
pub struct ChannelMessage {
    /// `email`.
    pub channel_type: String,
    /// The conversation.
    pub channel_id: String,
    /// What it is about.
    pub channel_name: String,
    /// The message.
    pub message_id: String,
    /// The sender's address.
    pub user_id: String,
    /// The sender's name.
    pub user_name: String,
    /// What it says.
    pub text: String,
    /// When it was written; none where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// Who tells.
    pub source: String,
}

/// Somebody important has written.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event("vip/email.received")]
pub struct VipEmail {
    /// The mail.
    #[serde(flatten)]
    pub mail: FrontMessage,
    /// How the conversation is tagged.
    pub tags: Vec<String>,
}

impl FrontMessage {
    /// What tells it from other mails.
    pub(crate) fn key(&self) -> &str {
        if self.message_id.is_empty() { &self.conversation_id } else { &self.message_id }
    }

    /// Its text, without marks where that is known.
    fn text(&self) -> &str {
        let texts = [&self.body_plain, &self.preview, &self.body];
        texts.into_iter().find(|text| !text.trim().is_empty()).map_or("", String::as_str)
    }

    fn subject<'a>(&'a self, context: &'a Context) -> &'a str {
        if self.subject.is_empty() { &context.subject } else { &self.subject }
    }

    pub(crate) fn details(&self, context: &Context) -> Value {
        json!({
            "conversationId": self.conversation_id,
            "messageId": self.message_id,
            "from": self.from,
            "fromName": self.from_name,
            "to": self.to,
            "subject": self.subject(context),
            "preview": self.preview,
            "attachmentCount": self.attachment_count,
            "context": context,
        })
    }

    pub(crate) fn words(&self, what: &str, context: &Context) -> Vec<String> {
        let name = if self.from_name.is_empty() { &self.from } else { &self.from_name };
        let files = match self.attachment_count {
            0 => String::new(),
            count => count.to_string(),
        };
        vec![
            format!("{what} {name} <{}>", self.from),
            line("To", &self.to.join(", ")),
            line("Subject", self.subject(context)),
            line("Tags", &context.tags.join(", ")),
            line("Assignee", &context.assignee),
            line("Attachments", &files),
            line("Text", self.text()),
        ]
    }
}

impl ChannelMessage {
    pub(crate) fn of(mail: &FrontMessage) -> Self {
        Self {
            channel_type: "email".to_owned(),
            channel_id: mail.conversation_id.clone(),
            channel_name: mail.subject.clone(),
            message_id: mail.message_id.clone(),
            user_id: mail.from.clone(),
            user_name: mail.from_name.clone(),
            text: mail.text().to_owned(),
            timestamp: mail.created_at,
            source: "front".to_owned(),
        }
    }
}

impl VipEmail {
    pub(crate) fn of(mail: &FrontMessage, tags: &[String]) -> Self {
        Self { mail: mail.clone(), tags: tags.to_vec() }
    }
}
