//! Asking for leave.

use outside::{Changes, Note, Store, Tell, uuid};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::resolve::ApprovalResolved;
use crate::{AUTO, records};

/// An agent wants to do something.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event("agent/approval.requested")]
pub struct ApprovalRequested {
    /// Who.
    pub agent: String,
    /// Of which kind it is; leave is learnt by kind.
    pub category: String,
    /// What.
    pub operation: String,
    /// Why.
    #[serde(default)]
    pub reasoning: String,
}

/// A request with its id.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// Its id.
    pub request_id: String,
    /// Who asks.
    pub agent: String,
    /// Of which kind it is.
    pub category: String,
    /// What is asked for.
    pub operation: String,
    /// Why.
    pub reasoning: String,
}

/// What became of a request.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Submitted {
    /// Its id.
    pub request_id: String,
    /// `auto-approved` or `pending`.
    pub status: String,
}

/// Submits a request, or grants it at once where its kind was learnt.
#[function(
    id = "agent/approval-request",
    name = "Ask for approval",
    on(ApprovalRequested),
    retries = 1
)]
pub async fn approval_request(ctx: Ctx, event: ApprovalRequested) -> Result<Submitted> {
    if event.agent.trim().is_empty() || event.category.trim().is_empty() {
        Note::of("agent-approvals", "approval.invalid").failed(&ctx, "no agent or no category");
        return Err(Error::stop("an approval needs an agent and a category").named("Invalid"));
    }
    let now = ctx.now();
    let submitted: Submitted = ctx
        .step("submit-request", async |io| {
            let request = Request {
                request_id: uuid(&io.idempotency_key()),
                agent: event.agent.clone(),
                category: event.category.clone(),
                operation: event.operation.clone(),
                reasoning: event.reasoning.clone(),
            };
            submit(&io, &request, now)
        })
        .await?;

    let ApprovalRequested { agent, category, operation, reasoning } = event;
    let request_id = submitted.request_id.clone();
    if submitted.status == "auto-approved" {
        Note::of("agent-approvals", "approval.auto_approved")
            .with("requestId", &request_id)
            .with("agent", &agent)
            .with("category", &category)
            .done(&ctx);
        let resolved = ApprovalResolved {
            request_id,
            status: "approved".to_owned(),
            reviewer: AUTO.to_owned(),
            learn: false,
        };
        ctx.send("emit-auto-resolved", resolved).await?;
        return Ok(submitted);
    }

    Note::of("agent-approvals", "approval.pending")
        .with("requestId", &request_id)
        .with("agent", &agent)
        .with("category", &category)
        .done(&ctx);
    ctx.step("notify-gateway-pending", async |io| {
        let details = json!({
            "requestId": request_id,
            "agent": agent,
            "category": category,
            "operation": operation,
            "reasoning": reasoning,
        });
        Ok(Tell::notify("agent.approval.pending", details).by(&io))
    })
    .await?;
    Ok(submitted)
}

fn submit(io: &Io, request: &Request, now: Timestamp) -> Result<Submitted> {
    let store = Store::of(io);
    let request_id = request.request_id.clone();
    if store.set_contains(&records::auto(&request.agent), &request.category)? {
        let entry = records::entry(request, "approved", AUTO, now);
        store.make(Changes::default().sorted_add(records::HISTORY, records::score(now), entry))?;
        return Ok(Submitted { request_id, status: "auto-approved".to_owned() });
    }
    let mut changes = Changes::default();
    for (field, value) in records::fields(request, now) {
        changes = changes.hash_set(records::pending(&request_id), field, value);
    }
    store.make(changes)?;
    Ok(Submitted { request_id, status: "pending".to_owned() })
}
