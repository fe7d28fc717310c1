//! What Redis holds of approvals.

use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::request::Request;

/// Decisions by the moment at which they were made.
pub(crate) const HISTORY: &str = "approval:history";
/// How long it is remembered by whom a request was resolved: longer than a run may be repeated.
pub(crate) const REMEMBERED: Duration = Duration::from_hours(30 * 24);

/// The categories in which an agent needs nobody's leave.
pub(crate) fn auto(agent: &str) -> String {
    format!("approval:auto:{agent}")
}

/// A request that waits.
pub(crate) fn pending(id: &str) -> String {
    format!("approval:pending:{id}")
}

/// What became of a request. It is written together with the end of its waiting, so that a step that runs twice, and
/// a second reviewer, find what was decided.
pub(crate) fn resolved(id: &str) -> String {
    format!("approval:resolved:{id}")
}

/// An entry of the history. It is made of the run's time and not of the clock: made twice, it is the same entry.
pub(crate) fn entry(request: &Request, status: &str, reviewer: &str, at: Timestamp) -> String {
    json!({
        "requestId": request.request_id,
        "agent": request.agent,
        "category": request.category,
        "operation": request.operation,
        "reasoning": request.reasoning,
        "status": status,
        "reviewer": reviewer,
        "resolvedAt": at.as_millisecond(),
    })
    .to_string()
}

/// The score of an entry.
#[expect(clippy::cast_precision_loss, reason = "milliseconds are exact for 285 thousand years")]
pub(crate) fn score(at: Timestamp) -> f64 {
    at.as_millisecond() as f64
}

/// The fields of a request that waits.
pub(crate) fn fields(request: &Request, at: Timestamp) -> [(&'static str, String); 7] {
    [
        ("requestId", request.request_id.clone()),
        ("agent", request.agent.clone()),
        ("category", request.category.clone()),
        ("operation", request.operation.clone()),
        ("reasoning", request.reasoning.clone()),
        ("status", "pending".to_owned()),
        ("createdAt", at.as_millisecond().to_string()),
    ]
}

/// The request of these fields; none where there are none.
pub(crate) fn request(fields: &[(String, String)]) -> Option<Request> {
    let field = |name: &str| {
        let found = fields.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.clone())
    };
    Some(Request {
        request_id: field("requestId")?,
        agent: field("agent")?,
        category: field("category")?,
        operation: field("operation").unwrap_or_default(),
        reasoning: field("reasoning").unwrap_or_default(),
    })
}
