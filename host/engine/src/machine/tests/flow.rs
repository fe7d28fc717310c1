//! Flow control: how many at a time, how often, and in which order.

use super::*;

/// A world with one function with these options, on `a/b`, of two steps that follow one another.
fn world(options: &Value) -> World {
    let mut world = World::new(|call| match (call.has("one"), call.has("two")) {
        (false, _) => ran("one"),
        (_, false) => ran("two"),
        _ => answer(200, &json!(null)),
    });
    world.sync(&[configured("app-f", "a/b", options)]);
    world
}

fn send(world: &mut World, data: &Value) {
    world.send(&json!({"name": "a/b", "data": data}));
}

fn nap_a_minute(call: &Call) -> Answer {
    if call.has("nap") { answer(200, &json!(null)) } else { ops(&[sleep("nap", "1m")]) }
}

/// How many calls of each `who` are under way now.
fn under_way(world: &World) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for order in &world.under_way {
        let who = Call::of(order, world.now).body["event"]["data"]["who"].to_string();
        *count.entry(who).or_default() += 1;
    }
    count
}

/// Goes on until nothing is left, and tells the most calls that were ever under way of one `who`, and of all.
fn most_at_once(world: &mut World) -> (usize, usize) {
    let until = world.now + jiff::SignedDuration::from_hours(1);
    let mut most = (0, 0);
    while world.step(until) {
        let count = under_way(world);
        most.0 = most.0.max(count.values().copied().max().unwrap_or(0));
        most.1 = most.1.max(count.values().sum());
    }
    most
}

/// At which second after the start each run was first called.
fn begun(world: &World) -> Vec<i64> {
    let start = at(START);
    let begun = world.runs().into_iter().filter_map(|run| run.started_at);
    begun.map(|begun| (begun - start).get_seconds()).collect()
}

fn completed(world: &World) -> usize {
    world.runs().into_iter().filter(|run| run.status == Status::Completed).count()
}

/// The `n` of the events in the order in which their runs were first called.
fn order(world: &World) -> Vec<u64> {
    let first = world.calls.iter().filter(|call| !call.has("one"));
    first.map(|call| call.body["event"]["data"]["n"].as_u64().expect("a number")).collect()
}

#[test]
fn so_many_calls_are_under_way_at_a_time() {
    for (options, of_one, of_all) in [
        (json!({}), 6, 12),
        (json!({"concurrency": 3}), 2, 3),
        (json!({"concurrency": {"limit": 0}}), 6, 12),
        (json!({"concurrency": {"limit": 2, "key": "event.data.who"}}), 2, 4),
        (json!({"concurrency": [{"limit": 2, "key": "event.data.who"}, {"limit": 3}]}), 2, 3),
        (json!({"concurrency": {"limit": 1, "key": "'one'", "scope": "account"}}), 1, 1),
        (json!({"concurrency": {"step": [{"limit": 4}], "fn": [{"limit": 9}]}}), 2, 4),
        (json!({"concurrency": {"fn": [{"limit": 1, "key": "event.data.who"}]}}), 1, 2),
    ] {
        let mut world = world(&options);
        for n in 0..12 {
            send(&mut world, &json!({"who": n % 2}));
        }
        assert_eq!(most_at_once(&mut world), (of_one, of_all), "{options}");
        assert_eq!(completed(&world), 12, "{options}: nobody is forgotten");
    }
}

#[test]
fn functions_share_the_places_of_an_environment_or_an_account() {
    for scope in ["env", "account"] {
        let limit = json!({"concurrency": {"limit": 2, "key": "event.data.who", "scope": scope}});
        let mut world = World::new(|_| answer(200, &json!(null)));
        world.sync(&[configured("app-f", "a/b", &limit), configured("app-g", "a/b", &limit)]);
        for _ in 0..4 {
            send(&mut world, &json!({"who": "x"}));
        }
        assert_eq!(most_at_once(&mut world), (2, 2), "{scope}");
        assert_eq!(completed(&world), 8);
    }
}

