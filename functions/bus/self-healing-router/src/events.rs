//! The events that the router sends.

use healing_policy::{Action, Policy};
use serde_json::{Map, Value, json};
use system_bus_sdk::prelude::*;

use crate::outcome::{Outcome, Status};
use crate::request::Request;

/// A request for healing was decided about.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event("system/self.healing.completed")]
#[serde(rename_all = "camelCase")]
pub struct HealingCompleted {
    /// What came of it.
    pub status: Status,
    /// What was decided.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// Which healer it was for.
    pub domain: String,
    /// Who had found it.
    pub source_function: String,
    /// What was to be healed.
    pub target_component: String,
    /// How often it was tried before.
    pub attempt: u32,
    /// The attempt after it.
    pub next_attempt: u32,
    /// How long the router waited.
    pub delay_ms: u64,
    /// The event that was sent again, or would have been.
    pub route_to_event_name: Option<String>,
    /// Who decided.
    pub model: String,
    /// How sure it was.
    pub confidence: f64,
    /// What was seen.
    pub evidence: Value,
    /// What may be done.
    pub playbook: Value,
    /// Who answers for it.
    pub owner: Value,
    /// Where it came from.
    pub context: Value,
    /// The id of the request.
    pub event_id: Option<String>,
}

/// A message for people.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event("gateway/send.message")]
pub struct SendMessage {
    /// By which way.
    pub channel: String,
    /// What it says.
    pub text: String,
}

pub(crate) fn completed(request: &Request, outcome: &Outcome) -> HealingCompleted {
    HealingCompleted {
        status: outcome.status,
        action: outcome.action(),
        reason: outcome.reason.clone(),
        domain: request.domain.clone(),
        source_function: request.source_function.clone(),
        target_component: request.target_component.clone(),
        attempt: request.attempt,
        next_attempt: request.next_attempt(),
        delay_ms: outcome.decision.delay_ms,
        route_to_event_name: outcome.route.clone(),
        model: outcome.decision.model.clone(),
        confidence: outcome.decision.confidence,
        evidence: request.member("evidence"),
        playbook: request.member("playbook"),
        owner: request.member("owner"),
        context: json!({ "runContext": run_context(request) }),
        event_id: request.event_id.clone(),
    }
}

/// The target event: the members of the request, with the attempt that it begins.
pub(crate) fn retry(request: &Request, outcome: &Outcome, policy: &Policy) -> Map<String, Value> {
    let mut body = request.data.clone();
    let mut context = match body.remove("context") {
        Some(Value::Object(context)) => context,
        _ => Map::new(),
    };
    context.insert("runContext".to_owned(), run_context(request));
    let next = request.next_attempt();
    let mut decision = json!(outcome.decision);
    decision["routeToEventName"] = json!(outcome.route);
    for (name, value) in [
        ("domain", json!(request.domain)),
        ("attempt", json!(next)),
        ("nextAttempt", json!(next)),
        ("retryPolicy", json!(policy)),
        ("routeToEventName", json!(outcome.route)),
        ("targetEventName", json!(outcome.route)),
        ("context", Value::Object(context)),
        ("decision", decision),
    ] {
        body.insert(name.to_owned(), value);
    }
    body
}

pub(crate) fn run_context(request: &Request) -> Value {
    json!({
        "runContextKey": request.run_context_key(),
        "flowTrace": [request.event, request.source_function, request.target_component,
            request.domain, request.target_event],
        "sourceEventName": request.event,
        "sourceEventId": request.event_id,
        "attempt": request.attempt,
        "nextAttempt": request.next_attempt(),
    })
}

/// What people are told.
pub(crate) fn message(title: &str, request: &Request, outcome: &Outcome) -> SendMessage {
    let mut lines = vec![
        title.to_owned(),
        format!("source: {}", request.source_function),
        format!("target: {}", request.target_component),
        format!("domain: {}", request.domain),
        format!("attempt: {}", request.attempt),
        format!("problem: {}", request.member("problemSummary").as_str().unwrap_or_default()),
        format!("reason: {}", outcome.reason),
    ];
    lines.extend(request.event_id.iter().map(|id| format!("event: {id}")));
    lines.push("next: nothing heals this by itself any more; somebody has to look".to_owned());
    SendMessage { channel: "telegram".to_owned(), text: lines.join("\n") }
}
