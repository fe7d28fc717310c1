//! How much a run may be: what goes beyond ends it, or costs an attempt.

use super::*;

/// The kind of the failure with which the only run has ended.
fn kind(world: &World) -> String {
    let run = world.run();
    assert_eq!(run.status, Status::Failed, "{:?} after {} steps", run.status, run.stack.len());
    let output: Value =
        serde_json::from_str(run.output.as_ref().expect("an output").get()).expect("JSON");
    output["error"]["error"].as_str().expect("a kind").to_owned()
}

#[test]
fn a_run_has_at_most_1000_steps() {
    let mut world = World::simple(|call| {
        let done = &call.body["ctx"]["stack"]["current"];
        if call.body["use_api"] == true { answer(500, done) } else { ran(&format!("s{done}")) }
    });
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(kind(&world), "InngestErrFunctionOverflowed");
    assert_eq!(world.run().stack.len(), 1_001, "it is the next one that is too many");
}

#[test]
fn the_results_of_a_run_have_at_most_32_mib() {
    let mut world = World::simple(|call| {
        let done = &call.body["ctx"]["stack"]["current"];
        ops(&[op("StepRun", &format!("s{done}"), &json!({"data": "x".repeat(4_000_000)}))])
    });
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(kind(&world), "InngestErrStateOverflowed");
    assert_eq!(world.run().stack.len(), 9, "eight of them fit");
}

#[test]
fn a_result_of_more_than_4_mib_costs_the_attempt() {
    for (bytes, fits) in [(4 * 1024 * 1024 - 2, true), (4 * 1024 * 1024 - 1, false)] {
        let mut world = World::simple(move |call| {
            // So large a state is left out of the call.
            if call.body["ctx"]["stack"]["current"] == 1 {
                return answer(200, &json!("fits"));
            }
            ops(&[op("StepRun", "big", &json!({"data": "x".repeat(bytes)}))])
        });
        world.send(&json!({"name": "a/b"}));
        world.go();
        if fits {
            assert_eq!(world.output(), "\"fits\"");
        } else {
            assert_eq!(kind(&world), "invalid ops");
            let attempts: Vec<u64> = world.calls.iter().map(Call::attempt).collect();
            assert_eq!(attempts, [0, 1, 2, 3, 4], "it is no failure of the step");
        }
    }
}

#[test]
fn a_reply_has_at_most_1000_ops() {
    for (count, fits) in [(1_000, true), (1_001, false)] {
        let mut world = World::simple(move |call| {
            if call.target.is_some() || call.has("s0") {
                return answer(200, &json!("planned"));
            }
            let all: Vec<Value> = (0..count).map(|n| planned(&format!("s{n}"))).collect();
            ops(&all)
        });
        world.send(&json!({"name": "a/b"}));
        world.go();
        if fits {
            assert_eq!(world.output(), "\"planned\"");
        } else {
            assert_eq!(kind(&world), "invalid ops");
        }
    }
}
