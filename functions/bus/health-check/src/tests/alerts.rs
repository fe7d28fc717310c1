//! What people are told, and how often.

use outside::testing::World;
use serde_json::{Value, json};
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use super::system::{Shared, check, pass, well};
use crate::{Kind, Report, Status, check_system_health};

const KUBERNETES: &str = "kubectl get --raw=/readyz";
const SECRETS: &str = "secrets health";

fn down(system: &Shared, line: &str) {
    system.borrow_mut().failing.insert(line.to_owned(), 1);
}

fn up(system: &Shared, line: &str) {
    system.borrow_mut().failing.remove(line);
}

fn kind(report: &Report) -> Kind {
    report.transition.as_ref().expect("it is known").kind
}

fn told(world: &World) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    world.heard().iter().map(|one| (one.kind.clone(), text(&one.payload["transition"]))).collect()
}

#[system_bus_sdk::test]
fn what_stays_down_for_a_day_is_told_once(kit: &mut Kit) {
    let (world, system) = well(kit);
    down(&system, KUBERNETES);
    for number in 0..96 {
        let report = pass(kit);
        assert_eq!(report.status, Status::Degraded);
        assert_eq!(kind(&report), if number == 0 { Kind::Opened } else { Kind::Repeated });
    }
    assert_eq!(told(&world), [("system.health.degraded".to_owned(), "opened".to_owned())]);
}

#[system_bus_sdk::test]
fn what_comes_and_goes_is_told_once_a_day_each_way(kit: &mut Kit) {
    let (world, system) = well(kit);
    // From noon on the Pacific coast until noon two days later.
    for number in 0..192 {
        if number % 2 == 0 {
            down(&system, KUBERNETES);
        } else {
            up(&system, KUBERNETES);
        }
        pass(kit);
    }
    let kinds: Vec<_> = told(&world).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(kinds, ["opened", "resolved", "opened", "resolved", "opened", "resolved"]);
    let held = world
        .notes()
        .iter()
        .filter(|note| note.metadata.get("deliver") == Some(&json!(false)))
        .count();
    assert_eq!(held, 192 - 6);
}

