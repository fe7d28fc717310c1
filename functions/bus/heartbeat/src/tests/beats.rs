use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use super::{beat, sent, wake, world};
use crate::{Beat, system_heartbeat, system_heartbeat_wake};

const STEPS: [&str; 8] = [
    "check-if-needed",
    "prune-old-sessions",
    "fan-out-checks",
    "maybe-request-adr-pitch",
    "maybe-request-daily-digest",
    "otel-heartbeat-cron",
    "maybe-emit-user-visible-heartbeat",
    "record-last-run",
];

#[system_bus_sdk::test(crash = "everywhere")]
fn a_beat_asks_for_each_check_once_whatever_dies(kit: &mut Kit) {
    let world = world(kit, "2026-03-01T20:01:00Z");
    let run = kit.run::<system_heartbeat_wake>(wake());
    run.assert_steps(STEPS);
    assert_eq!(run.output::<Beat>().checks.len(), 9);
    let names: Vec<_> = kit.events().into_iter().map(|one| one.name).collect();
    assert_eq!(
        names,
        [
            "tasks/triage.requested",
            "sessions/prune.requested",
            "triggers/audit.requested",
            "system/health.requested",
            "gateway/health.check.requested",
            "vault/sync.check",
            "email/triage.requested",
            "calendar/daily.check",
            "loops/stale.check",
        ]
    );
    assert_eq!(
        sent(kit, "system/health.requested"),
        [json!({ "mode": "core", "source": "heartbeat-wake" })]
    );
    assert_eq!(world.kinds(), ["cron.heartbeat"]);
    assert_eq!(world.actions(), ["heartbeat.cron.fanout"]);
    assert!(world.redis(|redis| redis.texts.contains_key("heartbeat:last_run")));
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_quarter_of_an_hour_has_one_beat_whatever_dies(kit: &mut Kit) {
    let world = world(kit, "2026-03-01T20:01:00Z");
    kit.serve::<system_heartbeat>();
    kit.advance(Duration::from_mins(15));
    kit.until_waiting();
    let beats = kit.runs::<system_heartbeat>();
    assert_eq!(beats.len(), 1);
    beats[0].assert_steps(STEPS);
    assert_eq!(kit.events().len(), 9);
    assert_eq!(world.kinds(), ["cron.heartbeat"]);
}

#[system_bus_sdk::test]
fn nobody_is_asked_who_is_not_there_any_more(kit: &mut Kit) {
    let _world = world(kit, "2026-03-01T20:01:00Z");
    beat(kit);
    assert!(sent(kit, "memory/review.check").is_empty());
}

#[system_bus_sdk::test]
fn it_beats_four_times_an_hour_and_is_seen_once(kit: &mut Kit) {
    let world = world(kit, "2026-03-01T20:01:00Z");
    kit.serve::<system_heartbeat>();
    kit.advance(Duration::from_mins(59));
    let beats = kit.runs::<system_heartbeat>();
    assert_eq!(beats.len(), 4);
    assert!(beats.iter().all(|beat| beat.status == RunStatus::Completed));
    let asked = sent(kit, "system/health.requested");
    assert_eq!(asked, vec![json!({ "mode": "core", "source": "heartbeat-15m" }); 4]);
    assert_eq!(world.kinds(), ["cron.heartbeat"]);
    let key = "heartbeat:visible:last_notified";
    assert_eq!(world.redis(|redis| redis.expiries[key]), Duration::from_hours(1));
    world.redis(|redis| redis.texts.remove(key));
    kit.advance(Duration::from_mins(15));
    assert_eq!(world.kinds().len(), 2);
}

#[system_bus_sdk::test]
fn beats_keep_their_distance(kit: &mut Kit) {
    let world = world(kit, "2026-03-01T20:01:00Z");
    assert_eq!(beat(kit).skipped, None);
    kit.advance(Duration::from_mins(9));
    let run = kit.run::<system_heartbeat_wake>(wake());
    run.assert_steps(["check-if-needed"]);
    assert_eq!(run.output::<Beat>().skipped.as_deref(), Some("the last beat was 540 s ago"));
    assert_eq!(world.actions(), ["heartbeat.cron.fanout", "heartbeat.cron.skipped"]);
    kit.advance(Duration::from_mins(1));
    assert_eq!(beat(kit).skipped, None);
}

#[system_bus_sdk::test]
fn what_is_remembered_of_the_last_beat_may_be_anything(kit: &mut Kit) {
    let world = world(kit, "2026-03-01T20:01:00Z");
    let future = (kit.now().as_millisecond() + 60_000).to_string();
    for last in ["", "soon", "-1", "9223372036854775808", "-9223372036854775808", &future] {
        world.redis(|redis| redis.texts.insert("heartbeat:last_run".to_owned(), last.to_owned()));
        assert_eq!(beat(kit).skipped, None, "{last:?}");
    }
}

#[system_bus_sdk::test]
fn without_redis_it_beats_and_asks_for_everything(kit: &mut Kit) {
    // Ten to midnight on the Pacific coast, when the digest is due.
    let world = world(kit, "2026-03-02T07:50:00Z");
    world.redis_down();
    for _ in 0..2 {
        let beat = beat(kit);
        assert_eq!((beat.skipped.as_deref(), beat.checks.len()), (None, 9));
        assert!(beat.digest.is_some());
        assert_eq!(beat.told, None);
    }
    // The server drops the second request for the same day.
    let events = kit.events().into_iter().filter(|one| one.name == "memory/digest.requested");
    let ids: Vec<_> = events.filter_map(|one| one.id).collect();
    assert!(!ids.is_empty());
    assert!(ids.iter().all(|id| id == "heartbeat-daily-digest-2026-03-01"), "{ids:?}");
    assert!(world.actions().contains(&"heartbeat.redis!".to_owned()));
}

#[system_bus_sdk::test]
fn a_gateway_that_takes_nothing_keeps_no_check_away(kit: &mut Kit) {
    let world = world(kit, "2026-03-01T20:01:00Z");
    world.gateway_down();
    let beat = beat(kit);
    assert_eq!(beat.checks.len(), 9);
    assert!(beat.told.expect("it was tried").error.is_some());
}

#[system_bus_sdk::test]
fn a_beat_that_failed_keeps_the_next_one_not_away(kit: &mut Kit) {
    let world = world(kit, "2026-03-01T20:01:00Z");
    kit.stub("fan-out-checks", |_| Err::<Vec<String>, _>(Error::stop("nothing takes events")));
    for _ in 0..2 {
        let run = kit.run::<system_heartbeat_wake>(wake());
        assert_eq!(run.status, RunStatus::Failed);
        // The second one came as far: it was not skipped.
        run.assert_steps(["check-if-needed", "prune-old-sessions", "fan-out-checks"]);
    }
    assert_eq!(world.actions(), ["heartbeat.cron.fanout!"]);
}

#[test]
fn declarations_are_as_they_are_meant() {
    let beat = serde_json::to_value(<system_heartbeat as system_bus_sdk::Function>::DECLARATION);
    let beat: Value = beat.expect("JSON");
    assert_eq!(beat["id"], "system-heartbeat");
    assert_eq!(beat["triggers"], json!([{ "cron": "*/15 * * * *" }]));
    let wake =
        serde_json::to_value(<system_heartbeat_wake as system_bus_sdk::Function>::DECLARATION);
    let wake: Value = wake.expect("JSON");
    assert_eq!(wake["id"], "system-heartbeat-wake");
    assert_eq!(wake["triggers"], json!([{ "event": "system/heartbeat.wake" }]));
}

#[test]
fn the_sample_wakes_it() {
    let sample: Value =
        serde_json::from_str(include_str!("../../events/heartbeat-wake.json")).expect("JSON");
    assert_eq!(sample["name"], "system/heartbeat.wake");
}
