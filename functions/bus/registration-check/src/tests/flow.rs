//! Whole checks.

use outside::testing::World;
use serde_json::json;
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_sdk::testing::Harness;
use system_bus_testing::{Kit, RunStatus};

use super::{Server, cron, function, run, world};
use crate::{Report, Status, Told, Verdict, check_functions};

fn asked() -> Outgoing {
    Outgoing::named("system/function-health.requested", &json!({}))
}

fn noon(kit: &mut Kit) {
    kit.at("2026-03-01T12:00:00Z".parse().expect("a time"));
}

#[system_bus_sdk::test]
fn all_is_well(kit: &mut Kit) {
    let outside = World::begin();
    noon(kit);
    let runs = vec![run(Some("*/15 * * * *"), "2026-03-01T11:45:02Z")];
    let server = Server {
        functions: vec![
            cron("a/beat", "*/15 * * * *"),
            function("b", &json!([{"type": "EVENT", "value": "a/b"}])),
            function("c", &json!([])),
        ],
        runs: vec![("a/beat", runs)],
        ..Server::default()
    };
    let server = world(kit, &["a/beat", "b", "c"], server);
    let ended = kit.run::<check_functions>(asked());
    ended.assert_steps([
        "list-expected-functions",
        "list-registered-functions",
        "check-schedule[app/a/beat/*/15 * * * *]",
        "remember-schedules",
        "judge-schedules",
        "tell-function-health",
    ]);
    let report: Report = ended.output();
    assert_eq!((report.status, report.expected, report.told), (Status::Healthy, 3, Told::Nothing));
    assert_eq!(report.schedules[0].verdict, Verdict::Alive);
    assert!(server.borrow().asked.contains(
        &"GET http://localhost:8288/v2/apps/app/functions/a%2Fbeat/runs?status=COMPLETED&limit=100"
            .to_owned()
    ));
    assert_eq!(outside.actions(), ["check.function-registration-and-runs"]);
}

#[system_bus_sdk::test]
fn a_registered_cron_without_completed_runs_of_its_own_is_dead(kit: &mut Kit) {
    let outside = World::begin();
    noon(kit);
    // Events begin runs of it all the time, which proves nothing of the schedule.
    let events = vec![run(None, "2026-03-01T11:59:00Z"), run(None, "2026-03-01T11:58:00Z")];
    let late = vec![
        run(None, "2026-03-01T11:59:00Z"),
        run(None, "2026-03-01T11:50:00Z"),
        run(Some("*/15 * * * *"), "2026-03-01T11:29:59Z"),
    ];
    let server = Server {
        functions: vec![
            cron("never", "*/15 * * * *"),
            cron("late", "*/15 * * * *"),
            cron("gone", "0 * * * *"),
        ],
        runs: vec![("never", events), ("late", late)],
        ..Server::default()
    };
    world(kit, &[], server);
    let report: Report = kit.run::<check_functions>(asked()).output();
    assert_eq!(report.status, Status::Degraded);
    assert!(report.schedules.iter().all(|one| one.verdict == Verdict::Dead), "{report:?}");
    assert_eq!(report.problems.len(), 3);
    // A native build has no gateway: people could not be told, and the check goes on.
    assert_eq!(report.told, Told::Lost);
    assert_eq!(outside.actions(), ["check.function-registration-and-runs!"]);
}

#[system_bus_sdk::test]
fn a_run_is_found_on_a_later_page(kit: &mut Kit) {
    noon(kit);
    let runs = vec![
        run(None, "2026-03-01T11:59:00Z"),
        run(None, "2026-03-01T11:58:00Z"),
        run(None, "2026-03-01T11:57:00Z"),
        run(Some("0 * * * *"), "2026-03-01T11:00:00Z"),
    ];
    let server = Server {
        functions: vec![cron("f", "0 * * * *")],
        runs: vec![("f", runs)],
        ..Server::default()
    };
    world(kit, &["f"], server);
    let report: Report = kit.run::<check_functions>(asked()).output();
    assert_eq!(report.schedules[0].verdict, Verdict::Alive);
}

#[system_bus_sdk::test]
fn what_is_missing_is_registered_and_read_back(kit: &mut Kit) {
    noon(kit);
    let coming = vec![function("b", &json!([]))];
    let server = Server { functions: vec![function("a", &json!([]))], coming, ..Server::default() };
    let server = world(kit, &["a", "b"], server);
    let ended = kit.run::<check_functions>(asked());
    let report: Report = ended.output();
    assert_eq!(report.missing, ["b"]);
    assert_eq!((report.status, report.still_missing.len()), (Status::Healthy, 0));
    assert_eq!(
        ended.step_names()[2..4],
        ["register-missing-functions", "confirm-registered-functions"]
    );
    let puts = server.borrow().asked.iter().filter(|line| line.starts_with("PUT")).count();
    assert_eq!(puts, 1);
}

