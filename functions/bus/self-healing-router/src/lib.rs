//! Decides about requests for healing: the target event is sent again after a wait, or people are
//! told. See the README.

mod decide;
mod events;
mod outcome;
mod owner;
mod request;

use healing_policy::Action;
use outside::Note;
use system_bus_sdk::prelude::*;

pub use self::events::{HealingCompleted, SendMessage};
pub use self::outcome::Status;

use self::outcome::{Alert, Outcome};
use self::request::Request;

/// What the router ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Routed {
    /// What came of the request.
    pub status: Status,
    /// What was decided.
    pub action: Action,
    /// Why.
    pub reason: String,
    /// How long it waited.
    pub delay_ms: u64,
    /// The event that was sent again.
    pub route_to_event_name: Option<String>,
    /// The attempt that it begins.
    pub next_attempt: u32,
}

/// Decides about one request for healing.
#[function(
    id = "system/self-healing.router",
    name = "Route self-healing",
    on("system/self.healing.requested"),
    concurrency(limit = 1),
    retries = 2
)]
pub async fn route(ctx: Ctx, event: Incoming<Value>) -> Result<Routed> {
    let request = Request::of(&event);
    if let Some(outcome) = Outcome::before_deciding(&request) {
        return finish(&ctx, &request, outcome).await;
    }
    let decided = ctx
        .step("decide-self-healing", async |io| Ok(decide::decide(&io, &request, ctx.run_id())))
        .await?;
    let outcome = Outcome::of(&request, &decided);
    if let (Status::Scheduled, Some(target)) = (outcome.status, outcome.route.clone()) {
        let wait = Duration::from_millis(outcome.decision.delay_ms);
        ctx.sleep("self-healing-router-wait", wait).await?;
        let retry = events::retry(&request, &outcome, &decided.policy);
        ctx.send("emit-self-healing-retry", Outgoing::named(target, &retry)).await?;
    }
    finish(&ctx, &request, outcome).await
}

/// Records what came of it, and tells whoever has to know.
async fn finish(ctx: &Ctx, request: &Request, outcome: Outcome) -> Result<Routed> {
    let note = Note::of("self-healing", "system.self-healing.router")
        .with("status", outcome.status)
        .with("decision", &outcome.decision)
        .with("domain", &request.domain)
        .with("sourceFunction", &request.source_function)
        .with("targetComponent", &request.target_component)
        .with("routeToEventName", &outcome.route)
        .with("requiredFields", &request.missing)
        .with("eventId", &request.event_id)
        .with("runContext", events::run_context(request));
    match (outcome.status, outcome.alert) {
        (Status::Scheduled, _) => note.done(ctx),
        // Its owner was told by the same event: nothing is odd about it.
        (Status::Blocked, Alert::None) => note.debug().done(ctx),
        _ => note.warn().failed(ctx, &outcome.reason),
    }
    ctx.send("emit-self-healing-completed", events::completed(request, &outcome)).await?;
    let told = |title| events::message(title, request, &outcome);
    match outcome.alert {
        Alert::None => {}
        Alert::BackupBlocked => {
            let message = told("A request to heal a backup was blocked");
            ctx.send("alert-self-healing-backup-blocked", message).await?;
        }
        Alert::Exhausted => {
            let message = told("Healing has come to its end");
            ctx.send("alert-self-healing-exhausted", message).await?;
        }
        Alert::Escalated => {
            let message = told("Healing needs somebody");
            ctx.send("alert-self-healing-escalated", message).await?;
        }
    }
    Ok(Routed {
        status: outcome.status,
        action: outcome.action(),
        reason: outcome.reason,
        delay_ms: outcome.decision.delay_ms,
        route_to_event_name: outcome.route,
        next_attempt: request.next_attempt(),
    })
}

component![route];

#[cfg(test)]
mod tests;
