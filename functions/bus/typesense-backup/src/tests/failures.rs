//! Backups that fail.

use outside::testing::said;
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use super::{Ran, failing, place, retry, well, world};
use crate::{Attempt, BackupFailureDetected, Mode, backup_typesense, backup_typesense_failed};

/// The NAS cannot be reached by either way.
fn away(line: &str) -> Option<Ran> {
    let away = line.starts_with("stat") || line.starts_with("ssh");
    away.then(|| failing(255, "ssh: connect to host three-body port 22: Operation timed out"))
}

#[system_bus_sdk::test]
fn with_the_nas_away_nothing_is_removed_and_a_copy_waits(kit: &mut Kit) {
    kit.config("NAS_BACKUP_MAX_ATTEMPTS", "3");
    let world = world(kit, away);
    let run = kit.run::<backup_typesense>(retry(1));
    assert_eq!((run.status, run.error().name()), (RunStatus::Failed, "NasUnreachable"));
    let steps = run.step_names();
    assert_eq!(
        steps[5..],
        [
            "sync-snapshot-to-nas[1]",
            "nas-retry-wait[1]",
            "sync-snapshot-to-nas[2]",
            "nas-retry-wait[2]",
            "sync-snapshot-to-nas[3]",
            "queue-snapshot-for-nas"
        ]
    );
    let stage = "/tmp/joelclaw/typesense-snapshots/20251231-event-1";
    let queued = format!("rsync -a {stage}/ /tmp/joelclaw/nas-queue/typesense/20251231-event-1/");
    let lines = world.lines();
    assert!(place(&lines, &queued).is_some(), "{lines:?}");
    let removals = lines.iter().filter(|line| line.contains("rm -rf")).count();
    assert_eq!(removals, 1, "only the stage was emptied, before: {lines:?}");
}

#[system_bus_sdk::test]
fn a_run_that_waits_for_the_nas_keeps_its_stage_while_another_one_begins(kit: &mut Kit) {
    let world = world(kit, away);
    for attempt in [1, 2] {
        kit.start::<backup_typesense>(retry(attempt));
        kit.until_waiting();
    }
    let lines = world.lines();
    let emptied = |event: &str| {
        let line = format!("rm -rf /tmp/joelclaw/typesense-snapshots/20251231-{event}");
        lines.iter().filter(|other| **other == line).count()
    };
    assert_eq!([emptied("event-1"), emptied("event-2")], [1, 1], "{lines:?}");
}

#[system_bus_sdk::test]
fn pauses_are_sleeps_of_the_run_and_grow(kit: &mut Kit) {
    kit.config("NAS_BACKUP_MAX_ATTEMPTS", "3");
    world(kit, away);
    let before = kit.now();
    let run = kit.run::<backup_typesense>(retry(1));
    let waits: Vec<u64> = ["sync-snapshot-to-nas[1]", "sync-snapshot-to-nas[2]"]
        .map(|step| run.step(step).output::<Attempt>().wait_ms.expect("a wait"))
        .to_vec();
    assert!((10_000..11_000).contains(&waits[0]), "{waits:?}");
    assert!((20_000..21_000).contains(&waits[1]), "{waits:?}");
    assert!(kit.now().duration_since(before).as_secs() >= 30);
}

#[system_bus_sdk::test]
fn what_time_does_not_cure_is_tried_once(kit: &mut Kit) {
    let world = world(kit, |line| {
        line.starts_with("rsync -az").then(|| failing(11, "No space left on device (28)"))
    });
    let run = kit.run::<backup_typesense>(retry(1));
    assert!(run.error().message().contains("No space left"), "{:?}", run.error());
    assert_eq!(world.lines().iter().filter(|line| line.starts_with("rsync -az")).count(), 1);
}

