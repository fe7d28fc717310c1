//! Events that gather, events that come once, events of the future.

use super::*;

fn batching(options: &Value) -> World {
    let mut world = World::new(|call| {
        let events = call.body["events"].as_array().expect("events");
        let names: Vec<_> = events.iter().map(|event| event["data"]["n"].clone()).collect();
        assert_eq!(call.body["event"], events[0]);
        answer(200, &json!(names))
    });
    world.sync(&[configured("app-f", "a/b", &json!({"batchEvents": options}))]);
    world
}

fn outputs(world: &World) -> Vec<String> {
    let outputs = world.runs().into_iter().map(|run| run.output.as_ref().map(ToString::to_string));
    outputs.map(|output| output.expect("it has ended")).collect()
}

fn send(world: &mut World, n: u64) {
    world.send(&json!({"name": "a/b", "data": {"n": n, "even": n.is_multiple_of(2)}}));
}

#[test]
fn a_batch_runs_when_it_is_full_or_its_time_is_over() {
    let mut world = batching(&json!({"maxSize": 3, "timeout": "10s"}));
    for n in 1..=4 {
        send(&mut world, n);
        world.restart();
    }
    world.go_until("2026-11-22T13:00:05Z");
    assert_eq!(outputs(&world), ["[1,2,3]"]);
    send(&mut world, 5);
    world.go_until("2026-11-22T13:00:09Z");
    assert_eq!(world.runs().len(), 1);
    world.restart();
    world.go_until("2026-11-22T13:00:10Z");
    assert_eq!(outputs(&world), ["[1,2,3]", "[4,5]"]);
    let event = world.runs()[1].events[1];
    assert_eq!(world.machine.runs_of(event).count(), 1);
    assert!(!world.store.keys().any(|(table, _)| *table == Table::Batches));
}

#[test]
fn batches_are_told_apart_by_their_key_and_some_events_run_alone() {
    let mut world = batching(&json!({"maxSize": 2, "timeout": "1m", "key": "event.data.even"}));
    for n in 1..=4 {
        send(&mut world, n);
    }
    world.go_until("2026-11-22T13:00:01Z");
    assert_eq!(outputs(&world), ["[1,3]", "[2,4]"]);

    let mut world = batching(&json!({"maxSize": 2, "timeout": "1m", "if": "event.data.n > 2"}));
    for n in 1..=4 {
        send(&mut world, n);
    }
    world.go_until("2026-11-22T13:00:01Z");
    assert_eq!(outputs(&world), ["[1]", "[2]", "[3,4]"]);
}

#[test]
fn one_value_of_idempotency_starts_one_run_a_day() {
    let mut world = World::new(|_| answer(200, &json!(1)));
    world.sync(&[configured("app-f", "a/b", &json!({"idempotency": "event.data.key"}))]);
    for key in ["x", "x", "y"] {
        world.send(&json!({"name": "a/b", "data": {"key": key}}));
    }
    assert_eq!(world.runs().len(), 2);
    world.restart();
    world.send(&json!({"name": "a/b", "data": {"key": "x"}}));
    assert_eq!(world.runs().len(), 2);
    world.send(&json!({"name": "a/b", "data": {}}));
    assert_eq!(world.runs().len(), 3, "what has no key is not held back");
    world.go_until("2026-11-23T13:00:01Z");
    world.send(&json!({"name": "a/b", "data": {"key": "x"}}));
    assert_eq!(world.runs().len(), 4);
    let held = world.told().iter().filter(|what| *what == "event_held").count();
    assert_eq!(held, 2, "both are told");
}

#[test]
fn an_idempotency_takes_the_place_of_a_rate_limit_and_holds_no_batch() {
    let options = json!({
        "idempotency": "event.data.key",
        "rateLimit": {"limit": 1, "period": "1h"},
    });
    let mut world = World::new(|_| answer(200, &json!(1)));
    world.sync(&[configured("app-f", "a/b", &options)]);
    for key in ["x", "y", "z", "x"] {
        world.send(&json!({"name": "a/b", "data": {"key": key}}));
    }
    assert_eq!(world.runs().len(), 3);

    let mut world =
        World::new(|call| answer(200, &json!(call.body["events"].as_array().map(Vec::len))));
    let batched =
        json!({"batchEvents": {"maxSize": 2, "timeout": "1m"}, "idempotency": "event.data.key"});
    world.sync(&[configured("app-f", "a/b", &batched)]);
    for _ in 0..4 {
        world.send(&json!({"name": "a/b", "data": {"key": "x"}}));
    }
    world.go();
    assert_eq!(outputs(&world), ["2", "2"]);
}

#[test]
fn an_event_of_the_future_runs_then() {
    let mut world = World::simple(|call| answer(200, &json!(call.at)));
    let ts = at("2026-11-22T13:30:00Z").as_millisecond();
    world.send(&json!({"name": "a/b", "ts": ts}));
    world.go_until("2026-11-22T13:29:00Z");
    assert_eq!(world.run().status, Status::Scheduled);
    world.restart();
    world.go();
    assert_eq!(world.output(), r#""2026-11-22T13:30:00Z""#);

    let mut world = World::simple(|call| answer(200, &json!(call.at)));
    world.send(&json!({"name": "a/b", "ts": at("2026-11-20T00:00:00Z").as_millisecond()}));
    world.go();
    assert_eq!(world.output(), format!("{START:?}"), "what is past runs now");
}
