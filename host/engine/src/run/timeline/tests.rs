use super::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(1_795_000_000_000 + millis).expect("a time")
}

fn body(name: &str) -> Named<'_> {
    Named { step: StepId::hash(name), name, kind: Kind::Body }
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Each span as name, queued, host and guest time and whole milliseconds at which it ended.
fn told(timeline: &Timeline, now: Timestamp) -> Vec<(String, u128, u128, u128)> {
    let spans = timeline.spans().iter();
    let told = spans.map(|span| {
        let parts = [span.queued(now), span.host(now), span.guest(now)].map(|d| d.as_millis());
        (span.name.clone(), parts[0], parts[1], parts[2])
    });
    told.collect()
}

#[test]
fn bodies_of_one_call_share_its_wait_and_follow_each_other() {
    let mut timeline = Timeline::default();
    timeline.queued(0, at(0));
    timeline.dispatched(0, None, at(10));
    timeline.ran(0, body("a"), 0, Some(millis(5)), End::Done, at(18));
    timeline.ran(0, body("b"), 0, Some(millis(20)), End::Done, at(40));
    timeline.answered(0, "f", 0, Some(End::Done), at(43));
    let expected = [("a", 10, 3, 5), ("b", 0, 2, 20), ("f", 0, 3, 0)];
    assert_eq!(told(&timeline, at(99)), expected.map(|(n, q, h, g)| (n.to_owned(), q, h, g)));
}

#[test]
fn a_planned_step_waits_for_its_own_call_and_for_each_further_attempt() {
    let mut timeline = Timeline::default();
    timeline.queued(0, at(0));
    timeline.dispatched(0, None, at(1));
    timeline.planned(body("p"), at(4));
    timeline.queued(1, at(4));
    timeline.answered(0, "f", 0, None, at(4));
    timeline.dispatched(1, Some(body("p").step), at(9));
    let failed = End::Failed { message: "no".to_owned(), again: Some(at(100)) };
    timeline.ran(1, body("p"), 0, None, failed, at(20));
    timeline.again(body("p"), 1, at(20));
    timeline.queued(1, at(20));
    timeline.dispatched(1, Some(body("p").step), at(101));
    timeline.ran(1, body("p"), 1, Some(millis(30)), End::Done, at(133));
    timeline.answered(1, "f", 1, None, at(133));
    let expected = [("p", 5, 11, 0), ("f", 1, 3, 0), ("p", 81, 2, 30)];
    assert_eq!(told(&timeline, at(200)), expected.map(|(n, q, h, g)| (n.to_owned(), q, h, g)));
    assert_eq!(timeline.last_of(body("p").step).map(|span| span.attempt), Some(1));
}

#[test]
fn a_wait_ends_in_time_or_not_and_a_sleep_is_never_late() {
    for (kind, ends, end) in [
        (Kind::Event, 5, End::Done),
        (Kind::Event, 10, End::TimedOut),
        (Kind::Sleep, 10, End::Done),
    ] {
        let mut timeline = Timeline::default();
        let named = Named { kind, ..body("w") };
        timeline.began(named, Some(at(10)), at(0));
        assert_eq!(timeline.spans()[0].lasted(at(3)), millis(3), "it grows while it lasts");
        timeline.ended(named.step, End::Done, at(ends));
        assert_eq!(timeline.spans()[0].end, Some(end), "{kind:?}");
        assert_eq!(timeline.spans()[0].host(at(ends)), Duration::ZERO);
    }
}

#[test]
fn what_is_open_when_the_run_ends_is_left_and_told_once() {
    let mut timeline = Timeline::default();
    timeline.began(Named { kind: Kind::Signal, ..body("s") }, Some(at(9)), at(0));
    assert_eq!(timeline.take_changed().count(), 1);
    assert_eq!(timeline.take_changed().count(), 0);
    timeline.over(at(4));
    assert_eq!(timeline.spans()[0].end, Some(End::Left));
    assert_eq!(timeline.take_changed().map(|(at, _)| at).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_stored_timeline_goes_on() {
    let mut before = Timeline::default();
    before.planned(body("p"), at(0));
    let stored = serde_json::to_vec(&before.spans()[0]).expect("JSON");
    let mut after = Timeline::default();
    after.restore(serde_json::from_slice(&stored).expect("a span"));
    after.dispatched(7, Some(body("p").step), at(50));
    after.ran(7, body("p"), 0, Some(millis(1)), End::Done, at(52));
    assert_eq!(told(&after, at(60)), [("p".to_owned(), 50, 1, 1)]);
}

#[test]
fn a_body_is_never_longer_than_what_it_is_part_of() {
    let mut timeline = Timeline::default();
    timeline.queued(0, at(0));
    timeline.dispatched(0, None, at(0));
    timeline.ran(0, body("a"), 0, Some(millis(500)), End::Done, at(8));
    assert_eq!(timeline.spans()[0].guest(at(9)), millis(8));
    assert_eq!(timeline.spans()[0].host(at(9)), Duration::ZERO);
}