#[system_bus_sdk::test]
fn an_empty_snapshot_is_none(kit: &mut Kit) {
    let world = world(kit, |line| line.starts_with("find").then(|| said("")));
    let run = kit.run::<backup_typesense>(retry(1));
    assert!(run.error().message().starts_with("no files staged at"), "{:?}", run.error());
    assert_eq!(run.attempts("copy-snapshot-to-host"), 3);
    let lines = world.lines();
    assert!(place(&lines, "rsync").is_none(), "{lines:?}");
}

#[system_bus_sdk::test]
fn a_command_that_fails_fails_its_step(kit: &mut Kit) {
    world(kit, |line| line.starts_with("kubectl cp").then(|| failing(1, "no such pod")));
    let run = kit.run::<backup_typesense>(retry(1));
    assert!(run.error().message().contains("failed (exit 1): no such pod"));
}

#[system_bus_sdk::test]
fn a_copy_that_fails_is_called_one_on_this_machine_too(kit: &mut Kit) {
    world(kit, |line| line.starts_with("rsync -a ").then(|| failing(23, "it is gone")));
    kit.config("TYPESENSE_SNAPSHOT_SOURCE", "local");
    let run = kit.run::<backup_typesense>(retry(1));
    assert!(run.error().message().starts_with("copy failed: rsync -a "), "{:?}", run.error());
}

#[system_bus_sdk::test]
fn where_all_roots_fail_each_is_named(kit: &mut Kit) {
    world(kit, well);
    kit.config("TYPESENSE_SNAPSHOT_FALLBACK_ROOT", "/free");
    kit.http(|_| Ok(Response::new(500).with_body("disk full")));
    let error = kit.run::<backup_typesense>(retry(1)).error();
    assert!(
        error.message().contains("/data/snapshots: Typesense snapshot failed (500): disk full")
    );
    assert!(error.message().contains("/free: "), "{error:?}");
}

#[system_bus_sdk::test]
fn attempts_count_over_two_failures_in_a_row(kit: &mut Kit) {
    kit.config("NAS_BACKUP_MAX_ATTEMPTS", "1");
    let world = world(kit, away);
    kit.serve::<backup_typesense_failed>();
    kit.run::<backup_typesense>(Outgoing::named("system/backup.retry.requested", &()));
    kit.advance(Duration::from_mins(1));
    let first = kit.sent::<BackupFailureDetected>();
    assert_eq!(first.len(), 1, "one failure is told once");
    assert_eq!(first[0].attempt, 0);

    // The router asks for another run with the attempt after that.
    kit.run::<backup_typesense>(retry(first[0].attempt + 1));
    kit.advance(Duration::from_mins(1));
    let second = kit.sent::<BackupFailureDetected>().pop().expect("a failure");
    assert_eq!(second.attempt, 1);
    assert_eq!(second.target_function_id, "system/backup.typesense");
    assert_eq!(second.target, "typesense");
    assert_eq!(second.transport_mode.as_deref(), Some("local"));
    assert_eq!((second.transport_attempts, second.retry_window_hours), (Some(1), Some(4)));
    let others: Vec<_> =
        kit.events().into_iter().filter(|event| event.name.contains("self.healing")).collect();
    assert!(others.is_empty(), "one router owns failed backups: {others:?}");
    assert!(world.actions().contains(&"system.backup.typesense.failure!".to_owned()));
}

#[system_bus_sdk::test]
fn with_a_preference_for_the_network_it_goes_there_first(kit: &mut Kit) {
    world(kit, well);
    kit.config("NAS_BACKUP_PREFER_REMOTE", "1");
    let run = kit.run::<backup_typesense>(retry(1));
    assert_eq!(run.step("sync-snapshot-to-nas[1]").output::<Attempt>().mode, Mode::Remote);
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_failure_is_told_once_whatever_dies(kit: &mut Kit) {
    kit.config("NAS_BACKUP_MAX_ATTEMPTS", "2");
    world(kit, away);
    kit.serve::<backup_typesense_failed>();
    let run = kit.start::<backup_typesense>(retry(1));
    kit.until_ended(run);
    kit.advance(Duration::from_hours(1));
    assert_eq!(kit.sent::<BackupFailureDetected>().len(), 1);
}
