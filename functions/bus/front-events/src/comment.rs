//! Comments.

use serde_json::{Value, json};

use crate::delivery::Delivery;

pub(crate) fn event(delivery: Delivery<'_>) -> Value {
    let comment = delivery.target();
    json!({
        "conversationId": delivery.conversation_id(),
        "commentBody": comment["body"].as_str().unwrap_or_default(),
        "authorEmail": comment["author"]["email"].as_str(),
    })
}