#[test]
fn a_run_that_sleeps_holds_its_place_among_runs_and_none_among_calls() {
    for (options, begun_at) in [
        (json!({"concurrency": {"fn": [{"limit": 1}]}}), [0, 60, 120]),
        (json!({"concurrency": 1}), [0, 0, 0]),
    ] {
        let mut world = World::new(nap_a_minute);
        world.sync(&[configured("app-f", "a/b", &options)]);
        for _ in 0..3 {
            send(&mut world, &json!({}));
        }
        world.go_until("2026-11-22T13:00:30Z");
        world.restart();
        world.go();
        assert_eq!((completed(&world), begun(&world)), (3, begun_at.to_vec()), "{options}");
    }
}

#[test]
fn a_canceled_run_gives_its_place_to_the_next_one() {
    let mut world = World::new(|_| ops(&[sleep("nap", "1d")]));
    world.sync(&[configured("app-f", "a/b", &json!({"concurrency": {"fn": [{"limit": 1}]}}))]);
    for _ in 0..2 {
        send(&mut world, &json!({}));
    }
    world.go_until("2026-11-22T13:00:05Z");
    assert_eq!(begun(&world), [0]);
    let first = world.runs()[0].id;
    world.cancel(first);
    world.go_until("2026-11-22T13:00:06Z");
    assert_eq!(begun(&world), [0, 5]);
}

#[test]
fn a_limit_that_is_registered_anew_holds_for_those_who_wait() {
    let mut world = world(&json!({"concurrency": 1}));
    for _ in 0..4 {
        send(&mut world, &json!({"who": 0}));
    }
    let now = world.now;
    let first = world.machine.dispatch(now, &mut world.entropy);
    assert_eq!(first.len(), 1);
    assert!(world.machine.dispatch(now, &mut world.entropy).is_empty());
    world.sync(&[configured("app-f", "a/b", &json!({"concurrency": 3}))]);
    assert_eq!(world.machine.dispatch(now, &mut world.entropy).len(), 2, "one is under way");
}

#[test]
fn a_throttle_puts_starts_off_and_nothing_else() {
    let mut world = world(&json!({"throttle": {"limit": 2, "burst": 1, "period": "1m"}}));
    for n in 0..6 {
        send(&mut world, &json!({"n": n}));
    }
    world.go_until("2026-11-22T13:00:40Z");
    world.restart();
    world.go();
    assert_eq!(begun(&world), [0, 0, 0, 30, 60, 90]);
    assert_eq!((order(&world), completed(&world)), ((0..6).collect(), 6));

    let keyed = json!({"throttle": {"limit": 1, "period": "1m", "key": "event.data.who"}});
    let mut world = self::world(&keyed);
    for who in ["x", "x", "y"] {
        send(&mut world, &json!({"who": who}));
    }
    world.go();
    assert_eq!(begun(&world), [0, 60, 0], "each value of the key has a throttle of its own");
}

#[test]
fn a_rate_limit_drops_what_is_too_much() {
    let mut world =
        world(&json!({"rateLimit": {"limit": 2, "period": "1m", "key": "event.data.who"}}));
    for who in ["x", "x", "y"] {
        send(&mut world, &json!({"who": who}));
    }
    assert_eq!(world.runs().len(), 2);
    world.restart();
    send(&mut world, &json!({"who": "x"}));
    assert_eq!(world.runs().len(), 2, "what was spent is known after a restart");
    world.go_until("2026-11-22T13:00:30Z");
    for who in [json!("x"), json!("x"), json!(false), json!(false)] {
        send(&mut world, &json!({"who": who}));
    }
    world.go();
    assert_eq!(begun(&world), [0, 0, 30, 30, 30], "a key that is false is no key");
    let held = world.told().iter().filter(|what| *what == "event_held").count();
    assert_eq!(held, 3);
}

#[test]
fn only_the_last_of_many_events_starts_a_debounced_run() {
    let mut world = world(&json!({"debounce": {"period": "10s", "key": "event.data.who"}}));
    for (second, who, n) in [(0, "x", 1), (4, "x", 2), (5, "y", 3), (12, "x", 4)] {
        world.go_until(&(at(START) + jiff::SignedDuration::from_secs(second)).to_string());
        send(&mut world, &json!({"who": who, "n": n}));
        world.restart();
    }
    world.go();
    assert_eq!((begun(&world), order(&world)), (vec![15, 22], vec![3, 4]));
    assert!(!world.store.keys().any(|(table, _)| *table == Table::Debounces));
}

