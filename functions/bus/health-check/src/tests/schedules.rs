//! The telemetry's turn, and the summary of a day.

use serde_json::{Value, json};
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use super::system::{pass, well};
use crate::{Digested, Scheduled, health_daily_digest, health_signals_schedule};

fn asked() -> Outgoing {
    Outgoing::named("system/health.signals.requested", &json!({}))
}

fn looks(kit: &Kit) -> Vec<Value> {
    let events = kit.events().into_iter();
    let events = events.filter(|one| one.name == "system/health.requested");
    events.map(|one| one.data).collect()
}

#[system_bus_sdk::test(crash = "everywhere")]
fn the_telemetry_is_looked_at_once_in_45_minutes(kit: &mut Kit) {
    let (world, _system) = well(kit);
    let first = kit.run::<health_signals_schedule>(asked());
    first.assert_steps(["gate-health-signals", "request-health-signals"]);
    assert!(first.output::<Scheduled>().requested);
    let second = kit.run::<health_signals_schedule>(asked());
    second.assert_steps(["gate-health-signals"]);
    assert!(!second.output::<Scheduled>().requested);
    let key = "health:signals:last_requested";
    assert_eq!(world.redis(|redis| redis.expiries[key]), Duration::from_mins(45));
    assert_eq!(
        looks(kit),
        [json!({ "mode": "signals", "source": "system-health-signals-schedule" })]
    );
    world.redis(|redis| redis.texts.remove(key));
    assert!(kit.run::<health_signals_schedule>(asked()).output::<Scheduled>().requested);
    assert!(world.actions().contains(&"system.health.signals.scheduled".to_owned()));
}

#[system_bus_sdk::test]
fn without_redis_the_telemetry_has_its_turn(kit: &mut Kit) {
    let (world, _system) = well(kit);
    world.redis_down();
    for _ in 0..3 {
        assert!(kit.run::<health_signals_schedule>(asked()).output::<Scheduled>().requested);
    }
    let events = kit.events().into_iter().filter(|one| one.name == "system/health.requested");
    let ids: Vec<_> = events.map(|one| one.id).collect();
    assert!(!ids.is_empty() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

/// A day on the Pacific coast with one trouble, until a minute after midnight.
fn a_day(kit: &mut Kit) -> outside::testing::World {
    let (world, system) = well(kit);
    pass(kit);
    system.borrow_mut().failing.insert("kubectl get --raw=/readyz".to_owned(), 1);
    pass(kit);
    pass(kit);
    system.borrow_mut().failing.clear();
    pass(kit);
    kit.serve::<health_daily_digest>();
    world
}

#[system_bus_sdk::test(crash = "everywhere")]
fn five_minutes_after_midnight_people_hear_of_the_day(kit: &mut Kit) {
    let world = a_day(kit);
    // 00:05 on the Pacific coast is 08:05.
    kit.advance(Duration::from_hours(11) + Duration::from_mins(4));
    assert!(kit.runs::<health_daily_digest>().is_empty());
    kit.advance(Duration::from_mins(3));
    let run = kit.runs::<health_daily_digest>().pop().expect("it began");
    run.assert_steps([
        "read-health-day",
        "claim-health-daily-digest",
        "notify-health-daily-digest",
    ]);
    let digested: Digested = run.output();
    assert_eq!((&*digested.date, digested.checks, digested.degraded), ("2026-03-01", 4, 2));
    let heard = world.heard();
    let heard = heard.last().expect("it was told");
    assert_eq!(heard.kind, "system.health.daily-digest");
    assert_eq!(
        heard.payload["message"],
        "2026-03-01: something was wrong in 2 of 4 checks\n\
         - Kubernetes: 2 times\n\
         - 12:15 opened: Kubernetes\n\
         - 12:45 resolved: Kubernetes"
    );
    assert_eq!(heard.payload["openNow"], json!([]));
    assert!(world.actions().contains(&"system.health.digest".to_owned()));
}

#[system_bus_sdk::test]
fn a_day_is_told_once(kit: &mut Kit) {
    let world = a_day(kit);
    let key = "health:system-health:digest:v1:2026-03-01".to_owned();
    world.redis(|redis| redis.texts.insert(key, "another run".to_owned()));
    kit.advance(Duration::from_hours(12));
    let run = kit.runs::<health_daily_digest>().pop().expect("it began");
    run.assert_steps(["read-health-day", "claim-health-daily-digest"]);
    assert_eq!(run.output::<Digested>().told, None);
    assert!(!world.kinds().contains(&"system.health.daily-digest".to_owned()));
}

#[system_bus_sdk::test]
fn a_day_without_checks_is_news(kit: &mut Kit) {
    let (world, _system) = well(kit);
    kit.serve::<health_daily_digest>();
    kit.advance(Duration::from_hours(13));
    let heard = world.heard();
    assert_eq!(heard[0].payload["message"], "2026-03-01: health was not checked all day");
    assert_eq!(world.actions(), ["system.health.digest!"]);
}

#[system_bus_sdk::test]
fn without_redis_there_is_no_summary_and_that_is_a_failure(kit: &mut Kit) {
    let (world, _system) = well(kit);
    world.redis_down();
    kit.serve::<health_daily_digest>();
    kit.advance(Duration::from_hours(13));
    let run = kit.runs::<health_daily_digest>().pop().expect("it began");
    assert_eq!((run.status, run.attempts("read-health-day")), (RunStatus::Failed, 2));
    assert!(world.actions().contains(&"system.health.digest!".to_owned()));
}
