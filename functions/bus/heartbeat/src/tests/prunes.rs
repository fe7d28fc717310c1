use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use super::{beat, wake, world};
use crate::{Beat, system_heartbeat_wake};

const DAY: i64 = 24 * 3_600_000;

#[system_bus_sdk::test(crash = "everywhere")]
fn files_of_more_than_thirty_days_go(kit: &mut Kit) {
    let world = world(kit, "2026-03-01T20:01:00Z");
    let now = kit.now().as_millisecond();
    world
        .file_of("agent-sessions", "old.jsonl", now - 31 * DAY)
        .file_of("agent-sessions", "project/deep/old.jsonl", now - 40 * DAY)
        .file_of("agent-sessions", "young.jsonl", now - 29 * DAY)
        .file_of("agent-debug", "old.txt", now - 31 * DAY)
        .file_of("elsewhere", "old.txt", now - 99 * DAY)
        .file("agent-debug", "ageless.txt", "nobody knows when");
    let run = kit.run::<system_heartbeat_wake>(wake());
    assert!(run.output::<Beat>().pruned.problems.is_empty());
    for (root, path, stays) in [
        ("agent-sessions", "old.jsonl", false),
        ("agent-sessions", "project/deep/old.jsonl", false),
        ("agent-sessions", "young.jsonl", true),
        ("agent-debug", "old.txt", false),
        ("agent-debug", "ageless.txt", true),
        ("elsewhere", "old.txt", true),
    ] {
        assert_eq!(world.content(root, path).is_some(), stays, "{root}/{path}");
    }
}

#[system_bus_sdk::test]
fn one_beat_removes_so_many_and_the_next_goes_on(kit: &mut Kit) {
    let world = world(kit, "2026-03-01T20:01:00Z");
    let old = kit.now().as_millisecond() - 31 * DAY;
    for number in 0..600 {
        world.file_of("agent-sessions", &format!("{number:03}.jsonl"), old);
    }
    assert_eq!(beat(kit).pruned.removed, 500);
    kit.advance(Duration::from_mins(10));
    assert_eq!(beat(kit).pruned.removed, 100);
}

#[system_bus_sdk::test]
fn whoever_has_no_sessions_has_none_to_remove(kit: &mut Kit) {
    let _world = world(kit, "2026-03-01T20:01:00Z");
    let pruned = beat(kit).pruned;
    assert_eq!((pruned.removed, pruned.problems.len()), (0, 0));
}

#[system_bus_sdk::test]
fn a_root_that_is_not_granted_keeps_no_check_away(kit: &mut Kit) {
    let world = world(kit, "2026-03-01T20:01:00Z");
    let old = kit.now().as_millisecond() - 31 * DAY;
    world.close("agent-sessions").file_of("agent-debug", "old.txt", old);
    let beat = beat(kit);
    assert_eq!((beat.checks.len(), beat.pruned.removed), (9, 1));
    assert_eq!(beat.pruned.problems, ["the root `agent-sessions` is not granted"]);
    assert_eq!(world.actions(), ["heartbeat.sessions.prune!", "heartbeat.cron.fanout"]);
}
