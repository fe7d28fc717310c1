//! What starts a run, and how often.

use super::*;
use crate::event::Seed;

fn done() -> World {
    World::new(|_| answer(200, &json!(null)))
}

#[test]
fn events_start_the_functions_that_listen() {
    let mut world = done();
    world.sync(&[
        function("app-exact", &json!([{"event": "shop/order.paid"}]), 0),
        function("app-wild", &json!([{"event": "shop/*"}, {"event": "shop/order.*"}]), 0),
        function(
            "app-rich",
            &json!([{"event": "shop/order.paid", "expression": "event.data.total > 10"}]),
            0,
        ),
        function(
            "app-odd",
            &json!([{"event": "shop/order.paid", "expression": "event.data.none.x == 1"}]),
            0,
        ),
    ]);
    for (event, expected) in [
        (
            json!({"name": "shop/order.paid", "data": {"total": 11}}),
            vec!["app-exact", "app-wild", "app-rich"],
        ),
        (json!({"name": "shop/order.paid", "data": {"total": 10}}), vec!["app-exact", "app-wild"]),
        (json!({"name": "shop/x"}), vec!["app-wild"]),
        (json!({"name": "other"}), vec![]),
    ] {
        let id = world.send(&event);
        let started: Vec<_> = world.machine.runs_of(id).map(|run| run.slug.as_str()).collect();
        assert_eq!(started, expected, "{event}");
    }
}

#[test]
fn an_event_id_starts_a_function_once_a_day() {
    let mut world = World::simple(|_| answer(200, &json!(null)));
    let event = json!({"name": "a/b", "id": "order-7"});
    let first = world.send(&event);
    assert_ne!(world.send(&event), first, "the event itself is recorded again");
    world.restart();
    world.send(&event);
    assert_eq!(world.runs().len(), 1);
    world.go_until("2026-11-23T12:59:59Z");
    world.send(&event);
    assert_eq!(world.runs().len(), 1);
    world.go_until("2026-11-23T13:00:01Z");
    world.send(&event);
    assert_eq!(world.runs().len(), 2);
}

#[test]
fn a_seeded_request_may_be_repeated() {
    let mut world = World::simple(|_| answer(200, &json!(null)));
    let mut send = |count: usize| {
        let body = json!(vec![json!({"name": "a/b"}); count]).to_string();
        let events = NewEvent::parse_all(body.as_bytes()).expect("events");
        let seed = Seed::parse("1795347640761,bBn0mYmeA2ZiDw==");
        world.machine.receive(&Incoming { events, seed }, world.now, &mut world.entropy)
    };
    let (one, two) = (send(1), send(2));
    assert_eq!(one[0], two[0]);
    assert_eq!(two, send(2));
    assert_eq!(world.runs().len(), 2);
}

#[test]
fn a_failed_run_starts_its_handler_and_the_handler_tells_nobody() {
    let mut world = World::new(|call| {
        if call.slug == "app-f" {
            return Answer {
                no_retry: true,
                ..answer(400, &json!({"name": "E", "message": "kaboom", "stack": "here"}))
            };
        }
        Answer { no_retry: true, ..answer(400, &call.body["event"]) }
    });
    let condition = "event.data.function_id == 'app-f'";
    world.sync(&[
        function("app-f", &json!([{"event": "a/b"}]), 0),
        function(
            "app-f-failure",
            &json!([{"event": "inngest/function.failed", "expression": condition}]),
            0,
        ),
    ]);
    world.send(&json!({"name": "a/b", "data": {"z": 1}}));
    world.go();
    let runs = world.runs();
    assert_eq!(runs.len(), 2);
    let event: Value =
        serde_json::from_str(runs[1].output.as_ref().expect("it").get()).expect("JSON");
    assert_eq!(event["id"], json!(runs[0].id));
    assert_eq!(event["data"]["run_id"], json!(runs[0].id));
    assert_eq!(event["data"]["_inngest"], json!({"status": "Failed"}));
    assert_eq!(event["data"]["event"]["data"], json!({"z": 1}));
    assert_eq!(event["data"]["events"][0]["name"], "a/b");
    assert_eq!(event["data"]["error"]["message"], "kaboom");
    assert_eq!(event["data"]["error"]["stack"], "here");
    assert_eq!(world.events(), ["a/b", "inngest/function.failed", "inngest/function.finished"]);
}

