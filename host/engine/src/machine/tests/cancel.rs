//! What ends runs from outside.

use super::*;

/// A function that sleeps for an hour.
fn sleeper(options: &Value) -> World {
    let mut world = World::new(|call| {
        if call.has("nap") { answer(200, &json!("slept")) } else { ops(&[sleep("nap", "1h")]) }
    });
    world.sync(&[configured("app-f", "a/b", options)]);
    world
}

#[test]
fn an_event_cancels_the_runs_it_concerns() {
    let mut world = sleeper(&json!({
        "cancel": [{"event": "a/stop", "if": "event.data.id == async.data.id"}, {"event": "a/b"}],
    }));
    world.send(&json!({"name": "a/b", "data": {"id": 1}}));
    assert_eq!(world.runs().len(), 1, "what starts a run does not cancel it");
    world.go_until("2026-11-22T13:01:00Z");
    world.send(&json!({"name": "a/stop", "data": {"id": 2}}));
    assert_eq!(world.runs()[0].status, Status::Running);
    world.restart();
    world.send(&json!({"name": "a/stop", "data": {"id": 1}}));
    assert_eq!(world.runs()[0].status, Status::Cancelled);
    assert!(world.events().contains(&"inngest/function.cancelled".to_owned()));
    world.send(&json!({"name": "a/b", "data": {"id": 3}}));
    world.send(&json!({"name": "a/b", "data": {"id": 4}}));
    let statuses: Vec<_> = world.runs().iter().map(|run| run.status).collect();
    assert_eq!(statuses, [Status::Cancelled, Status::Cancelled, Status::Scheduled]);
    world.go();
    assert_eq!(world.runs()[2].status, Status::Completed);
}

#[test]
fn a_cancellation_holds_for_its_time() {
    for (timeout, expected) in [
        ("10m", Status::Running),
        ("30m", Status::Cancelled),
        ("2026-11-22T13:19:00Z", Status::Running),
        ("2026-11-22T13:21:00Z", Status::Cancelled),
    ] {
        let mut world = sleeper(&json!({"cancel": [{"event": "a/stop", "timeout": timeout}]}));
        world.send(&json!({"name": "a/b"}));
        world.go_until("2026-11-22T13:20:00Z");
        world.send(&json!({"name": "a/stop"}));
        assert_eq!(world.run().status, expected, "{timeout}");
    }
}

#[test]
fn a_run_that_takes_too_long_is_canceled() {
    let mut world = sleeper(&json!({"timeouts": {"finish": "10m"}}));
    world.send(&json!({"name": "a/b"}));
    world.go_until("2026-11-22T13:05:00Z");
    world.restart();
    world.go();
    assert_eq!(world.run().status, Status::Cancelled);
    assert_eq!(world.run().ended_at, Some(at("2026-11-22T13:10:00Z")));
    assert_eq!(world.calls.len(), 1);

    let mut world = sleeper(&json!({"timeouts": {"finish": "2h"}}));
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.output(), r#""slept""#);
    assert_eq!(world.machine.next_due(world.now), world.machine.next_prune);
}

#[test]
fn a_run_that_does_not_begin_in_time_is_canceled() {
    let mut world = sleeper(&json!({"timeouts": {"start": "30s"}}));
    world.machine.settings.call_concurrency = 1;
    world.send(&json!({"name": "a/b"}));
    world.send(&json!({"name": "a/b"}));
    world.step(at(START));
    assert_eq!(world.under_way.len(), 1, "the second one waits for room");
    let held = std::mem::take(&mut world.under_way);
    world.go_until("2026-11-22T13:01:00Z");
    world.under_way = held;
    world.go();
    let statuses: Vec<_> = world.runs().iter().map(|run| run.status).collect();
    assert_eq!(statuses, [Status::Completed, Status::Cancelled], "one that has begun may go on");
}
