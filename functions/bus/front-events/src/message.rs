//! Messages.

use serde_json::{Map, Value, json};

use crate::delivery::Delivery;
use crate::text::{plain, preview};

/// What stands for a message that has files and no words.
const FILES_ONLY: &str = "(attachments only)";

/// The event of a message; of one that says nothing at all, that it was put aside.
pub(crate) fn event(name: &'static str, delivery: Delivery<'_>) -> (&'static str, Value) {
    let message = delivery.target();
    let text = |member: &str| message[member].as_str().filter(|text| !text.trim().is_empty());
    let attachments = message["attachments"].as_array().map_or(0, Vec::len);
    let html = text("body");
    let words = text("text")
        .map(str::to_owned)
        .or_else(|| text("blurb").map(str::to_owned))
        .or_else(|| html.map(plain).filter(|text| !text.is_empty()))
        .or_else(|| (attachments > 0).then(|| FILES_ONLY.to_owned()));
    let Some(words) = words else {
        return ("front/message.quarantined", quarantined(delivery));
    };
    let (from, from_name) = sender(message);
    let mut data = Map::new();
    let mut put = |member: &str, value: Value| data.insert(member.to_owned(), value);
    put("conversationId", json!(delivery.conversation_id()));
    put("messageId", message["id"].clone());
    put("from", json!(from));
    put("fromName", json!(from_name));
    put("to", json!(recipients(message)));
    let subject = text("subject").or_else(|| delivery.text(&["conversation", "subject"]));
    put("subject", json!(subject));
    put("body", json!(html.unwrap_or(&words)));
    put("bodyPlain", json!(words));
    put("preview", json!(text("blurb").map_or_else(|| preview(&words), str::to_owned)));
    put("isInbound", json!(message["is_inbound"].as_bool().unwrap_or(name.ends_with("received"))));
    put("attachmentCount", json!(attachments));
    // Front tells seconds, with a fraction.
    if let Some(seconds) = message["created_at"].as_f64().filter(|at| (0.0..1e11).contains(at)) {
        #[expect(clippy::cast_possible_truncation, reason = "it is in range")]
        put("createdAt", json!((seconds * 1000.0).round() as i64));
    }
    (name, Value::Object(data))
}

fn quarantined(delivery: Delivery<'_>) -> Value {
    json!({
        "conversationId": delivery.conversation_id(),
        "messageId": delivery.target()["id"],
        "eventType": delivery.type_name(),
        "reason": "it has neither words nor attachments",
        "payloadKeys": delivery.members(),
    })
}

/// Who wrote it: the recipient that is called so, or else its author.
fn sender(message: &Value) -> (Option<&str>, Option<&str>) {
    let recipients = message["recipients"].as_array();
    let from = recipients.into_iter().flatten().find(|one| one["role"] == "from");
    if let Some(from) = from {
        return (from["handle"].as_str(), from["name"].as_str());
    }
    let author = &message["author"];
    (author["email"].as_str(), author["name"].as_str().or_else(|| author["first_name"].as_str()))
}

fn recipients(message: &Value) -> Vec<&str> {
    let recipients = message["recipients"].as_array();
    let to = recipients.into_iter().flatten().filter(|one| one["role"] == "to");
    to.filter_map(|one| one["handle"].as_str()).collect()
}
