//! Backups that reach the NAS.

use serde_json::json;
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_sdk::telemetry::Level;
use system_bus_testing::{Kit, RunStatus};

use super::{failing, place, retry, well, world};
use crate::{BackupFailureDetected, Completed, Mode, Report, backup_typesense};

const STEPS: [&str; 9] = [
    "resolve-date-stamp",
    "resolve-snapshot-stamp",
    "prepare-directories",
    "trigger-snapshot-with-fallback",
    "copy-snapshot-to-host",
    "sync-snapshot-to-nas[1]",
    "cleanup-stage",
    "cleanup-typesense-snapshot-at-source",
    "prune-typesense-snapshot-roots",
];

fn completed(kit: &mut Kit) -> Completed {
    match kit.run::<backup_typesense>(retry(1)).output() {
        Report::Completed(completed) => *completed,
        skipped @ Report::Skipped { .. } => panic!("it was {skipped:?}"),
    }
}

#[system_bus_sdk::test]
fn a_backup_goes_from_the_pod_over_the_stage_to_the_nas_and_old_ones_go(kit: &mut Kit) {
    let world = world(kit, well);
    let run = kit.run::<backup_typesense>(retry(1));
    run.assert_steps(STEPS);
    let stage = "/tmp/joelclaw/typesense-snapshots/20251231-event-1";
    let nas = "/Volumes/three-body/backups/typesense/20251231";
    let probe = format!("{nas}/.probe-{}", run.id);
    assert_eq!(
        world.lines(),
        [
            format!("rm -rf {stage}"),
            format!("mkdir -p {stage}"),
            format!("kubectl cp -n joelclaw typesense-0:/data/snapshots/20251231-event-1/. {stage}"),
            format!("find {stage} -mindepth 1 -print -quit"),
            "stat /Volumes/three-body".to_owned(),
            format!("mkdir -p {nas}"),
            format!("touch {probe}"),
            format!("rm -f {probe}"),
            format!("rsync -az {stage}/ {nas}/"),
            format!("rm -rf {stage}"),
            "kubectl exec -n joelclaw typesense-0 -- rm -rf /data/snapshots/20251231-event-1".to_owned(),
            "kubectl exec -n joelclaw typesense-0 -- test -d /data/snapshots".to_owned(),
            "kubectl exec -n joelclaw typesense-0 -- find /data/snapshots -mindepth 1 -maxdepth 1 -type d"
                .to_owned(),
            "kubectl exec -n joelclaw typesense-0 -- rm -rf /data/snapshots/20260226-a".to_owned(),
            "kubectl exec -n joelclaw typesense-0 -- rm -rf /data/snapshots/20260227-b".to_owned(),
        ]
    );
    let Report::Completed(done) = run.output() else { panic!("it was skipped") };
    assert_eq!(
        done.retention[0].kept,
        ["/data/snapshots/20260228-c", "/data/snapshots/20260301-d"]
    );
    assert_eq!(world.actions(), ["system.backup.typesense"]);
}

#[system_bus_sdk::test]
fn typesense_is_asked_once_with_its_key(kit: &mut Kit) {
    world(kit, well);
    kit.http(|request| {
        assert_eq!(
            request.url(),
            "http://localhost:8108/operations/snapshot?snapshot_path=%2Fdata%2Fsnapshots%2F20251231-event-1"
        );
        assert_eq!(request.time(), Some(Duration::from_secs(30)));
        let key = request.headers().iter().find(|(name, _)| name == "X-TYPESENSE-API-KEY");
        assert_eq!(key.map(|(_, value)| value.as_str()), Some("<typesense_api_key>"));
        Ok(Response::new(201))
    });
    let done = completed(kit);
    assert_eq!((done.snapshot.root.as_str(), done.snapshot.attempts.len()), ("/data/snapshots", 1));
}

#[system_bus_sdk::test]
fn where_the_first_root_fails_the_other_one_is_asked(kit: &mut Kit) {
    let world = world(kit, well);
    kit.config("TYPESENSE_SNAPSHOT_ROOT", "/full/")
        .config("TYPESENSE_SNAPSHOT_FALLBACK_ROOT", "/free");
    kit.http(|request| {
        Ok(Response::new(if request.url().contains("%2Ffull") { 500 } else { 201 }))
    });
    let done = completed(kit);
    let tried: Vec<_> =
        done.snapshot.attempts.iter().map(|one| (one.root.as_str(), one.ok)).collect();
    assert_eq!(tried, [("/full", false), ("/free", true)]);
    assert_eq!(done.snapshot.path, "/free/20251231-event-1");
    let lines = world.lines();
    assert!(place(&lines, "kubectl cp -n joelclaw typesense-0:/free/20251231-event-1/.").is_some());
    let pruned: Vec<_> = done.retention.iter().map(|one| one.root.as_str()).collect();
    assert_eq!(pruned, ["/full", "/free"]);
}

