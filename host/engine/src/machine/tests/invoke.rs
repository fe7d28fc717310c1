//! Runs that invoke other functions.

use super::*;

fn invoke(name: &str, function: &str, opts: &Value) -> Value {
    let mut op = op("InvokeFunction", name, &json!({"opts": opts}));
    op["opts"]["function_id"] = json!(function);
    if op["opts"]["payload"].is_null() {
        op["opts"]["payload"] = json!({"data": {"x": 21}, "user": {"id": 1}, "v": "3"});
    }
    op
}

/// `app-f` invokes `function` and returns the memo; `other-child` does what the closure says.
fn world(function: &'static str, opts: Value, child: impl Fn(&Call) -> Answer + 'static) -> World {
    let mut world = World::new(move |call| match (call.slug.as_str(), call.memo("i")) {
        ("app-f", Some(memo)) => answer(200, memo),
        ("app-f", None) => ops(&[invoke("i", function, &opts)]),
        _ => child(call),
    });
    world.sync(&[configured("app-f", "a/b", &json!({}))]);
    let body = json!({"appName": "other", "url": "http://w/", "functions": [function_of_other()]});
    let request = SyncRequest::parse(body.to_string().as_bytes()).expect("a payload");
    world.machine.sync(request, world.now).expect("a good payload");
    world.send(&json!({"name": "a/b"}));
    world
}

fn function_of_other() -> Value {
    function("other-child", &json!([]), 1)
}

fn memo(world: &World) -> Value {
    let run = world.runs()[0];
    assert_eq!(run.status, Status::Completed, "{run:?}");
    serde_json::from_str(run.output.as_ref().expect("it").get()).expect("JSON")
}

#[test]
fn an_invoked_function_of_any_app_returns_its_result() {
    let mut world =
        world("other-child", json!({"timeout": "1h"}), |call| answer(200, &call.body["event"]));
    while world.runs().len() < 2 {
        world.step(at("2026-11-22T14:00:00Z"));
    }
    world.restart();
    world.go();
    let event = &memo(&world)["data"];
    assert_eq!(event["name"], "inngest/function.invoked");
    assert_eq!((&event["user"], &event["v"]), (&json!({"id": 1}), &json!("3")));
    assert_eq!(event["data"]["x"], 21);
    let parent = world.runs()[0].id;
    let own = &event["data"]["_inngest"];
    assert_eq!(own["correlation_id"], json!(format!("{parent}.{}", StepId::hash("i"))));
    assert_eq!((&own["fn_id"], &own["name"]), (&json!("other-child"), &json!("i")));
    assert_eq!(own["expire"], json!(at("2026-11-22T14:00:00Z").as_millisecond()));
    assert_eq!(world.lines(&["i"]), ["- 0", "- 0", "- 0"]);
    let finished = world.machine.events.values().filter(|e| e.name.ends_with("finished"));
    assert!(
        finished.into_iter().any(|e| e.json()["data"]["correlation_id"] == own["correlation_id"])
    );
}

#[test]
fn a_failure_of_the_invoked_function_is_the_step_s_failure() {
    let mut world = world("other-child", json!({}), |_| Answer {
        no_retry: true,
        ..answer(400, &json!({"name": "E", "message": "child says no"}))
    });
    world.go();
    assert_eq!(
        memo(&world)["error"],
        json!({"error": "NonRetriableError", "name": "E", "message": "child says no"})
    );
}

#[test]
fn a_canceled_child_and_an_unknown_function_are_failures_too() {
    let mut world = world("other-child", json!({}), |_| ops(&[sleep("nap", "1h")]));
    world.go_until("2026-11-22T13:01:00Z");
    let child = world.runs()[1].id;
    world.cancel(child);
    world.go();
    assert_eq!(memo(&world)["error"]["error"], "function cancelled");

    let mut world = self::world("other-none", json!({}), |_| answer(200, &json!(1)));
    world.go();
    let message = memo(&world)["error"]["message"].clone();
    assert!(message.as_str().expect("why").contains("could not find the function"), "{message}");
    assert_eq!(world.runs().len(), 1);
}

#[test]
fn an_invocation_that_takes_too_long_fails_and_its_run_goes_on() {
    let mut world = world("other-child", json!({"timeout": "10m"}), |call| {
        if call.has("nap") { answer(200, &json!("late")) } else { ops(&[sleep("nap", "30m")]) }
    });
    world.go_until("2026-11-22T13:05:00Z");
    world.restart();
    world.go();
    let error = memo(&world)["error"].clone();
    assert_eq!(error["name"], "InngestInvokeTimeoutError");
    assert_eq!(error["message"], "Timed out waiting for invoked function to complete");
    assert_eq!(world.runs()[0].ended_at, Some(at("2026-11-22T13:10:00Z")));
    assert_eq!(world.runs()[1].status, Status::Completed);
}

#[test]
fn a_parent_that_has_ended_is_told_nothing() {
    let mut world = world("other-child", json!({}), |call| {
        if call.has("nap") { answer(200, &json!(1)) } else { ops(&[sleep("nap", "30m")]) }
    });
    world.go_until("2026-11-22T13:05:00Z");
    let parent = world.runs()[0].id;
    world.cancel(parent);
    world.go();
    assert_eq!(world.runs()[0].status, Status::Cancelled);
    assert_eq!(world.runs()[1].status, Status::Completed);
}
