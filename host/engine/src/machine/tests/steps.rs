//! Steps: serial, parallel, asleep, raced.

use super::*;

#[test]
fn serial_steps_run_one_call_each_and_memos_grow_in_order() {
    let mut world = World::simple(|call| match (call.has("a"), call.has("b")) {
        (false, _) => ran("a"),
        (true, false) => ran("b"),
        _ => answer(200, &call.body["ctx"]["stack"]),
    });
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.lines(&["a", "b"]), ["- 0", "- 0", "- 0"]);
    assert_eq!(
        world.output(),
        json!({"current": 2, "stack": [StepId::hash("a"), StepId::hash("b")]}).to_string()
    );
    assert_eq!(world.calls[0].body["version"], -1);
    assert_eq!(world.calls[1].body["version"], 2);
    assert_eq!(world.calls[2].memo("a"), Some(&json!({"data": "a"})));
    assert_eq!(world.calls[2].body["ctx"]["max_attempts"], 5);
    assert_eq!(world.events(), ["a/b", "inngest/function.finished"]);
    assert!(world.run().memos.is_empty(), "memos of ended runs leave the memory");
}

#[test]
fn a_parallel_batch_is_joined_by_one_call() {
    let mut world = World::simple(|call| {
        for step in ["a", "b"] {
            if call.targets(step) {
                return ran(step);
            }
        }
        if call.has("a") && call.has("b") {
            answer(200, &json!("joined"))
        } else {
            ops(&[planned("a"), planned("b")])
        }
    });
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.lines(&["a", "b"]), ["- 0", "a 0 plan", "b 0 plan", "- 0"]);
    assert_eq!(world.calls[1].body["steps"], json!({}));
    assert_eq!(world.output(), r#""joined""#);
}

#[test]
fn a_sleep_that_ends_last_leaves_planning_on_for_one_call() {
    let mut world = World::simple(|call| {
        for step in ["a", "b"] {
            if call.targets(step) {
                return ran(step);
            }
        }
        match (call.has("z"), call.has("b")) {
            (false, _) => ops(&[planned("a"), sleep("z", "1s")]),
            (true, false) => ops(&[planned("b")]),
            (true, true) => answer(200, &json!(null)),
        }
    });
    world.send(&json!({"name": "a/b"}));
    world.go();
    // As a real server calls a function with parallel steps.
    assert_eq!(world.lines(&["a", "b"]), ["- 0", "a 0 plan", "- 0 plan", "b 0", "- 0"]);
    assert_eq!(world.calls[2].memo("z"), Some(&json!(null)));
    assert_eq!(world.calls[2].body["ctx"]["stack"]["stack"][0], json!(StepId::hash("a")));
}

#[test]
fn months_of_sleep_pass_at_once_and_a_repeated_sleep_keeps_its_end() {
    let mut world =
        World::simple(|call| match (call.targets("a"), call.has("a"), call.has("nap")) {
            (true, ..) => {
                ops(&[op("StepRun", "a", &json!({"data": 1, "opts": {"parallelMode": "race"}}))])
            }
            (_, _, true) => answer(200, &json!(call.at)),
            // Reported again, with another end, while it lasts.
            (_, true, false) => ops(&[sleep("nap", "300d")]),
            _ => ops(&[planned("a"), sleep("nap", "2027-05-24T18:00:00Z")]),
        });
    world.send(&json!({"name": "a/b"}));
    world.go_until("2027-05-25T00:00:00Z");
    assert_eq!(world.calls.len(), 4);
    assert_eq!(world.output(), r#""2027-05-24T18:00:00Z""#);
}

#[test]
fn a_sleep_of_more_than_a_year_fails_the_run() {
    let mut world = World::simple(|_| ops(&[sleep("nap", "367d")]));
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.run().status, Status::Failed);
    assert!(world.run().output.as_ref().expect("why").get().contains("InngestErrTimeoutTooLong"));
}

#[test]
fn a_race_lifts_the_barrier() {
    let mut world = World::simple(|call| {
        let race = json!({"opts": {"parallelMode": "race"}, "data": "quick"});
        match (call.targets("quick"), call.has("quick")) {
            (true, _) => ops(&[op("StepRun", "quick", &race)]),
            (_, true) => answer(200, &json!(call.at)),
            _ => ops(&[planned("quick"), sleep("slow", "10m")]),
        }
    });
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.output(), format!("{START:?}"));
    assert_eq!(world.lines(&["quick"]), ["- 0", "quick 0 plan", "- 0"]);
    assert_eq!(
        world.machine.next_due(world.now),
        world.machine.next_prune,
        "nothing of the loser is left"
    );
}