#[system_bus_sdk::test]
fn snapshots_of_this_machine_need_no_pod(kit: &mut Kit) {
    let world = world(kit, well);
    kit.config("TYPESENSE_SNAPSHOT_SOURCE", "local");
    let done = completed(kit);
    assert_eq!(done.source.path, "/tmp/typesense-native-snapshots/20251231-event-1");
    let lines = world.lines();
    assert!(!lines.iter().any(|line| line.starts_with("kubectl")), "{lines:?}");
    assert!(place(&lines, "rm -rf /tmp/typesense-native-snapshots/20251231-event-1").is_some());
}

#[system_bus_sdk::test]
fn while_the_mount_is_away_it_goes_over_the_network(kit: &mut Kit) {
    let world = world(kit, |line| {
        line.starts_with("stat").then(|| failing(1, "No such file or directory"))
    });
    let run = kit.start::<backup_typesense>(retry(1));
    kit.until_waiting();
    assert_eq!(kit.look(run).waits_for(), ["nas-retry-wait[1]"]);
    let run = kit.until_ended(run);
    let Report::Completed(done) = run.output() else { panic!("it was skipped") };
    assert_eq!((done.transport.number, done.transport.mode), (2, Mode::Remote));
    assert_eq!(done.transport.destination, "/volume1/joelclaw/backups/typesense/20251231");
    let flags =
        "-o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=2";
    let copied = format!(
        "scp {flags} -r /tmp/joelclaw/typesense-snapshots/20251231-event-1/. \
         joel@three-body:/volume1/joelclaw/backups/typesense/20251231"
    );
    let lines = world.lines();
    assert!(place(&lines, &copied).is_some(), "{lines:?}");
    assert!(place(&lines, &format!("ssh {flags} joel@three-body true")).is_some());
}

#[system_bus_sdk::test]
fn what_cannot_be_removed_is_told_and_fails_nothing(kit: &mut Kit) {
    let world = world(kit, |line| line.contains(" rm -rf").then(|| failing(1, "busy")));
    let done = completed(kit);
    assert_eq!((done.stage.ok, done.source.ok), (true, false));
    assert_eq!(done.retention[0].errors.len(), 2);
    let note = &world.notes()[0];
    assert!(note.error.is_some() && note.level == Level::Warn);
}

#[system_bus_sdk::test]
fn a_root_that_is_not_there_is_left_alone(kit: &mut Kit) {
    world(kit, |line| line.contains("test -d").then(|| failing(1, "")));
    assert!(!completed(kit).retention[0].exists);
}

#[system_bus_sdk::test]
fn requests_for_other_backups_are_skipped(kit: &mut Kit) {
    let world = world(kit, well);
    let data = json!({"targetFunctionId": "system/backup.redis", "attempt": 1});
    let run = kit.run::<backup_typesense>(Outgoing::named("system/backup.retry.requested", &data));
    assert!(matches!(run.output(), Report::Skipped { .. }));
    assert!(run.steps.is_empty() && world.lines().is_empty());
}

#[system_bus_sdk::test]
fn it_backs_up_every_night_at_three_on_the_pacific_coast(kit: &mut Kit) {
    kit.at("2026-03-01T12:00:00Z".parse().expect("a time"));
    world(kit, well);
    kit.serve::<backup_typesense>();
    kit.advance(Duration::from_hours(48));
    let runs = kit.runs::<backup_typesense>();
    let dates: Vec<_> =
        runs.iter().map(|run| run.step("resolve-date-stamp").output::<String>()).collect();
    assert_eq!(dates, ["20260302", "20260303"]);
    assert!(runs.iter().all(|run| run.status == RunStatus::Completed));
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_backup_is_made_whatever_dies(kit: &mut Kit) {
    world(kit, well);
    let run = kit.run::<backup_typesense>(retry(1));
    run.assert_steps(STEPS);
    assert!(kit.sent::<BackupFailureDetected>().is_empty());
}
