use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use super::{beat, sent, wake, world};
use crate::{system_heartbeat, system_heartbeat_wake};

#[system_bus_sdk::test(crash = "everywhere")]
fn a_decision_is_asked_for_between_eight_and_ten(kit: &mut Kit) {
    let world = world(kit, "2026-03-01T16:05:00Z");
    let run = kit.run::<system_heartbeat_wake>(wake());
    assert_eq!(run.step_names()[3..5], ["maybe-request-adr-pitch", "fan-out-adr-pitch"]);
    let wanted = json!({ "source": "heartbeat-wake", "date": "2026-03-01" });
    assert_eq!(sent(kit, "adr/pitch.requested"), [wanted]);
    let key = "adr:pitch:last-fired";
    assert_eq!(world.redis(|redis| redis.expiries[key]), Duration::from_hours(20));
    kit.advance(Duration::from_mins(15));
    assert_eq!(beat(kit).pitch, None);
}

#[test]
fn there_is_an_hour_for_each() {
    for (time, pitch, digest) in [
        ("2026-03-01T15:59:00Z", false, false),
        ("2026-03-01T16:00:00Z", true, false),
        ("2026-03-01T17:59:00Z", true, false),
        ("2026-03-01T18:00:00Z", false, false),
        ("2026-03-02T07:44:00Z", false, false),
        ("2026-03-02T07:45:00Z", false, true),
        ("2026-03-02T07:59:00Z", false, true),
        ("2026-03-02T08:00:00Z", false, false),
        // In summer the coast is an hour nearer.
        ("2026-07-01T15:00:00Z", true, false),
        ("2026-07-02T06:45:00Z", false, true),
    ] {
        let mut kit = Kit::new();
        let _world = world(&mut kit, time);
        let beat = beat(&mut kit);
        assert_eq!((beat.pitch.is_some(), beat.digest.is_some()), (pitch, digest), "{time}");
    }
}

#[system_bus_sdk::test(crash = "everywhere")]
fn the_digest_of_a_day_is_asked_for_once(kit: &mut Kit) {
    let world = world(kit, "2026-03-02T07:46:00Z");
    let run = kit.run::<system_heartbeat_wake>(wake());
    assert_eq!(run.step_names()[4..6], ["maybe-request-daily-digest", "fan-out-daily-digest"]);
    assert_eq!(beat(kit).digest, None);
    let wanted = json!({ "source": "heartbeat-wake", "date": "2026-03-01" });
    assert_eq!(sent(kit, "memory/digest.requested"), [wanted]);
    let key = "heartbeat:digest:fanout:2026-03-01";
    assert_eq!(world.redis(|redis| redis.expiries[key]), Duration::from_hours(24));
}

#[system_bus_sdk::test]
fn a_digest_that_is_written_is_not_asked_for(kit: &mut Kit) {
    let world = world(kit, "2026-03-02T07:46:00Z");
    world.file("memory", "digests/2026-03-01-digest.md", "It was quiet.");
    assert_eq!(beat(kit).digest, None);
    kit.config("HEARTBEAT_DIGEST_FILE", "days/{date}.md");
    assert!(beat(kit).digest.is_some());
}

#[system_bus_sdk::test]
fn a_wake_before_the_last_quarter_does_not_lose_the_digest(kit: &mut Kit) {
    let _world = world(kit, "2026-03-02T07:40:00Z");
    assert_eq!(beat(kit).skipped, None);
    kit.serve::<system_heartbeat>();
    kit.advance(Duration::from_mins(10));
    assert_eq!(kit.runs::<system_heartbeat>().len(), 1);
    assert_eq!(sent(kit, "memory/digest.requested").len(), 1);
}
