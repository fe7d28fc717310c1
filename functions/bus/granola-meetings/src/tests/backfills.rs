//! All meetings of the past.

use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use super::{under_way, world};
use crate::{BackfillRequested, Backfilled, Range, granola_backfill, meeting_analyze};

fn request(dry_run: bool) -> BackfillRequested {
    let custom = Range {
        range: "custom".to_owned(),
        start: Some("2025-01-01".to_owned()),
        end: Some("2025-12-31".to_owned()),
    };
    BackfillRequested { dry_run, custom_ranges: vec![custom] }
}

#[system_bus_sdk::test(crash = "everywhere")]
fn all_of_them_are_analysed_in_their_order(kit: &mut Kit) {
    let (world, _) = world(kit);
    let run = kit.run::<granola_backfill>(request(false));
    run.assert_steps([
        "list[0]",
        "list[1]",
        "list[2]",
        "list[3]",
        "get-processed",
        "analyze[m-one]",
        "cooldown[m-two]",
        "analyze[m-two]",
        "cooldown[m-three]",
        "analyze[m-three]",
        "cooldown[m-old]",
        "analyze[m-old]",
        "notify-gateway",
    ]);
    let done: Backfilled = run.output();
    assert_eq!((done.total_found, done.already_processed, done.left), (4, 0, 0));
    assert!(done.meetings.iter().all(|one| one.status == "analyzed"));
    // Nobody is given tasks of long ago: no request was made.
    let created = kit.runs::<meeting_analyze>();
    let created = created.iter().map(|run| run.output::<crate::Analyzed>().tasks_created);
    assert_eq!(created.sum::<usize>(), 0);
    assert!(world.lines().contains(
        &"granola meetings --range custom --start 2025-01-01 --end 2025-12-31".to_owned()
    ));
    assert_eq!(world.kinds().last().map(String::as_str), Some("granola.backfill"));
}

#[system_bus_sdk::test]
fn three_minutes_lie_between_two_and_never_two_at_once(kit: &mut Kit) {
    let (_world, _) = world(kit);
    let run = kit.start::<granola_backfill>(request(false));
    for minute in 0..12 {
        assert!(under_way(kit) <= 1);
        let begun = kit.runs::<meeting_analyze>().len();
        assert!(begun <= 1 + minute / 3, "{begun} after {minute} minutes");
        kit.advance(Duration::from_mins(1));
    }
    assert_eq!(kit.until_ended(run).output::<Backfilled>().meetings.len(), 4);
}

#[system_bus_sdk::test]
fn a_dry_run_counts_and_what_was_looked_at_is_left_out(kit: &mut Kit) {
    let (world, _) = world(kit);
    world.redis(|redis| {
        let processed = ["m-one".to_owned(), "m-old".to_owned()].into();
        redis.sets.insert("granola:processed".to_owned(), processed)
    });
    let done: Backfilled = kit.run::<granola_backfill>(request(true)).output();
    assert_eq!((done.total_found, done.already_processed), (4, 2));
    let planned: Vec<_> =
        done.meetings.iter().map(|one| (one.meeting_id.as_str(), one.status.as_str())).collect();
    assert_eq!(planned, [("m-two", "planned"), ("m-three", "planned")]);
    assert!(kit.runs::<meeting_analyze>().is_empty());
}

#[system_bus_sdk::test]
fn two_hundred_are_taken_and_the_others_are_left(kit: &mut Kit) {
    let (_world, instead) = world(kit);
    let many: Vec<_> = (0..230).map(|n| json!({ "id": format!("n{n}"), "title": "T" })).collect();
    instead
        .borrow_mut()
        .push(("granola meetings --range this_week", json!({ "ok": true, "result": many })));
    let done: Backfilled = kit.run::<granola_backfill>(request(true)).output();
    assert_eq!((done.meetings.len(), done.left), (200, 33));
}

#[system_bus_sdk::test]
fn a_range_that_is_an_option_is_no_range(kit: &mut Kit) {
    let (world, _) = world(kit);
    for (range, start) in [("--help", None), ("custom", Some("-x")), ("custom", None)] {
        let range = Range { range: range.to_owned(), start: start.map(str::to_owned), end: None };
        let run = kit.run::<granola_backfill>(BackfillRequested {
            dry_run: true,
            custom_ranges: vec![range],
        });
        assert_eq!(run.error().name(), "Invalid");
    }
    assert!(world.lines().iter().all(|line| !line.contains("--help") && !line.contains("-x")));
    assert!(world.actions().contains(&"granola.backfill!".to_owned()));
}

#[test]
fn the_samples_are_what_starts_them() {
    for (sample, name) in [
        (include_str!("../../events/check-requested.json"), "granola/check.requested"),
        (include_str!("../../events/backfill-requested.json"), "granola/backfill.requested"),
    ] {
        let sample: Value = serde_json::from_str(sample).expect("it is JSON");
        assert_eq!(sample["name"], name);
        serde_json::from_value::<BackfillRequested>(sample["data"].clone()).expect("it fits");
    }
}