#[system_bus_sdk::test]
fn each_change_is_told_and_an_improvement_is_not(kit: &mut Kit) {
    let (world, system) = well(kit);
    assert_eq!(kind(&pass(kit)), Kind::Steady);
    down(&system, KUBERNETES);
    assert_eq!(kind(&pass(kit)), Kind::Opened);
    down(&system, SECRETS);
    let report = pass(kit);
    assert_eq!(kind(&report), Kind::Changed);
    assert_eq!(report.receipt.expect("one was written").reason, "the first one of 2026-03-01");
    up(&system, KUBERNETES);
    assert_eq!(kind(&pass(kit)), Kind::Improved);
    up(&system, SECRETS);
    assert_eq!(kind(&pass(kit)), Kind::Resolved);
    assert_eq!(world.kinds(), ["system.health.degraded", "system.fatal", "system.health.resolved"]);
    let heard = world.heard();
    let fatal = &heard[1].payload;
    assert_eq!(fatal["level"], "fatal");
    assert_eq!(fatal["immediateTelegram"], true);
    assert_eq!(fatal["before"], json!(["Kubernetes"]));
    assert_eq!(fatal["degraded"], json!(["Agent Secrets", "Kubernetes"]));
    assert!(fatal["details"]["Agent Secrets"].as_str().expect("a text").contains("code 1"));
    assert_eq!(heard[0].payload["immediateTelegram"], false);
    assert_eq!(heard[2].payload["message"], "All is well again. It was: Agent Secrets");
    // One trouble from its beginning to its end.
    assert!(heard.iter().all(|one| one.payload["incident"] == heard[0].payload["incident"]));
    let notices =
        system.borrow().convex.values().filter(|one| one["type"] == "notification").count();
    assert_eq!(notices, 3);
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_change_is_told_once_whatever_dies(kit: &mut Kit) {
    let (world, system) = well(kit);
    down(&system, KUBERNETES);
    let run =
        kit.run::<check_system_health>(Outgoing::named("system/health.requested", &json!({})));
    run.assert_steps([
        "ping-services",
        "emit-otel-health-summary",
        "push-to-convex",
        "reconcile-health-transition-latch",
        "record-health-transition-receipt",
        "notify-health-transitions",
        "notify-convex-health-transitions",
        "commit-health-transition-latch",
        "emit-network-update",
        "record-health-check-result",
    ]);
    assert_eq!(told(&world).len(), 1);
    assert_eq!(world.actions(), ["system.health.checked!", "system.health.transition"]);
    let day = world.redis(|redis| redis.texts["health:system-health:day:v1:2026-03-01"].clone());
    let day: Value = serde_json::from_str(&day).expect("JSON");
    assert_eq!((&day["checks"], &day["changes"][0]["told"]), (&json!(1), &json!(true)));
}

#[system_bus_sdk::test]
fn a_check_that_fails_after_telling_does_not_tell_again(kit: &mut Kit) {
    let (world, system) = well(kit);
    down(&system, KUBERNETES);
    kit.stub("commit-health-transition-latch", |_| Err::<bool, _>(Error::stop("broken")));
    for _ in 0..3 {
        let event = Outgoing::named("system/health.requested", &json!({}));
        let run = kit.run::<check_system_health>(event);
        assert_eq!(run.status, RunStatus::Failed);
    }
    // Each of them finds the trouble new, and the notice of the day taken.
    assert_eq!(told(&world).len(), 1);
    assert!(world.actions().contains(&"system.health.checked!".to_owned()));
}

#[system_bus_sdk::test]
fn without_redis_nobody_is_told_and_the_check_completes(kit: &mut Kit) {
    let (world, system) = well(kit);
    down(&system, KUBERNETES);
    pass(kit);
    world.redis_down();
    let report = pass(kit);
    assert_eq!((report.transition, report.status), (None, Status::Degraded));
    assert!(report.degraded.contains("Redis"));
    assert_eq!(told(&world).len(), 1);
    for action in ["system.health.latch!", "system.health.last-result!"] {
        assert!(world.actions().contains(&action.to_owned()), "{action}");
    }
}

#[system_bus_sdk::test]
fn a_gateway_that_takes_nothing_keeps_nothing_else(kit: &mut Kit) {
    let (world, system) = well(kit);
    world.gateway_down();
    down(&system, KUBERNETES);
    let report = pass(kit);
    assert!(report.told.expect("it was tried").error.is_some());
    let day = world.redis(|redis| redis.texts["health:system-health:day:v1:2026-03-01"].clone());
    assert!(day.contains("\"told\":false"), "{day}");
    assert_eq!(kind(&pass(kit)), Kind::Repeated);
}

#[system_bus_sdk::test]
fn a_convex_that_refuses_or_is_away_keeps_nothing_else(kit: &mut Kit) {
    let (world, system) = well(kit);
    let refusal = json!({ "status": "error", "errorMessage": "too long" });
    let refusal = Response::new(200).with_json(&refusal);
    system.borrow_mut().answers.insert("https://convex.test".to_owned(), refusal);
    let pushed = pass(kit).convex.expect("it was told");
    assert_eq!(pushed.rows, 0);
    assert!(pushed.error.expect("it says why").contains("too long"));
    assert!(world.actions().contains(&"system.health.convex!".to_owned()));
    system.borrow_mut().closed.insert("https://convex.test".to_owned());
    assert!(pass(kit).convex.expect("it was told").error.is_some());
    kit.config("CONVEX_URL", "");
    assert_eq!(pass(kit).convex.expect("nothing").error, None);
    world.no_secret("convex_deploy_key");
    kit.config("CONVEX_URL", "https://convex.test");
    assert!(pass(kit).convex.expect("it was told").error.expect("why").contains("not granted"));
}

#[system_bus_sdk::test]
fn what_is_remembered_in_another_form_counts_as_nothing(kit: &mut Kit) {
    let (world, system) = well(kit);
    let key = "health:system-health:transition-latch:v1";
    for text in ["", "{}", "null", "{\"schema\":\"system-health-latch.v0\",\"subjects\":[]}"] {
        world.redis(|redis| redis.texts.insert(key.to_owned(), text.to_owned()));
        assert_eq!(kind(&pass(kit)), Kind::Steady, "{text}");
    }
    down(&system, KUBERNETES);
    check(kit, "system/health.check.requested", &json!({}));
    let latch = world.redis(|redis| redis.texts[key].clone());
    let latch: Value = serde_json::from_str(&latch).expect("JSON");
    assert_eq!(latch["schema"], "system-health-latch.v1");
    assert_eq!(latch["subjects"], json!(["Kubernetes"]));
}
