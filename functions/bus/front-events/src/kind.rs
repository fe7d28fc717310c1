//! What may happen at Front, and what it is called here.

use serde_json::Value;

use crate::delivery::Delivery;
use crate::{comment, conversation, message};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A message came, went, or could not be delivered.
    Message(&'static str),
    /// Something happened to a conversation as a whole.
    Conversation(&'static str),
    /// Somebody else looks after a conversation, or nobody does.
    Assignee {
        /// Whether nobody does.
        unassigned: bool,
    },
    /// Somebody wrote a comment.
    Comment,
    /// A tag was put on, or taken off.
    Tag(&'static str),
}

/// What rules and applications call it, and what it is.
const NAMES: [(&str, Kind); 25] = [
    // Rules.
    ("inbound", Kind::Message("front/message.received")),
    ("outbound", Kind::Message("front/message.sent")),
    ("move", Kind::Conversation("front/conversation.moved")),
    ("archive", Kind::Conversation("front/conversation.archived")),
    ("reopen", Kind::Conversation("front/conversation.reopened")),
    ("trash", Kind::Conversation("front/conversation.deleted")),
    ("restore", Kind::Conversation("front/conversation.restored")),
    ("assign", Kind::Assignee { unassigned: false }),
    ("unassign", Kind::Assignee { unassigned: true }),
    ("tag", Kind::Tag("front/tag.added")),
    ("untag", Kind::Tag("front/tag.removed")),
    ("comment", Kind::Comment),
    // Applications.
    ("inbound_received", Kind::Message("front/message.received")),
    ("outbound_sent", Kind::Message("front/message.sent")),
    ("message_delivery_failed", Kind::Message("front/message.failed")),
    ("conversation_archived", Kind::Conversation("front/conversation.archived")),
    ("conversation_reopened", Kind::Conversation("front/conversation.reopened")),
    ("conversation_deleted", Kind::Conversation("front/conversation.deleted")),
    ("conversation_snoozed", Kind::Conversation("front/conversation.snoozed")),
    ("conversation_snooze_expired", Kind::Conversation("front/conversation.unsnoozed")),
    ("conversation_restored", Kind::Conversation("front/conversation.restored")),
    ("new_comment_added", Kind::Comment),
    ("assignee_changed", Kind::Assignee { unassigned: false }),
    ("tag_added", Kind::Tag("front/tag.added")),
    ("tag_removed", Kind::Tag("front/tag.removed")),
];

impl Kind {
    /// By the name that Front gives it.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// The name and the data of the event that it is.
    pub(crate) fn event(self, delivery: &Delivery<'_>) -> (&'static str, Value) {
        let delivery = *delivery;
        match self {
            Self::Message(name) => message::event(name, delivery),
            Self::Conversation(name) => (name, conversation::changed(delivery)),
            Self::Assignee { unassigned } => {
                ("front/assignee.changed", conversation::assigned(delivery, unassigned))
            }
            Self::Comment => ("front/comment.added", comment::event(delivery)),
            Self::Tag(name) => (name, conversation::tagged(delivery)),
        }
    }
}
