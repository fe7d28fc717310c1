//! Races and execution versions: what wakes a run that has several things under way.

use super::*;

fn one(answer: Answer) -> Answer {
    Answer { version: Some(1), ..answer }
}

fn nothing() -> Answer {
    ops(&[op("None", "x", &json!({}))])
}

fn racing(code: &str, name: &str, opts: &Value) -> Value {
    let mut op = op(code, name, &json!({"opts": opts}));
    op["opts"]["parallelMode"] = json!("race");
    op
}

/// Beside a long sleep something ends early; when the run was woken first.
fn woken(batch: Vec<Value>, version: i32) -> String {
    let mut world = World::new(move |call| {
        if call.slug == "app-child" {
            return answer(200, &json!(1));
        }
        let answered = if call.at == at(START) && call.body["ctx"]["stack"]["current"] == 0 {
            ops(&batch)
        } else {
            answer(
                200,
                &json!({"at": call.at, "plan": call.body["ctx"]["disable_immediate_execution"]}),
            )
        };
        Answer { version: Some(version), ..answered }
    });
    world.sync(&[
        configured("app-f", "a/b", &json!({})),
        configured("app-child", "a/child", &json!({})),
    ]);
    world.send(&json!({"name": "a/b"}));
    world.go_until("2026-11-22T13:01:00Z");
    world.signal("s", &json!(1));
    world.send(&json!({"name": "a/paid"}));
    world.go_until("2026-11-23T13:00:00Z");
    world.runs()[0].output.as_ref().expect("it has ended").to_string()
}

#[test]
fn each_kind_of_step_lifts_the_barrier_where_it_must_stand() {
    let slow = || sleep("slow", "1h");
    let child = json!({"function_id": "app-child", "payload": {"data": {}}});
    let signal = json!({"signal": "s", "timeout": "2h"});
    let event = json!({"event": "a/paid", "timeout": "2h"});
    let early = |at: &str, plan: bool| format!(r#"{{"at":"2026-11-22T{at}Z","plan":{plan}}}"#);
    for (op, expected) in [
        (racing("Sleep", "quick", &json!({"duration": "10m"})), early("13:10:00", true)),
        (racing("InvokeFunction", "quick", &child), early("13:00:00", false)),
        (racing("WaitForSignal", "quick", &signal), early("13:01:00", false)),
        // The one kind that never does.
        (racing("WaitForEvent", "quick", &event), early("14:00:00", true)),
        (op("WaitForSignal", "quick", &json!({"opts": signal})), early("14:00:00", true)),
    ] {
        assert_eq!(woken(vec![op.clone(), slow()], 2), expected, "{op}");
    }
    for code in ["WaitForEvent", "WaitForSignal"] {
        let opts = if code == "WaitForEvent" { &event } else { &signal };
        let op = op(code, "quick", &json!({"opts": opts}));
        assert_eq!(woken(vec![op, slow()], 1), early("13:01:00", true), "version 1: {code}");
    }
}

#[test]
fn the_race_of_a_planned_step_counts_on_its_result_only() {
    for (plan, result, expected) in [(true, false, 2), (false, true, 1)] {
        let mut world = World::simple(move |call| {
            let raced = |code: &str, race: bool| {
                if race { racing(code, "q", &json!({})) } else { op(code, "q", &json!({})) }
            };
            match (call.targets("q"), call.has("q")) {
                (true, _) => ops(&[raced("StepRun", result)]),
                (_, true) => answer(200, &json!(call.body["ctx"]["stack"]["current"])),
                _ => ops(&[raced("StepPlanned", plan), sleep("slow", "1m")]),
            }
        });
        world.send(&json!({"name": "a/b"}));
        world.go();
        assert_eq!(world.output(), expected.to_string());
    }
}

#[test]
fn a_discovery_request_switches_a_run_to_version_one_when_it_does_not_come_alone() {
    let mut world = World::simple(|call| match (call.has("a"), call.body["version"].as_i64()) {
        (false, _) => ran("a"),
        // The server records a version with a group of ops.
        (true, Some(2)) => one(ops(&[
            op("DiscoveryRequest", "again", &json!({})),
            op("None", "again", &json!({})),
        ])),
        (true, _) if call.has("w") => one(answer(200, &json!(call.at))),
        _ => one(ops(&[
            op("WaitForEvent", "w", &json!({"opts": {"event": "a/paid", "timeout": "1h"}})),
            sleep("slow", "1h"),
        ])),
    });
    world.send(&json!({"name": "a/b"}));
    world.go_until("2026-11-22T13:01:00Z");
    let versions: Vec<_> = world.calls.iter().map(|call| call.body["version"].clone()).collect();
    assert_eq!(versions, [json!(-1), json!(2), json!(1)]);
    world.restart();
    world.send(&json!({"name": "a/paid"}));
    world.go();
    assert_eq!(world.output(), r#""2026-11-22T13:01:00Z""#);
    assert_eq!(world.calls[3].body["ctx"]["disable_immediate_execution"], true);
}

#[test]
fn a_reply_that_switches_reports_its_batch_too_late() {
    let mut world = World::simple(|call| match (call.has("a"), call.has("w")) {
        (false, _) => ran("a"),
        (true, false) => one(ops(&[
            op("WaitForEvent", "w", &json!({"opts": {"event": "a/paid", "timeout": "1h"}})),
            sleep("slow", "30m"),
        ])),
        _ => one(answer(200, &json!(call.at))),
    });
    world.send(&json!({"name": "a/b"}));
    world.go_until("2026-11-22T13:01:00Z");
    world.send(&json!({"name": "a/paid"}));
    world.go();
    assert_eq!(world.output(), r#""2026-11-22T13:30:00Z""#);
    assert_eq!(world.calls.last().expect("it").body["version"], 1);
}

#[test]
fn a_loser_holds_back_what_comes_after_the_race() {
    let mut world =
        World::simple(|call| match (call.targets("q"), call.has("q"), call.has("next")) {
            (true, ..) => ops(&[racing("StepRun", "q", &json!({}))]),
            (_, true, false) => ran("next"),
            (_, true, true) => answer(200, &json!(call.at)),
            _ => ops(&[planned("q"), sleep("slow", "3s")]),
        });
    world.send(&json!({"name": "a/b"}));
    world.go();
    // A lone step without the option waits for the loser.
    assert_eq!(world.output(), r#""2026-11-22T13:00:03Z""#);
}

#[test]
fn version_one_is_woken_by_every_end() {
    let mut world =
        World::simple(|call| match (call.targets("a"), call.has("a"), call.has("nap")) {
            (true, ..) => one(ran("a")),
            (_, true, true) => one(answer(200, &json!(null))),
            (_, false, false) => one(ops(&[planned("a"), sleep("nap", "5m")])),
            _ => one(nothing()),
        });
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.lines(&["a"]), ["- 0", "a 0 plan", "- 0 plan", "- 0 plan"]);
}
