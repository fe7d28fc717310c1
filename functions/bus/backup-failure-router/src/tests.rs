//! Failures, and what comes of them.

use outside::testing::World;
use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_sdk::telemetry::Level;
use system_bus_testing::Kit;

use crate::failure::BackupFailure;
use crate::{BackupRetryRequested, Routed, SendMessage, Status, route_failure};

fn failure(attempt: u32, error: &str) -> Outgoing {
    let data = json!({
        "targetFunctionId": "system/backup.typesense", "target": "typesense", "error": error,
        "attempt": attempt, "backupFailureDetectedAt": "2026-03-01T15:00:00Z",
        "retryWindowHours": 4, "transportMode": "remote", "transportAttempts": 12,
        "transportDestination": "/volume1/x",
    });
    Outgoing::named("system/backup.failure.detected", &data)
}

#[system_bus_sdk::test]
fn below_the_budget_the_backup_runs_again_after_the_wait(kit: &mut Kit) {
    let world = World::begin();
    let run = kit.start::<route_failure>(failure(0, "the NAS was not reached"));
    kit.until_waiting();
    assert_eq!(kit.look(run).waits_for(), ["backup-retry-wait"]);
    assert!(kit.events().is_empty());
    let run = kit.until_ended(run);
    run.assert_steps(["decide-backup-retry", "backup-retry-wait", "request-backup-retry"]);
    let routed: Routed = run.output();
    assert_eq!(routed.status, Status::Scheduled);
    assert!((300_000..330_000).contains(&routed.delay_ms), "{routed:?}");
    let retry = &kit.sent::<BackupRetryRequested>()[0];
    assert_eq!(retry.target_function_id, "system/backup.typesense");
    assert_eq!((&retry.target, retry.attempt, retry.next_attempt), (&json!("typesense"), 1, 1));
    assert_eq!(retry.backup_failure_detected_at, "2026-03-01T15:00:00Z");
    assert_eq!((&retry.transport_mode, &retry.transport_attempts), (&json!("remote"), &json!(12)));
    assert_eq!(retry.error, "the NAS was not reached");
    assert_eq!(world.actions(), ["system.backup.failure.router"]);
}

#[system_bus_sdk::test]
fn attempts_count_up_until_the_budget_is_used_up(kit: &mut Kit) {
    let world = World::begin();
    kit.config("BACKUP_ROUTER_MAX_RETRIES", "2").config("BACKUP_ROUTER_SLEEP_MIN_MS", "5000");
    let mut attempt = 0;
    for expected in [1, 2] {
        kit.run::<route_failure>(failure(attempt, "away"));
        attempt = kit.sent::<BackupRetryRequested>().pop().expect("a retry").attempt;
        assert_eq!(attempt, expected);
    }
    let run = kit.run::<route_failure>(failure(attempt, "away"));
    run.assert_steps(["decide-backup-retry", "alert-backup-failure-escalated"]);
    assert_eq!(run.output::<Routed>().status, Status::Escalated);
    assert_eq!(kit.sent::<BackupRetryRequested>().len(), 2);
    let message = &kit.sent::<SendMessage>()[0];
    assert!(message.text.contains("system/backup.typesense"), "{}", message.text);
    let note = world.notes().pop().expect("a record");
    assert!(note.error.is_some() && note.level == Level::Warn);
}

#[test]
fn some_errors_are_final() {
    for (error, is_final) in [
        ("no files staged at /tmp/x", true),
        ("kubectl cp -n joelclaw x y failed (exit 1): no such pod", true),
        ("Snapshot copy failed", true),
        ("/data/snapshots: Typesense snapshot failed (500): broken", true),
        ("/data/snapshots: Typesense snapshot failed (503): busy", false),
        ("touch failed (exit 1): Permission denied", true),
        ("rsync failed (exit 11): No space left on device", true),
        ("ssh failed (exit 255): Operation timed out", false),
        ("", false),
    ] {
        let failure = BackupFailure::of(&json!({"error": error}));
        assert_eq!(failure.final_reason().is_some(), is_final, "{error}");
    }
}

#[system_bus_sdk::test]
fn what_another_run_would_not_cure_is_told_at_once(kit: &mut Kit) {
    // Not even where a model may decide.
    kit.config("JOELCLAW_BACKUP_FAILURE_MODEL_ROUTER", "1");
    let routed: Routed = kit.run::<route_failure>(failure(0, "No space left on device")).output();
    assert_eq!(routed.status, Status::Escalated);
    assert_eq!(routed.reason, "another run would fail as well: there is no space");
    assert!(kit.sent::<BackupRetryRequested>().is_empty());
}

#[system_bus_sdk::test]
fn where_no_model_answers_the_rule_decides(kit: &mut Kit) {
    kit.config("JOELCLAW_BACKUP_FAILURE_MODEL_ROUTER", "1");
    kit.config("BACKUP_FAILURE_ROUTER_FALLBACK_MODEL", "other");
    kit.run::<route_failure>(failure(0, "away"));
    assert_eq!(kit.sent::<BackupRetryRequested>()[0].decision.model, "deterministic-guardrail");
}

#[system_bus_sdk::test]
fn a_backup_that_there_is_not_is_not_asked_for(kit: &mut Kit) {
    for function in [json!("system/backup.other"), json!(null)] {
        let data = json!({"targetFunctionId": function, "error": "away"});
        let event = Outgoing::named("system/backup.failure.detected", &data);
        let run = kit.run::<route_failure>(event);
        run.assert_steps(["alert-backup-failure-escalated"]);
        assert_eq!(run.output::<Routed>().status, Status::Invalid);
    }
}

#[system_bus_sdk::test(crash = "everywhere")]
fn another_run_is_asked_for_once_whatever_dies(kit: &mut Kit) {
    let run = kit.run::<route_failure>(failure(1, "away"));
    run.assert_steps(["decide-backup-retry", "backup-retry-wait", "request-backup-retry"]);
    assert_eq!(kit.events().len(), 1);
}

#[system_bus_sdk::test(crash = "everywhere")]
fn people_are_told_once_whatever_dies(kit: &mut Kit) {
    kit.run::<route_failure>(failure(9, "away"));
    assert_eq!(kit.sent::<SendMessage>().len(), 1);
}

#[system_bus_sdk::test]
fn the_sample_is_scheduled(kit: &mut Kit) {
    let sample = include_str!("../events/backup-failure-detected.json");
    let sample: Value = serde_json::from_str(sample).expect("the sample is JSON");
    let event = Outgoing::named("system/backup.failure.detected", &sample["data"]);
    assert_eq!(kit.run::<route_failure>(event).output::<Routed>().status, Status::Scheduled);
}

#[test]
fn it_is_declared_as_the_server_expects() {
    let declared = <route_failure as system_bus_sdk::Function>::DECLARATION;
    let declared = serde_json::to_value(declared).expect("it is JSON");
    assert_eq!(declared["id"], "system/backup.failure.router");
    assert_eq!(
        (&declared["retries"], &declared["concurrency"]),
        (&json!(2), &json!([{"limit": 1}]))
    );
}
