//! What is remembered of troubles and of days.

use std::collections::BTreeSet;

use system_bus_sdk::prelude::*;

use crate::Kind;
use crate::day::{Day, date, yesterday};
use crate::latch::Latch;

#[test]
fn what_is_wrong_changes_in_five_ways() {
    let now = Timestamp::UNIX_EPOCH;
    let names = |text: &str| text.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    for (before, looked_at, wrong, kind, after) in [
        ("", "a b", "", Kind::Steady, ""),
        ("", "a b", "a", Kind::Opened, "a"),
        ("a", "a b", "a", Kind::Repeated, "a"),
        ("a", "a b", "a b", Kind::Changed, "a b"),
        ("a", "a b", "b", Kind::Changed, "b"),
        ("a b", "a b", "b", Kind::Improved, "b"),
        ("a b", "a b", "", Kind::Resolved, ""),
        // What was not looked at stays.
        ("a", "b", "", Kind::Repeated, "a"),
        ("a b", "b", "", Kind::Improved, "a"),
        ("a", "b", "b", Kind::Changed, "a b"),
    ] {
        let latch = Latch::clear(now).after(&names("a b"), &names(before), "first", now).0;
        let (latch, transition) = latch.after(&names(looked_at), &names(wrong), "second", now);
        assert_eq!(transition.kind, kind, "{before:?} {wrong:?}");
        assert_eq!((&latch.subjects, &transition.subjects), (&names(after), &names(after)));
        assert_eq!(latch.incident.is_some(), !after.is_empty());
        let text = serde_json::to_string(&latch).expect("JSON");
        assert_eq!(Latch::parse(&text), Some(latch));
    }
}

#[test]
fn days_are_those_of_the_pacific_coast() {
    for (time, today, before) in [
        ("2026-03-01T07:59:59Z", "2026-02-28", "2026-02-27"),
        ("2026-03-01T08:05:00Z", "2026-03-01", "2026-02-28"),
        // After the clock has gone forward.
        ("2026-07-01T07:05:00Z", "2026-07-01", "2026-06-30"),
    ] {
        let time = time.parse().expect("a time");
        assert_eq!((&*date(time), &*yesterday(time)), (today, before), "{time}");
    }
}

#[test]
fn a_day_counts_each_check_once_and_keeps_fifty_changes() {
    let (mut day, mut latch, now) =
        (Day::default(), Latch::clear(Timestamp::UNIX_EPOCH), Timestamp::UNIX_EPOCH);
    let looked_at = BTreeSet::from(["a".to_owned()]);
    for number in 0..60 {
        let wrong = if number % 2 == 0 { looked_at.clone() } else { BTreeSet::new() };
        let run = format!("run-{number}");
        let (next, transition) = latch.after(&looked_at, &wrong, &run, now);
        day.add(&transition, false, &run, now);
        day.add(&transition, false, &run, now);
        latch = next;
    }
    assert_eq!((day.checks, day.degraded, day.wrong["a"]), (60, 30, 30));
    assert_eq!((day.changes.len(), day.more), (50, 10));
}