#[test]
fn version_one_calls_after_every_completion() {
    let mut world = World::simple(|call| {
        let one = |answer: Answer| Answer { version: Some(1), ..answer };
        for step in ["a", "b"] {
            if call.targets(step) {
                return one(ran(step));
            }
        }
        match (call.has("a"), call.has("b")) {
            (true, true) => one(answer(200, &json!(null))),
            (false, false) => one(ops(&[planned("a"), planned("b")])),
            _ => one(ops(&[op("None", "x", &json!({}))])),
        }
    });
    world.send(&json!({"name": "a/b"}));
    world.go();
    // Both completions came before the next call could be made, so one call serves both.
    assert_eq!(world.lines(&["a", "b"]), ["- 0", "a 0 plan", "b 0 plan", "- 0 plan"]);
    assert_eq!(world.output(), "null");
}

#[test]
fn a_planned_step_runs_once_however_often_it_is_planned() {
    let mut world =
        World::simple(|call| match (call.targets("a"), call.has("a"), call.has("nap")) {
            (true, ..) => {
                ops(&[op("StepRun", "a", &json!({"data": 1, "opts": {"parallelMode": "race"}}))])
            }
            (_, true, true) => answer(200, &json!("both")),
            (_, true, false) => ops(&[planned("a"), sleep("nap", "5m")]),
            _ => ops(&[planned("a"), planned("a"), sleep("nap", "1m")]),
        });
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.lines(&["a"]), ["- 0", "a 0 plan", "- 0", "- 0 plan"]);
    assert_eq!(world.output(), r#""both""#);
}

#[test]
fn a_discovery_request_costs_no_attempt_and_a_repeated_one_is_ignored() {
    let mut world = World::simple(|call| {
        let asked = call.at.duration_since(at(START)).as_millis() / 150;
        if asked < 3 {
            ops(&[op("DiscoveryRequest", &format!("again-{asked}"), &json!({}))])
        } else {
            ops(&[op("RunComplete", "complete", &json!({"data": asked}))])
        }
    });
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.lines(&[]), ["- 0", "- 0", "- 0", "- 0"]);
    assert_eq!(world.output(), "3");

    let mut world = World::simple(|_| ops(&[op("DiscoveryRequest", "same", &json!({}))]));
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.calls.len(), 2);
    let stuck = |activity: &Activity| matches!(activity.what, Happening::RunStuck { .. });
    assert!(world.activity.iter().any(stuck), "a run that nothing moves is told of");
    assert_eq!(world.run().status, Status::Running);
}

#[test]
fn an_empty_answer_is_asked_again() {
    let mut world =
        World::simple(
            |call| {
                if call.at == at(START) { ops(&[]) } else { answer(200, &json!("late")) }
            },
        );
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.output(), r#""late""#);
}

#[test]
fn large_state_is_left_out_of_the_call() {
    let mut world = World::simple(|call| {
        if call.body["use_api"] == true {
            return answer(
                200,
                &json!([
                    call.body["steps"],
                    call.body["ctx"]["use_api"],
                    call.body["events"][0]["name"]
                ]),
            );
        }
        let step = format!("s{}", call.body["ctx"]["stack"]["current"]);
        ops(&[op("StepRun", &step, &json!({"data": "x".repeat(1_500_000)}))])
    });
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.output(), r#"[{},true,"a/b"]"#);
    assert_eq!(world.calls.len(), 4);
}

#[test]
fn a_canceled_run_calls_no_more_and_its_late_reply_is_ignored() {
    let mut world = World::simple(|_| ran("a"));
    world.send(&json!({"name": "a/b"}));
    world.step(at(START));
    assert_eq!(world.under_way.len(), 1);
    let id = world.run().id;
    assert_eq!(world.cancel(id), Some(Status::Running));
    assert_eq!(world.cancel(id), Some(Status::Cancelled));
    world.go();
    assert_eq!(world.calls.len(), 1);
    assert_eq!(world.run().status, Status::Cancelled);
    assert_eq!(world.events(), ["a/b", "inngest/function.cancelled", "inngest/function.finished"]);
}
