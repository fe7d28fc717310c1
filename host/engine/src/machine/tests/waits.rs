//! Waits for events and signals.

use super::*;

fn wait(name: &str, opts: &Value) -> Value {
    op("WaitForEvent", name, &json!({"opts": opts}))
}

fn signal(name: &str, opts: &Value) -> Value {
    op("WaitForSignal", name, &json!({"opts": opts}))
}

/// A function that waits once and returns what it got.
fn waiter(wait: Value) -> World {
    World::simple(move |call| match call.memo("w") {
        Some(memo) => answer(200, memo),
        None => ops(std::slice::from_ref(&wait)),
    })
}

#[test]
fn a_wait_ends_with_the_first_event_that_matches() {
    let opts = json!({"event": "a/paid", "timeout": "1h", "if": "event.data.id == async.data.id"});
    let mut world = waiter(wait("w", &opts));
    world.send(&json!({"name": "a/paid", "data": {"id": 7}, "id": "too early"}));
    world.send(&json!({"name": "a/b", "data": {"id": 7}}));
    world.go_until("2026-11-22T13:10:00Z");
    world.send(&json!({"name": "a/paid", "data": {"id": 8}}));
    world.send(&json!({"name": "a/other", "data": {"id": 7}}));
    world.send(&json!({"name": "a/paid"}));
    world.go_until("2026-11-22T13:20:00Z");
    assert_eq!(world.calls.len(), 1, "none of these matches");
    world.restart();
    world.send(&json!({"name": "a/paid", "data": {"id": 7}, "id": "first"}));
    world.send(&json!({"name": "a/paid", "data": {"id": 7}, "id": "second"}));
    world.go();
    let got: Value = serde_json::from_str(&world.output()).expect("JSON");
    assert_eq!(
        got,
        json!({"name": "a/paid", "data": {"id": 7}, "id": "first", "ts": 1_795_353_600_000_i64, "user": {}}),
        "the event as it is, unwrapped"
    );
    assert_eq!(world.told().iter().filter(|what| *what == "wait_ended").count(), 1);
}

#[test]
fn waits_end_in_time_without_an_event() {
    for (timeout, ends) in [
        ("10m", "2026-11-22T13:10:00Z"),
        ("2026-11-22T18:00:00Z", "2026-11-22T18:00:00Z"),
        ("366d", "2027-11-23T13:00:00Z"),
        ("", START),
        ("2020-01-01T00:00:00Z", START),
    ] {
        let mut world = waiter(wait("w", &json!({"event": "a/paid", "timeout": timeout})));
        world.send(&json!({"name": "a/b"}));
        world.step(at(START));
        world.restart();
        world.go_until(&(at(ends) + jiff::SignedDuration::from_secs(1)).to_string());
        assert_eq!(world.output(), "null", "{timeout}");
        assert_eq!(world.calls.last().expect("a call").at, at(ends), "{timeout}");
    }
}

#[test]
fn waits_that_cannot_be_end_the_run() {
    for (op, says) in [
        (wait("w", &json!({"event": "a", "timeout": "367d"})), "InngestErrTimeoutTooLong"),
        (wait("w", &json!({"event": "a", "timeout": "1h", "if": "1 +"})), "does not compile"),
        (signal("w", &json!({"signal": "s", "timeout": "367d"})), "InngestErrTimeoutTooLong"),
    ] {
        let mut world = waiter(op);
        world.send(&json!({"name": "a/b"}));
        world.go();
        assert_eq!(world.calls.len(), 1);
        assert_eq!(world.run().status, Status::Failed);
        assert!(world.run().output.as_ref().expect("why").get().contains(says), "{says}");
    }
}