#[system_bus_sdk::test]
fn a_registration_that_changes_nothing_is_no_success(kit: &mut Kit) {
    noon(kit);
    world(
        kit,
        &["a", "b"],
        Server { functions: vec![function("a", &json!([]))], ..Server::default() },
    );
    let report: Report = kit.run::<check_functions>(asked()).output();
    assert_eq!(
        (report.status, report.still_missing.as_slice()),
        (Status::Degraded, &["b".to_owned()][..])
    );
    assert_eq!(report.problems, ["b is not registered as it should be"]);
}

#[system_bus_sdk::test]
fn a_schedule_that_the_server_has_lost_is_registered_anew(kit: &mut Kit) {
    noon(kit);
    let lost = || function("a", &json!([{"type": "EVENT", "value": "a/b"}]));
    let declared = vec![("a", "0 * * * *")];
    let server = Server { functions: vec![lost()], declared, ..Server::default() };
    let server = world(kit, &["a"], server);
    let report: Report = kit.run::<check_functions>(asked()).output();
    assert_eq!((report.status, &report.still_missing), (Status::Degraded, &vec!["a".to_owned()]));
    let puts = |server: &Server| server.asked.iter().filter(|line| line.starts_with("PUT")).count();
    assert_eq!(puts(&server.borrow()), 1);

    server.borrow_mut().coming = vec![cron("a", "0 * * * *")];
    server.borrow_mut().runs = vec![("a", vec![run(Some("0 * * * *"), "2026-03-01T11:00:00Z")])];
    let report: Report = kit.run::<check_functions>(asked()).output();
    assert_eq!((&report.missing, report.still_missing.len()), (&vec!["a".to_owned()], 0));
    assert_eq!((report.status, report.schedules[0].verdict), (Status::Healthy, Verdict::Alive));
}

#[system_bus_sdk::test]
fn what_is_remembered_counts(kit: &mut Kit) {
    noon(kit);
    let now = kit.now().as_millisecond();
    let server = Server { functions: vec![cron("new", "0 * * * *")], ..Server::default() };
    world(kit, &["new"], server);
    kit.stub("remember-schedules", move |_| {
        Ok(json!({"app/new/0 * * * *": {"firstSeen": now, "lastSuccess": null}}))
    });
    let report: Report = kit.run::<check_functions>(asked()).output();
    assert_eq!((report.status, report.schedules[0].verdict), (Status::Healthy, Verdict::Young));
}

#[system_bus_sdk::test]
fn a_server_that_is_away_fails_the_check_and_is_recorded(kit: &mut Kit) {
    let outside = World::begin();
    kit.http(|_| Ok(Response::new(503)));
    let ended = kit.run::<check_functions>(asked());
    assert_eq!(ended.status, RunStatus::Failed);
    assert_eq!(ended.attempts("list-expected-functions"), 4);
    assert_eq!(outside.actions(), ["check.function-registration-and-runs!"]);
}

#[system_bus_sdk::test]
fn it_checks_every_hour(kit: &mut Kit) {
    kit.at("2026-03-01T12:01:00Z".parse().expect("a time"));
    world(kit, &[], Server::default());
    kit.serve::<check_functions>();
    kit.advance(Duration::from_hours(3));
    assert_eq!(kit.runs::<check_functions>().len(), 3);
}

#[test]
fn where_secrets_are_wanted_they_are_sent_to_whom_they_belong() {
    let _outside = World::begin();
    let end = Harness::new()
        .config("FUNCTION_HEALTH_SERVER_SECRET", "server")
        .config("FUNCTION_HEALTH_WORKER_SECRET", "worker")
        .http(|request| {
            let own = if request.url().contains(":8288") { "server" } else { "worker" };
            let expected = format!("Bearer <{own}>");
            let header = request.headers().iter().find(|(name, _)| name == "authorization");
            assert_eq!(header.map(|(_, value)| value), Some(&expected), "{}", request.url());
            Ok(Response::new(200).with_json(&json!({"app": "app", "functions": [], "data": []})))
        })
        .run::<check_functions>(asked());
    assert_eq!(end.output::<Report>().status, Status::Healthy);
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_check_comes_to_its_end_whatever_dies(kit: &mut Kit) {
    noon(kit);
    // To register twice is to register.
    kit.may_repeat("PUT http://localhost:3111/api/inngest");
    let server = Server {
        functions: vec![cron("f", "0 * * * *")],
        coming: vec![function("b", &json!([]))],
        runs: vec![("f", vec![run(Some("0 * * * *"), "2026-03-01T11:00:00Z")])],
        ..Server::default()
    };
    world(kit, &["f", "b"], server);
    assert_eq!(kit.run::<check_functions>(asked()).output::<Report>().status, Status::Healthy);
}
