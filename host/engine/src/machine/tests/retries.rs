//! Failures: when they are retried, and what follows when they are not.

use super::*;

/// Seconds between the first call and each one.
fn seconds(world: &World) -> Vec<i64> {
    world.calls.iter().map(|call| call.at.duration_since(at(START)).as_secs()).collect()
}

#[test]
fn a_function_that_fails_is_retried_by_the_table_and_then_fails_the_run() {
    let mut world = World::simple(|_| answer(500, &json!({"name": "E", "message": "m"})));
    world.send(&json!({"name": "a/b"}));
    world.go();
    // The jitter of these tests is zero.
    assert_eq!(seconds(&world), [0, 15, 45, 105, 225]);
    assert_eq!(world.lines(&[]), ["- 0", "- 1", "- 2", "- 3", "- 4"]);
    let generations: Vec<_> =
        world.calls.iter().map(|call| call.body["ctx"]["generation_id"].clone()).collect();
    assert_eq!(generations, [1, 2, 3, 4, 5]);
    assert_eq!(world.calls[0].body["ctx"]["job_id"], world.calls[4].body["ctx"]["job_id"]);
    assert_eq!(world.run().status, Status::Failed);
    assert_eq!(world.run().output.as_ref().expect("why").get(), r#"{"message":"m","name":"E"}"#);
    assert_eq!(world.events(), ["a/b", "inngest/function.failed", "inngest/function.finished"]);
}

#[test]
fn retry_after_and_no_retry_are_obeyed() {
    let later = |call: &Call| match call.attempt() {
        0 => Answer { retry_after: Some("7".to_owned()), ..answer(503, &json!({"message": "m"})) },
        1 => Answer { retry_after: Some("2026-11-22T13:01:00Z".to_owned()), ..erred("a") },
        _ => answer(200, &json!(null)),
    };
    let mut world = World::simple(later);
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(seconds(&world), [0, 7, 60]);
    assert_eq!(world.output(), "null");

    let mut world =
        World::simple(|_| Answer { no_retry: true, ..answer(400, &json!({"message": "m"})) });
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(seconds(&world), [0]);
    assert_eq!(world.run().status, Status::Failed);
}

#[test]
fn a_step_error_is_retried_and_the_last_one_is_stored_and_caught() {
    let mut world = World::new(|call| {
        if call.has("a") { answer(200, call.memo("a").expect("a memo")) } else { erred("a") }
    });
    world.sync(&[function("app-f", &json!([{"event": "a/b"}]), 1)]);
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.lines(&[]), ["- 0", "- 1", "- 0"]);
    assert_eq!(world.output(), r#"{"error":{"message":"a","name":"E"}}"#);

    for last in ["StepFailed", "StepError"] {
        let mut world = World::simple(move |call| {
            let error = op(last, "a", &json!({"error": {"name": "E", "message": "m"}}));
            if call.has("a") {
                answer(200, &json!(1))
            } else {
                Answer { no_retry: true, ..ops(&[error]) }
            }
        });
        world.send(&json!({"name": "a/b"}));
        world.go();
        assert_eq!(world.lines(&[]), ["- 0", "- 0"], "{last}");
    }
}

#[test]
fn a_targeted_retry_concerns_its_step_only() {
    let mut world = World::simple(|call| {
        if call.targets("good") {
            return ran("good");
        }
        if call.targets("bad") {
            return if call.attempt() < 2 { erred("bad") } else { ran("bad") };
        }
        if call.has("bad") {
            answer(200, &json!("ok"))
        } else {
            ops(&[planned("good"), planned("bad")])
        }
    });
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(
        world.lines(&["good", "bad"]),
        ["- 0", "good 0 plan", "bad 0 plan", "bad 1 plan", "bad 2 plan", "- 0"]
    );
    assert_eq!(world.output(), r#""ok""#);
}

#[test]
fn what_the_engine_cannot_do_is_said() {
    for (reply, says) in [
        (ops(&[op("SyncRunComplete", "w", &json!({}))]), "does not support the op SyncRunComplete"),
        (
            ops(&[op("InvokeFunction", "w", &json!({"opts": {"function_id": "app-f"}}))]),
            "no payload",
        ),
        (ops(&[op("StepNotFound", "w", &json!({}))]), "there is no op"),
        (Answer { sdk: false, ..answer(200, &json!(1)) }, "not_sdk"),
    ] {
        let mut world = World::simple(move |_| reply.clone());
        world.send(&json!({"name": "a/b"}));
        world.go();
        assert_eq!(world.calls.len(), 5, "{says}");
        assert!(world.run().output.as_ref().expect("why").get().contains(says), "{says}");
    }
}

#[test]
fn a_function_that_was_withdrawn_is_waited_for() {
    let mut world = World::simple(|_| answer(200, &json!("back")));
    world.send(&json!({"name": "a/b"}));
    world.sync(&[]);
    world.go_until("2026-11-22T13:00:20Z");
    assert_eq!(world.calls.len(), 0);
    world.sync(&[function("app-f", &json!([]), 4)]);
    world.go();
    assert_eq!(world.output(), r#""back""#);
}

#[test]
fn calls_wait_for_room() {
    let mut world = World::simple(|_| answer(200, &json!(1)));
    world.machine.settings.call_concurrency = 2;
    for _ in 0..5 {
        world.send(&json!({"name": "a/b"}));
    }
    world.step(at(START));
    assert_eq!(world.under_way.len(), 2);
    world.go();
    assert!(world.runs().iter().all(|run| run.status == Status::Completed));
}
