//! Decides about failed backups: another run after a wait, or people are told. See the README.

mod decide;
mod events;
mod failure;

use healing_policy::{Action, Decision};
use outside::Note;
use system_bus_sdk::prelude::*;

pub use self::events::{BackupRetryRequested, SendMessage};

use self::failure::BackupFailure;

/// What came of a failure.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It names no backup that could run again.
    Invalid,
    /// The backup runs again after the wait.
    Scheduled,
    /// People are told.
    Escalated,
}

/// What the router ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Routed {
    /// What came of it.
    pub status: Status,
    /// The function that had failed.
    pub target_function_id: String,
    /// Why.
    pub reason: String,
    /// How long it waited.
    pub delay_ms: u64,
    /// How often it had run again before.
    pub attempt: u32,
    /// The attempt after that.
    pub next_attempt: u32,
}

/// Decides about one failed backup.
#[function(
    id = "system/backup.failure.router",
    name = "Route failed backups",
    on("system/backup.failure.detected"),
    concurrency(limit = 1),
    retries = 2
)]
pub async fn route_failure(ctx: Ctx, event: Incoming<Value>) -> Result<Routed> {
    let failure = BackupFailure::of(&event.data);
    if !failure.is_known() {
        let reason = format!("there is no backup `{}`", failure.function);
        return finish(&ctx, &failure, Status::Invalid, &Decision::escalated(reason)).await;
    }
    let decision = ctx
        .step("decide-backup-retry", async |io| Ok(decide::decide(&io, &failure, ctx.run_id())))
        .await?;
    if decision.action == Action::Escalate {
        return finish(&ctx, &failure, Status::Escalated, &decision).await;
    }
    ctx.sleep("backup-retry-wait", Duration::from_millis(decision.delay_ms)).await?;
    ctx.send("request-backup-retry", events::retry(&failure, &decision)).await?;
    finish(&ctx, &failure, Status::Scheduled, &decision).await
}

/// Records what came of it, and tells people where nothing follows.
async fn finish(
    ctx: &Ctx,
    failure: &BackupFailure,
    status: Status,
    decision: &Decision,
) -> Result<Routed> {
    let note = Note::of("nas-backup", "system.backup.failure.router")
        .with("status", status)
        .with("targetFunctionId", &failure.function)
        .with("attempt", failure.attempt)
        .with("nextAttempt", failure.next_attempt())
        .with("error", &failure.error)
        .with("decision", decision);
    if status == Status::Scheduled {
        note.done(ctx);
    } else {
        note.warn().failed(ctx, &decision.reason);
        let message = events::message(failure, &decision.reason);
        ctx.send("alert-backup-failure-escalated", message).await?;
    }
    Ok(Routed {
        status,
        target_function_id: failure.function.clone(),
        reason: decision.reason.clone(),
        delay_ms: decision.delay_ms,
        attempt: failure.attempt,
        next_attempt: failure.next_attempt(),
    })
}

component![route_failure];

#[cfg(test)]
mod tests;
