//! What the telemetry says.

use serde_json::{Value, json};
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use super::system::{Shared, check, pass, well};
use crate::{Kind, Mode, Report, State, Status, check_system_health};

const ERRORS: &str = "OTEL Error Rate";
const DRIFT: &str = "Memory Write Gate";

fn switched_on(kit: &mut Kit) {
    kit.config("SYSTEM_HEALTH_OTEL_TYPESENSE_SIGNAL_CHECKS_ENABLED", "true");
}

fn signals(kit: &mut Kit) -> Report {
    let report = check(kit, "system/health.requested", &json!({ "mode": "signals" }));
    kit.advance(Duration::from_mins(45));
    report
}

/// So many records, so many errors among them, and these verdicts.
fn records(system: &Shared, total: u64, errors: u64, verdicts: &[Value]) {
    let hit = |one: &Value| json!({ "document": { "metadata_json": one.to_string() } });
    let hits: Vec<_> = verdicts.iter().map(hit).collect();
    let pages = hits.chunks(100).map(<[Value]>::to_vec).collect::<Vec<_>>();
    let page = |at: usize| json!({ "hits": pages.get(at).cloned().unwrap_or_default() });
    system.borrow_mut().found = vec![
        ("level%3A%3D%5Berror%2Cfatal%5D", json!({ "found": errors })),
        ("component%3A%21%3Dcheck-system-health", json!({ "found": total })),
        ("per_page=100&page=1", page(0)),
        ("per_page=100&page=2", page(1)),
    ];
}

fn holding() -> Vec<Value> {
    vec![json!({ "allowCount": 0, "holdCount": 9, "discardCount": 1, "fallbackCount": 1 }); 120]
}

#[system_bus_sdk::test]
fn they_are_not_looked_at_unless_the_operator_says_so(kit: &mut Kit) {
    let (world, system) = well(kit);
    let run = kit.run::<check_system_health>(Outgoing::named(
        "system/health.requested",
        &json!({ "mode": "signals" }),
    ));
    run.assert_steps([
        "check-otel-error-rate",
        "check-memory-write-gate-drift",
        "emit-otel-health-summary",
    ]);
    let report: Report = run.output();
    assert_eq!((report.status, report.mode), (Status::Unchecked, Mode::Signals));
    assert!(report.found.signals.iter().all(|one| one.state == State::Disabled));
    assert!(system.borrow().asked.is_empty() && world.heard().is_empty());
    assert_eq!(world.actions(), ["system.health.checked"]);
}

#[system_bus_sdk::test(crash = "everywhere")]
fn too_many_errors_and_a_drift_are_told_once(kit: &mut Kit) {
    let (world, system) = well(kit);
    switched_on(kit);
    records(&system, 100, 20, &holding());
    let run = kit.run::<check_system_health>(Outgoing::named(
        "system/health.requested",
        &json!({ "mode": "SIGNALS" }),
    ));
    run.assert_steps([
        "check-otel-error-rate",
        "check-memory-write-gate-drift",
        "emit-otel-health-summary",
        "emit-memory-write-gate-drift",
        "reconcile-health-transition-latch",
        "record-health-transition-receipt",
        "notify-health-transitions",
        "notify-convex-health-transitions",
        "commit-health-transition-latch",
    ]);
    let report: Report = run.output();
    assert_eq!(report.found.signals[0].figures["rate"], 0.2);
    // Both pages were read.
    assert_eq!(report.found.signals[1].figures["events"], 120);
    assert_eq!(world.kinds(), ["system.health.degraded"]);
    assert_eq!(world.heard()[0].payload["degraded"], json!([DRIFT, ERRORS]));
    assert_eq!(world.heard()[0].payload["alerts"], "medium");
    let drifts = |one: &&String| *one == "system.health.memory-write-gate-drift!";
    assert_eq!(world.actions().iter().filter(drifts).count(), 1);
}

#[system_bus_sdk::test]
fn a_drift_is_recorded_once_in_six_hours(kit: &mut Kit) {
    let (world, system) = well(kit);
    switched_on(kit);
    records(&system, 100, 0, &holding());
    let drifts = || {
        let actions = world.actions();
        actions.iter().filter(|one| *one == "system.health.memory-write-gate-drift!").count()
    };
    signals(kit);
    signals(kit);
    let key = "memory:health:write_gate_drift:last_notified";
    assert_eq!(world.redis(|redis| redis.expiries[key]), Duration::from_hours(6));
    assert_eq!(drifts(), 1);
}

#[system_bus_sdk::test]
fn a_search_that_fails_says_nothing(kit: &mut Kit) {
    let (world, system) = well(kit);
    switched_on(kit);
    records(&system, 100, 50, &[]);
    let report = signals(kit);
    assert_eq!(report.transition.expect("it is known").kind, Kind::Opened);
    system.borrow_mut().close_port(8108);
    let report = signals(kit);
    assert_eq!(report.status, Status::Unchecked);
    assert!(report.found.signals.iter().all(|one| one.state == State::Unavailable));
    assert_eq!(report.transition, None);
    system.borrow_mut().closed.clear();
    world.no_secret("typesense_api_key");
    assert!(signals(kit).found.signals[0].detail.contains("not granted"));
    let answer = Response::new(400);
    system.borrow_mut().answers.insert("http://localhost:8108/coll".to_owned(), answer);
    assert_eq!(signals(kit).found.signals[0].state, State::Unavailable);
    assert_eq!(world.heard().len(), 1);
}

#[system_bus_sdk::test]
fn a_check_of_services_does_not_end_what_the_telemetry_says(kit: &mut Kit) {
    let (world, system) = well(kit);
    switched_on(kit);
    records(&system, 100, 50, &[]);
    signals(kit);
    let report = pass(kit);
    // What the check did not look at is as it was; the services are well.
    assert_eq!(report.status, Status::Noop);
    assert_eq!(report.transition.expect("it is known").kind, Kind::Repeated);
    records(&system, 100, 0, &[]);
    assert_eq!(signals(kit).transition.expect("it is known").kind, Kind::Resolved);
    assert_eq!(world.kinds(), ["system.health.degraded", "system.health.resolved"]);
}

#[system_bus_sdk::test]
fn a_full_check_looks_at_both(kit: &mut Kit) {
    let (_world, system) = well(kit);
    switched_on(kit);
    records(&system, 100, 0, &[]);
    let report = check(kit, "system/health.check", &json!({}));
    assert_eq!((report.mode, report.status), (Mode::Full, Status::Noop));
    assert_eq!((report.found.services.len(), report.found.signals.len()), (9, 2));
}

#[system_bus_sdk::test]
fn a_search_goes_on_to_the_next_place(kit: &mut Kit) {
    let (_world, system) = well(kit);
    switched_on(kit);
    records(&system, 100, 50, &[]);
    system.borrow_mut().closed.insert("http://localhost:8108".to_owned());
    assert_eq!(signals(kit).found.signals[0].state, State::Escalated);
    let asked = system.borrow().asked.clone();
    assert!(asked.iter().any(|url| url.starts_with("http://192.168.64.9:8108/collections/otel_")));
}
