//! Recording what was decided.

use outside::{Changes, Note, Store, Tell};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::request::Request;
use crate::{AUTO, records};

/// Somebody has decided.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event("agent/approval.resolved")]
#[serde(rename_all = "camelCase")]
pub struct ApprovalResolved {
    /// About which request.
    pub request_id: String,
    /// `approved` or `rejected`.
    pub status: String,
    /// Who.
    pub reviewer: String,
    /// Whether requests of this agent and kind need no leave from now on.
    #[serde(default)]
    pub learn: bool,
}

/// What a decision came to.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It was recorded.
    Recorded,
    /// The request was granted when it was made, and recorded then.
    AutoApproved,
    /// Somebody else had decided before.
    AlreadyResolved,
}

/// What a run ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Resolution {
    /// What it came to.
    pub decision: Decision,
    /// About which request.
    pub request_id: String,
    /// What holds now: `approved` or `rejected`.
    pub status: String,
    /// Who decided so.
    pub reviewer: String,
    /// Whether the kind of the request was learnt.
    pub learned: bool,
    /// The request, where this run has ended its waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

/// What is remembered of a decision.
#[derive(Serialize, Deserialize, Clone, Debug)]
struct Remembered {
    run: String,
    resolution: Resolution,
}

/// Records a decision.
#[function(
    id = "agent/approval-resolve",
    name = "Record an approval",
    on(ApprovalResolved),
    retries = 1
)]
pub async fn approval_resolve(ctx: Ctx, event: ApprovalResolved) -> Result<Resolution> {
    // Such a request never waited, so there is nothing to resolve and nobody to tell.
    if event.reviewer == AUTO {
        Note::of("agent-approvals", "approval.auto_approved.seen")
            .with("requestId", &event.request_id)
            .done(&ctx);
        return Ok(Resolution {
            decision: Decision::AutoApproved,
            request_id: event.request_id,
            status: event.status,
            reviewer: event.reviewer,
            learned: false,
            request: None,
        });
    }
    if !["approved", "rejected"].contains(&event.status.as_str()) {
        let why = format!("`{}` is no decision: it is `approved` or `rejected`", event.status);
        Note::of("agent-approvals", "approval.invalid").failed(&ctx, &why);
        return Err(Error::stop(why).named("Invalid"));
    }

    let now = ctx.now();
    let resolved: Result<Resolution> =
        ctx.step("resolve-request", async |io| resolve(&io, &event, now)).await;
    let resolution = match resolved {
        Ok(resolution) => resolution,
        Err(error) => {
            Note::of("agent-approvals", "approval.resolve")
                .with("requestId", &event.request_id)
                .failed(&ctx, &error);
            return Err(error);
        }
    };
    let Some(request) = resolution.request.clone() else {
        Note::of("agent-approvals", "approval.already_resolved")
            .warn()
            .with("requestId", &event.request_id)
            .with("reviewer", &resolution.reviewer)
            .done(&ctx);
        return Ok(resolution);
    };
    Note::of("agent-approvals", "approval.resolved")
        .with("requestId", &event.request_id)
        .with("status", &resolution.status)
        .with("reviewer", &resolution.reviewer)
        .with("learned", resolution.learned)
        .done(&ctx);
    ctx.step("notify-gateway-resolved", async |io| {
        let details = json!({
            "requestId": resolution.request_id,
            "agent": request.agent,
            "category": request.category,
            "operation": request.operation,
            "status": resolution.status,
            "reviewer": resolution.reviewer,
            "learned": resolution.learned,
        });
        Ok(Tell::notify("agent.approval.resolved", details).by(&io))
    })
    .await?;
    Ok(resolution)
}

fn resolve(io: &Io, event: &ApprovalResolved, now: Timestamp) -> Result<Resolution> {
    let store = Store::of(io);
    let (pending, resolved) =
        (records::pending(&event.request_id), records::resolved(&event.request_id));
    if let Some(known) = remembered(store, &resolved, &io.idempotency_key())? {
        return Ok(known);
    }
    let Some(request) = records::request(&store.hash_all(&pending)?) else {
        let why = format!("nobody asked for approval `{}`, or it is long ago", event.request_id);
        return Err(Error::stop(why).named("UnknownRequest"));
    };
    let learned = event.learn && event.status == "approved";
    let resolution = Resolution {
        decision: Decision::Recorded,
        request_id: event.request_id.clone(),
        status: event.status.clone(),
        reviewer: event.reviewer.clone(),
        learned,
        request: Some(request.clone()),
    };
    let run = io.idempotency_key();
    let memory = Remembered { run: run.clone(), resolution: resolution.clone() };
    let entry = records::entry(&request, &event.status, &event.reviewer, now);
    let mut changes = Changes::default()
        .absent(&resolved)
        .set_for(&resolved, serde_json::to_string(&memory).stop()?, records::REMEMBERED)
        .sorted_add(records::HISTORY, records::score(now), entry)
        .delete(&pending);
    if learned {
        changes = changes.set_add(records::auto(&request.agent), request.category);
    }
    if store.make(changes)? {
        return Ok(resolution);
    }
    // Somebody decided between our look and our transaction.
    let known = remembered(store, &resolved, &run)?;
    known.ok_or_else(|| Error::retry("the decision of another one is gone again"))
}

/// What was decided before: by this very step, whose answer was lost, or by somebody else.
fn remembered(store: Store<'_>, key: &str, run: &str) -> Result<Option<Resolution>> {
    let Some(text) = store.get(key)? else { return Ok(None) };
    let known: Remembered = serde_json::from_str(&text).stop()?;
    if known.run == run {
        return Ok(Some(known.resolution));
    }
    let decision = Decision::AlreadyResolved;
    Ok(Some(Resolution { decision, request: None, learned: false, ..known.resolution }))
}