#[test]
fn schedules_fire_in_their_zone_and_once_after_a_pause() {
    let mut world = World::new(|call| answer(200, &call.body["event"]["data"]));
    world.sync(&[
        function("app-berlin", &json!([{"cron": "TZ=Europe/Berlin 0 9 * * *"}]), 0),
        function("app-utc", &json!([{"cron": "30 13 * * *"}]), 0),
    ]);
    world.go_until("2026-11-24T00:00:00Z");
    let fired: Vec<_> =
        world.calls.iter().map(|call| format!("{} {}", call.slug, call.at)).collect();
    assert_eq!(
        fired,
        [
            "app-utc 2026-11-22T13:30:00Z",
            "app-berlin 2026-11-23T08:00:00Z",
            "app-utc 2026-11-23T13:30:00Z"
        ]
    );
    assert_eq!(world.calls[0].body["event"]["name"], "inngest/scheduled.timer");
    assert_eq!(world.calls[0].body["event"]["data"], json!({"cron": "30 13 * * *"}));
    // Asleep for three days: one firing each, not three.
    world.now = at("2026-11-27T00:00:00Z");
    world.go_until("2026-11-27T00:00:01Z");
    assert_eq!(world.calls.len(), 5);
    // Dead for three days: none.
    world.now = at("2026-11-30T00:00:00Z");
    world.restart();
    world.go_until("2026-11-30T00:00:01Z");
    assert_eq!(world.calls.len(), 5);
    world.go_until("2026-11-30T08:00:00Z");
    assert_eq!(world.calls.len(), 6);
}

#[test]
fn a_jitter_puts_a_schedule_off_and_moves_no_other_firing() {
    let mut world = done();
    let trigger = json!([{"cron": "0 * * * *", "jitter": "2m"}]);
    world.sync(&[function("app-f", &trigger, 0)]);
    world.go_until("2026-11-23T13:00:30Z");
    world.restart();
    world.go_until("2026-11-25T12:59:00Z");
    let late: Vec<i64> =
        world.calls.iter().map(|call| call.at.as_millisecond() % 3_600_000).collect();
    // The firing of the hour in which the engine was down is still to come, put off, or was made before.
    assert!((70..=71).contains(&late.len()), "{} firings", late.len());
    assert!(late.iter().all(|late| (0..120_000).contains(late)), "{late:?}");
    assert!(late.iter().any(|one| *one != late[0]), "{late:?}");
}

#[test]
fn expressions_are_checked_when_an_app_is_synced() {
    let mut world = done();
    for (options, says) in [
        (
            json!({"triggers": [{"event": "a/b", "expression": "event.data.n >"}]}),
            "does not compile",
        ),
        (json!({"triggers": [{"event": "a/b", "expression": "evnt.data.n > 1"}]}), "knows no evnt"),
        (json!({"concurrency": {"limit": 1, "key": "data.id"}}), "knows no data"),
        (json!({"idempotency": "e.data.id"}), "knows no e;"),
        (
            json!({"cancel": [{"event": "a/c", "if": "event.data.id == sync.data.id"}]}),
            "knows no sync",
        ),
        (json!({"priority": {"run": "event.data.p +"}}), "does not compile"),
    ] {
        let bad = configured("app-f", "a/b", &options);
        let body = json!({"appName": "app", "url": "http://w/", "functions": [bad]});
        let request = SyncRequest::parse(body.to_string().as_bytes()).expect("a payload");
        let refused = world.machine.sync(request, world.now).expect_err(says);
        assert_eq!(refused, super::super::SyncError::Invalid);
        let app = world.machine.app("app").expect("what was wrong is kept");
        let fault = app.registration.error.as_deref().unwrap_or_default();
        assert!(fault.contains("app-f") && fault.contains(says), "{fault}");
    }
}

#[test]
fn a_sync_replaces_the_functions_and_a_bad_one_leaves_them() {
    let mut world = World::simple(|_| answer(200, &json!(null)));
    let good = function("app-f", &json!([{"event": "a/b"}]), 4);
    assert!(!world.sync(std::slice::from_ref(&good)), "the same again changes nothing");
    let parse = |functions: Value| {
        let body = json!({"appName": "app", "url": "http://w/", "functions": functions});
        SyncRequest::parse(body.to_string().as_bytes()).expect("a payload")
    };
    let bad = parse(json!([{"id": "app-x", "name": ""}]));
    let error = world.machine.sync(bad, world.now).expect_err("refused");
    assert_eq!(error.to_string(), "At least one function is invalid");
    world.save();
    world.restart();
    let app = world.machine.app("app").expect("the app");
    let fault = app.registration.error.as_deref();
    assert_eq!(fault, Some("1 errors occurred: * A function name is required"));
    assert_eq!(app.functions.len(), 1);
    assert!(world.sync(&[good]), "after a fault the same payload counts as new");
    assert!(world.machine.app("app").expect("the app").registration.error.is_none());
    let nameless = SyncRequest::parse(br#"{"functions":[]}"#).expect("a payload");
    assert_eq!(world.machine.sync(nameless, world.now), Err(super::super::SyncError::NoApp));
}

#[test]
fn what_is_old_is_forgotten() {
    let mut world = World::simple(|_| answer(200, &json!(null)));
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.runs().len(), 1);
    world.go_until("2026-12-01T00:00:00Z");
    assert_eq!(world.runs().len(), 0);
    let left: Vec<_> = world.store.keys().map(|(table, _)| *table).collect();
    assert_eq!(left, [Table::Apps]);
}
