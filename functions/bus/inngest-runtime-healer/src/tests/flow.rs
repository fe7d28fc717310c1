//! Runs of the healer.

use outside::Note;
use outside::testing::{World, late};
use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_sdk::shell::Ending;
use system_bus_sdk::telemetry::Level;
use system_bus_testing::{Kit, RunStatus, crash};

use super::{ends, runtime, says};
use crate::{Report, Status, heal_runtime};

const BEFORE: &str = "probe-inngest-status-before";
const RESTART: &str = "restart-inngest-worker";
const AFTER: &str = "probe-inngest-status-after";

fn asked(data: &Value) -> Outgoing {
    Outgoing::named("system/inngest.runtime.health.requested", data)
}

/// The one record of a run.
fn record(world: &World) -> Note {
    let mut notes = world.notes();
    assert_eq!(notes.len(), 1, "each run leaves one record: {notes:?}");
    let note = notes.remove(0);
    assert_eq!(note.component, "self-healing");
    assert_eq!(note.action, "system.self-healing.inngest-runtime.health");
    note
}

#[system_bus_sdk::test]
fn a_healthy_runtime_is_left_alone(kit: &mut Kit) {
    let world = runtime(vec![says(true, true)], 0);
    let run = kit.run::<heal_runtime>(asked(&json!({})));
    run.assert_steps([BEFORE]);
    let report: Report = run.output();
    assert_eq!((report.status, report.remediation_attempted), (Status::Healthy, false));
    assert_eq!(world.lines(), ["joelclaw inngest status"]);
    let record = record(&world);
    assert!(record.error.is_none() && record.level == Level::Info);
    assert_eq!(record.metadata["before"]["healthy"], true);
}

#[system_bus_sdk::test]
fn what_is_not_well_is_registered_anew_and_looked_at_again(kit: &mut Kit) {
    let world = runtime(vec![says(true, false), says(true, true)], 0);
    let run =
        kit.run::<heal_runtime>(asked(&json!({"attempt": 2, "playbook": {"actions": ["a"]}})));
    run.assert_steps([BEFORE, RESTART, AFTER]);
    let report: Report = run.output();
    assert_eq!((report.status, report.remediated), (Status::Remediated, true));
    assert_eq!((report.attempt, report.next_attempt), (2, 3));
    assert_eq!(report.restart_exit_code, Some(0));
    assert_eq!(
        world.lines(),
        [
            "joelclaw inngest status",
            "joelclaw inngest restart-worker --register --wait-ms 1500",
            "joelclaw inngest status"
        ]
    );
    let record = record(&world);
    assert!(record.error.is_none() && record.level == Level::Warn);
    assert_eq!(record.metadata["before"]["healthy"], false);
    assert_eq!(record.metadata["after"]["healthy"], true);
    assert_eq!(record.metadata["restart"]["exitCode"], 0);
    assert_eq!(record.metadata["playbook"], json!({"actions": ["a"]}));
}

#[system_bus_sdk::test]
fn what_does_not_help_is_said(kit: &mut Kit) {
    let world = runtime(vec![says(false, true)], 7);
    let report: Report = kit.run::<heal_runtime>(asked(&json!({}))).output();
    assert_eq!((report.status, report.remediated), (Status::Degraded, false));
    assert_eq!(report.restart_exit_code, Some(7));
    let record = record(&world);
    assert!(record.error.is_some() && record.level == Level::Error);
    assert_eq!(record.metadata["after"]["healthy"], false);
}

#[system_bus_sdk::test]
fn a_dry_run_only_looks(kit: &mut Kit) {
    let world = runtime(vec![says(false, false)], 0);
    let run = kit.run::<heal_runtime>(asked(&json!({"dryRun": true})));
    run.assert_steps([BEFORE]);
    assert_eq!(run.output::<Report>().status, Status::Detected);
    assert_eq!(world.lines().len(), 1);
    assert!(record(&world).error.is_some());
}

#[system_bus_sdk::test]
fn a_probe_that_takes_too_long_is_an_answer(kit: &mut Kit) {
    runtime(vec![late("joelclaw"), says(true, true)], 0);
    let report: Report = kit.run::<heal_runtime>(asked(&json!({}))).output();
    let before = report.before.expect("it was probed");
    assert_eq!((before.healthy, before.command.exit_code), (false, Some(124)));
    assert_eq!(before.command.stderr, "it took longer than it may, and was ended");
    assert_eq!(report.status, Status::Remediated);
}

#[system_bus_sdk::test]
fn programs_that_are_ended_are_answers_too(kit: &mut Kit) {
    for (ending, code) in [(Ending::Killed(9), 137), (Ending::Flooded, 125)] {
        let world = World::begin();
        world.programs(move |_| ends(ending, ""));
        let run = kit.run::<heal_runtime>(asked(&json!({})));
        run.assert_steps([BEFORE, RESTART, AFTER]);
        let report: Report = run.output();
        assert_eq!((report.status, report.restart_exit_code), (Status::Degraded, Some(code)));
        assert_eq!(report.before.expect("it was probed").command.exit_code, Some(code));
    }
}

