//! The events that the router sends.

use healing_policy::Decision;
use serde_json::Value;
use system_bus_sdk::prelude::*;

use crate::failure::BackupFailure;

/// A backup is to run again.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event("system/backup.retry.requested")]
#[serde(rename_all = "camelCase")]
pub struct BackupRetryRequested {
    /// The function that is to run; others leave the request alone.
    pub target_function_id: String,
    /// What it backs up.
    pub target: Value,
    /// What it had failed of.
    pub error: String,
    /// Which attempt begins.
    pub attempt: u32,
    /// The same.
    pub next_attempt: u32,
    /// What was decided.
    pub decision: Decision,
    /// When the failure was noticed.
    pub backup_failure_detected_at: Value,
    /// How long the NAS may be away.
    pub retry_window_hours: Value,
    /// The last way to the NAS that was tried.
    pub transport_mode: Value,
    /// How often it was tried.
    pub transport_attempts: Value,
    /// Where to.
    pub transport_destination: Value,
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

pub(crate) fn retry(failure: &BackupFailure, decision: &Decision) -> BackupRetryRequested {
    let member = |name: &str| failure.data.get(name).cloned().unwrap_or_default();
    BackupRetryRequested {
        target_function_id: failure.function.clone(),
        target: member("target"),
        error: failure.error.clone(),
        attempt: failure.next_attempt(),
        next_attempt: failure.next_attempt(),
        decision: decision.clone(),
        backup_failure_detected_at: member("backupFailureDetectedAt"),
        retry_window_hours: member("retryWindowHours"),
        transport_mode: member("transportMode"),
        transport_attempts: member("transportAttempts"),
        transport_destination: member("transportDestination"),
    }
}

pub(crate) fn message(failure: &BackupFailure, reason: &str) -> SendMessage {
    let text = format!(
        "A backup has failed and is not made again by itself\nfunction: {}\nattempt: {}\nerror: {}\n\
         reason: {reason}",
        failure.function, failure.attempt, failure.error
    );
    SendMessage { channel: "telegram".to_owned(), text }
}
