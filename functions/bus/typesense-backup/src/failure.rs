//! What follows when a backup has failed for good.

use healing_policy::positive;
use outside::Note;
use serde_json::Value;
use system_bus_sdk::prelude::*;

use crate::{FUNCTION, backup_typesense};

/// What the error of a backup says of the way to the NAS, as its cause.
pub(crate) const TRANSPORT: &str = "NasTransport";

/// A backup has failed for good.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event("system/backup.failure.detected")]
#[serde(rename_all = "camelCase")]
pub struct BackupFailureDetected {
    /// The function that failed.
    pub target_function_id: String,
    /// What it backs up.
    pub target: String,
    /// What it failed of.
    pub error: String,
    /// How often the router had asked for another run before.
    pub attempt: u32,
    /// When that was noticed.
    pub backup_failure_detected_at: Timestamp,
    /// How long the NAS may be away.
    pub retry_window_hours: Option<u64>,
    /// The last way to the NAS that was tried.
    pub transport_mode: Option<String>,
    /// How often it was tried.
    pub transport_attempts: Option<u32>,
    /// Where to.
    pub transport_destination: Option<String>,
    /// The run that failed.
    pub run_id: String,
}

/// Tells the one router that decides about failed backups. Healers in general are not asked: a
/// failure has one owner.
#[on_failure(of = backup_typesense, retries = 2)]
pub async fn backup_typesense_failed(ctx: Ctx, failed: Failed<Value>) -> Result<u32> {
    // The event of the failure holds the one that had started the run, and that one the attempt.
    let attempt = failed.event().ok().and_then(|event| positive(&event.data["attempt"]));
    let attempt = attempt.and_then(|attempt| u32::try_from(attempt).ok()).unwrap_or(0);
    let transport = failed.error.cause().filter(|cause| cause["name"] == TRANSPORT);
    let transport = transport.and_then(|cause| cause["message"].as_str());
    let transport: Value =
        transport.and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let text = |name: &str| transport[name].as_str().map(str::to_owned);
    let detected = BackupFailureDetected {
        target_function_id: FUNCTION.to_owned(),
        target: "typesense".to_owned(),
        error: failed.error.message().to_owned(),
        attempt,
        backup_failure_detected_at: ctx.now(),
        retry_window_hours: transport["windowHours"].as_u64(),
        transport_mode: text("mode"),
        transport_attempts: transport["attempts"].as_u64().and_then(|n| u32::try_from(n).ok()),
        transport_destination: text("destination"),
        run_id: failed.run_id.clone(),
    };
    Note::of("nas-backup", "system.backup.typesense.failure")
        .with("attempt", attempt)
        .with("runId", &failed.run_id)
        .with("transport", &transport)
        .failed(&ctx, &failed.error);
    ctx.send("emit-backup-failure-detected", detected).await?;
    Ok(attempt)
}