#[test]
fn a_debounced_run_waits_no_longer_than_its_timeout_and_for_no_older_event() {
    let mut world = world(&json!({"debounce": {"period": "10s", "timeout": "25s"}}));
    for n in 0..5 {
        let now = at(START) + jiff::SignedDuration::from_secs(n * 6);
        world.go_until(&now.to_string());
        send(&mut world, &json!({"n": n}));
    }
    world.go();
    assert_eq!((begun(&world), order(&world)), (vec![25], vec![4]));

    let mut world = self::world(&json!({"debounce": {"period": "10s"}}));
    send(&mut world, &json!({"n": 1}));
    world.go_until("2026-11-22T13:00:05Z");
    let older = at("2026-11-22T12:00:00Z").as_millisecond();
    world.send(&json!({"name": "a/b", "data": {"n": 2}, "ts": older}));
    world.go();
    assert_eq!((begun(&world), order(&world)), (vec![10], vec![1]));
}

#[test]
fn runs_of_a_higher_priority_go_first_and_those_below_zero_later() {
    let priority = json!({"priority": {"run": "event.data.p"}, "concurrency": 1});
    let mut world = world(&priority);
    for (n, p) in [(0, 0), (1, 0), (2, 600), (3, -30), (4, 60), (5, 600)] {
        send(&mut world, &json!({"n": n, "p": p}));
    }
    world.go();
    assert_eq!(order(&world), [2, 5, 4, 0, 1, 3]);
    assert_eq!(begun(&world)[3], 30, "a priority below zero is a delay");
    assert_eq!(completed(&world), 6);
}

#[test]
fn the_steps_of_older_runs_go_before_those_of_younger_ones() {
    let mut world = world(&json!({"concurrency": 1}));
    for n in 0..3 {
        send(&mut world, &json!({"n": n}));
        world.now += jiff::SignedDuration::from_millis(5);
    }
    world.go();
    let numbers: Vec<_> = world.calls.iter().map(|call| &call.body["event"]["data"]["n"]).collect();
    assert_eq!(numbers, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
}

#[test]
fn a_singleton_is_alone_for_each_value_of_its_key() {
    for (mode, ended) in [
        ("skip", [Status::Completed, Status::Skipped, Status::Completed, Status::Completed]),
        ("cancel", [Status::Cancelled, Status::Completed, Status::Completed, Status::Completed]),
    ] {
        let mut world = World::new(nap_a_minute);
        let singleton = json!({"singleton": {"mode": mode, "key": "event.data.who"}});
        world.sync(&[configured("app-f", "a/b", &singleton)]);
        for who in ["x", "x", "y"] {
            send(&mut world, &json!({"who": who}));
            world.go_until(&(world.now + jiff::SignedDuration::from_secs(5)).to_string());
            world.restart();
        }
        world.go();
        send(&mut world, &json!({"who": "x"}));
        world.go();
        let statuses: Vec<_> = world.runs().into_iter().map(|run| run.status).collect();
        assert_eq!(statuses, ended, "{mode}");
        assert_eq!(world.told().contains(&"run_skipped".to_owned()), mode == "skip");
    }
}

#[test]
fn schedules_and_invocations_obey_flow_control_too() {
    let mut world = World::new(|call| match call.slug.as_str() {
        "app-p" if !call.has("ask") => ops(&[op(
            "InvokeFunction",
            "ask",
            &json!({"opts": {"function_id": "app-f", "payload": {}}}),
        )]),
        _ => answer(200, &json!(null)),
    });
    let mut callee = function("app-f", &json!([{"cron": "* * * * *"}]), 0);
    callee["throttle"] = json!({"limit": 1, "period": "10m"});
    world.sync(&[function("app-p", &json!([{"event": "a/p"}]), 0), callee]);
    world.send(&json!({"name": "a/p"}));
    world.go_until("2026-11-22T13:10:30Z");
    let starts: Vec<_> = world.calls.iter().filter(|call| call.slug == "app-f").collect();
    assert_eq!(starts.len(), 2, "a start in ten minutes, however it came to be: {starts:?}");
    assert_eq!(world.runs().len(), 12, "the others wait");
}