#[test]
fn many_wait_for_one_event_and_a_wait_never_lifts_the_barrier() {
    let race = json!({"event": "a/paid", "timeout": "10m", "parallelMode": "race"});
    let mut world = World::simple(move |call| {
        if call.has("w") && call.has("nap") {
            return answer(200, &json!(call.at));
        }
        ops(&[sleep("nap", "5m"), wait("w", &race)])
    });
    world.send(&json!({"name": "a/b"}));
    world.send(&json!({"name": "a/b"}));
    world.go_until("2026-11-22T13:01:00Z");
    world.send(&json!({"name": "a/paid"}));
    world.go();
    let outputs: Vec<_> = world.runs().iter().map(|run| run.output.clone().expect("it")).collect();
    assert_eq!(outputs.len(), 2);
    for output in outputs {
        assert_eq!(output.get(), r#""2026-11-22T13:05:00Z""#);
    }
}

#[test]
fn an_event_of_the_same_reply_is_not_missed() {
    // The invoked function's end is news that the wait beside it waits for.
    let mut world = World::new(|call| match (call.slug.as_str(), call.has("w") && call.has("i")) {
        ("app-f", false) => ops(&[
            op("InvokeFunction", "i", &json!({"opts": {"function_id": "app-none", "payload": {}}})),
            wait("w", &json!({"event": "inngest/function.finished", "timeout": "1m"})),
        ]),
        _ => answer(200, &json!(call.memo("w").map(|memo| memo["name"].clone()))),
    });
    world.sync(&[configured("app-f", "a/b", &json!({})), configured("app-g", "a/g", &json!({}))]);
    world.send(&json!({"name": "a/b"}));
    world.go_until("2026-11-22T13:00:10Z");
    world.send(&json!({"name": "a/g"}));
    world.go();
    let run = world.runs()[0].output.as_ref().expect("it").get().to_owned();
    assert_eq!(run, r#""inngest/function.finished""#);
}

#[test]
fn a_signal_wakes_the_one_that_waits_for_it() {
    let opts = json!({"signal": "approve/42", "timeout": "24h", "conflict": "replace"});
    let mut world = waiter(signal("w", &opts));
    assert_eq!(world.signal("approve/42", &json!(1)), None, "nobody waits");
    world.send(&json!({"name": "a/b"}));
    world.go_until("2026-11-22T14:00:00Z");
    world.restart();
    assert_eq!(world.signal("approve/43", &json!(1)), None);
    let run = world.run().id;
    assert_eq!(world.signal("approve/42", &json!({"by": "anna"})), Some(run));
    assert_eq!(world.signal("approve/42", &json!(2)), None, "once");
    world.go();
    assert_eq!(world.output(), r#"{"data":{"data":{"by":"anna"},"signal":"approve/42"}}"#);

    let mut world = waiter(signal("w", &opts));
    world.send(&json!({"name": "a/b"}));
    world.go_until("2026-11-23T13:00:01Z");
    assert_eq!(world.output(), "null");
    assert_eq!(world.signal("approve/42", &json!(1)), None);
}

#[test]
fn a_second_waiter_fails_or_takes_over() {
    let mut world = waiter(signal("w", &json!({"signal": "s", "timeout": "1h"})));
    world.send(&json!({"name": "a/b"}));
    world.send(&json!({"name": "a/b"}));
    world.go_until("2026-11-22T13:01:00Z");
    let (first, second) = (world.runs()[0], world.runs()[1]);
    assert_eq!((first.status, second.status), (Status::Running, Status::Failed));
    assert!(second.output.as_ref().expect("why").get().contains("Signal conflict"));
    let id = first.id;
    assert_eq!(world.signal("s", &json!(1)), Some(id));

    let opts = json!({"signal": "s", "timeout": "1h", "conflict": "replace"});
    let mut world = waiter(signal("w", &opts));
    world.send(&json!({"name": "a/b"}));
    world.send(&json!({"name": "a/b"}));
    world.go_until("2026-11-22T13:01:00Z");
    for _ in 0..2 {
        // Who holds the signal does not change over a restart.
        world.restart();
    }
    let second = world.runs()[1].id;
    assert_eq!(world.signal("s", &json!(1)), Some(second));
    world.go();
    let outputs: Vec<_> = world.runs().iter().map(|run| run.output.clone().expect("it")).collect();
    assert_eq!(outputs[0].get(), "null", "the first one's time was over");
    assert_eq!(outputs[1].get(), r#"{"data":{"data":1,"signal":"s"}}"#);
}

#[test]
fn a_run_that_ends_waits_no_more() {
    let opts = json!({"event": "a/paid", "timeout": "1h"});
    let mut world = World::simple(move |call| {
        if call.at == at(START) {
            ops(&[
                wait("w", &opts),
                signal("s", &json!({"signal": "s", "timeout": "1h"})),
                sleep("nap", "1h"),
            ])
        } else {
            answer(200, &json!(1))
        }
    });
    world.send(&json!({"name": "a/b"}));
    world.go_until("2026-11-22T13:01:00Z");
    let id = world.run().id;
    world.cancel(id);
    world.send(&json!({"name": "a/paid"}));
    assert_eq!(world.signal("s", &json!(1)), None);
    world.go();
    assert_eq!(world.calls.len(), 1);
    assert_eq!(world.machine.next_due(world.now), world.machine.next_prune);
}