#[system_bus_sdk::test]
fn requests_for_other_healers_are_skipped_without_a_warning(kit: &mut Kit) {
    let request =
        |domain| Outgoing::named("system/self.healing.requested", &json!({"domain": domain}));
    for (domain, status, probes) in [
        ("inngest-runtime", Status::Healthy, 1),
        ("all", Status::Healthy, 1),
        ("backup", Status::Skipped, 0),
        ("gateway-bridge", Status::Skipped, 0),
    ] {
        let world = runtime(vec![says(true, true)], 0);
        let report: Report = kit.run::<heal_runtime>(request(domain)).output();
        assert_eq!((report.status, report.domain.as_str()), (status, domain));
        assert!(record(&world).error.is_none());
        assert_eq!(world.lines().len(), probes, "{domain}");
    }
}

#[system_bus_sdk::test]
fn it_looks_every_ten_minutes(kit: &mut Kit) {
    runtime(vec![says(true, true)], 0);
    kit.at("2026-03-01T12:01:00Z".parse().expect("a time")).serve::<heal_runtime>();
    kit.advance(Duration::from_hours(1));
    let runs = kit.runs::<heal_runtime>();
    assert_eq!(runs.len(), 6);
    let report: Report = runs[0].output();
    assert_eq!((report.status, report.domain.as_str()), (Status::Healthy, "inngest-runtime"));
}

#[system_bus_sdk::test]
fn another_program_is_asked_for_json(kit: &mut Kit) {
    let world = runtime(vec![says(true, false), says(true, true)], 0);
    kit.config("INNGEST_RUNTIME_PROGRAM", "system-bus");
    kit.run::<heal_runtime>(asked(&json!({})));
    assert_eq!(
        world.lines()[..2],
        [
            "system-bus inngest status --json",
            "system-bus inngest restart-worker --register --wait-ms 1500"
        ]
    );
}

#[system_bus_sdk::test]
fn a_program_that_may_not_be_run_fails_the_run_and_is_recorded(kit: &mut Kit) {
    let world = World::begin();
    kit.fail(BEFORE, 9, Error::stop("denied").named("CapabilityDenied"));
    let run = kit.run::<heal_runtime>(asked(&json!({})));
    assert_eq!((run.status, run.error().message()), (RunStatus::Failed, "denied"));
    assert!(record(&world).error.is_some());
}

#[system_bus_sdk::test]
fn a_remedy_that_did_not_come_back_is_not_tried_again(kit: &mut Kit) {
    let world = runtime(vec![says(true, false)], 0);
    // As where the remedy ended the worker that ran it.
    kit.fail(RESTART, 1, Error::retry("the worker was lost"));
    let run = kit.run::<heal_runtime>(asked(&json!({})));
    assert_eq!(run.attempts(RESTART), 2);
    let report: Report = run.output();
    assert_eq!((report.status, report.restart_exit_code), (Status::Degraded, None));
    let lines = world.lines();
    assert!(!lines.iter().any(|line| line.contains("restart")), "{lines:?}");
}

#[system_bus_sdk::test]
fn an_attempt_of_the_probe_is_none_of_the_remedy(kit: &mut Kit) {
    let world = runtime(vec![says(true, false), says(true, true)], 0);
    kit.fail(BEFORE, 1, Error::retry("not now"));
    let report: Report = kit.run::<heal_runtime>(asked(&json!({}))).output();
    assert_eq!((report.status, report.restart_exit_code), (Status::Remediated, Some(0)));
    assert_eq!(world.lines().iter().filter(|line| line.contains("restart")).count(), 1);
}

#[system_bus_sdk::test(crash = "everywhere")]
fn the_runtime_is_healed_whatever_dies(kit: &mut Kit) {
    let world = runtime(vec![says(true, false)], 0);
    let run = kit.run::<heal_runtime>(asked(&json!({})));
    run.assert_steps([BEFORE, RESTART, AFTER]);
    assert_eq!(run.output::<Report>().status, Status::Degraded);
    let lines = world.lines();
    let remedies = lines.iter().filter(|line| line.contains("restart")).count();
    assert!(remedies <= 1, "the remedy is tried once at most: {lines:?}");
}

#[test]
fn a_worker_that_dies_elsewhere_is_no_reason_not_to_try_the_remedy() {
    let report = crash::everywhere(|kit| {
        let world = runtime(vec![says(true, false)], 0);
        kit.run::<heal_runtime>(asked(&json!({})));
        assert_eq!(world.lines().iter().filter(|line| line.contains("restart")).count(), 1);
    });
    // Right before it nobody can know whether it had begun, and then it is left out.
    let found: Vec<_> =
        report.findings.iter().map(|finding| finding.boundary.to_string()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("before the body of step `restart-inngest-worker`"), "{found:?}");
}
