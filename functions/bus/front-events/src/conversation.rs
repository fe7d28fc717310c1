//! What happens to conversations as a whole.

use serde_json::{Value, json};

use crate::delivery::Delivery;

pub(crate) fn changed(delivery: Delivery<'_>) -> Value {
    json!({
        "conversationId": delivery.conversation_id(),
        "subject": delivery.text(&["conversation", "subject"]),
    })
}

pub(crate) fn assigned(delivery: Delivery<'_>, unassigned: bool) -> Value {
    let own = delivery.target();
    let assignee =
        if own["email"].is_string() { own } else { delivery.at(&["conversation", "assignee"]) };
    let name: Vec<_> =
        ["first_name", "last_name"].iter().filter_map(|part| assignee[*part].as_str()).collect();
    // An application has one name for both.
    let unassigned = unassigned || !assignee.is_object();
    json!({
        "conversationId": delivery.conversation_id(),
        "assigneeEmail": assignee["email"].as_str().filter(|_| !unassigned),
        "assigneeName": Some(name.join(" ")).filter(|name| !name.is_empty() && !unassigned),
        "isUnassign": unassigned,
    })
}

pub(crate) fn tagged(delivery: Delivery<'_>) -> Value {
    let tag = delivery.target();
    json!({
        "conversationId": delivery.conversation_id(),
        "tagName": tag["name"].as_str(),
        "tagId": tag["id"].as_str(),
    })
}
