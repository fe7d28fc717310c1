//! Runs that are done once more.

use super::*;
use crate::machine::{FromStep, Rerun, RerunError};

/// Three steps; the output is what the last call carried.
fn world() -> World {
    let mut world = World::simple(|call| {
        for step in ["a", "b", "c"] {
            match call.memo(step) {
                Some(memo) if memo.get("input").is_none() => {}
                Some(memo) => {
                    let data = json!({"data": memo["input"][0]});
                    return ops(&[op("StepRun", step, &data)]);
                }
                None => return ran(step),
            }
        }
        answer(200, &call.body["steps"])
    });
    world.send(&json!({"name": "a/b", "data": {"n": 1}}));
    world.go();
    world
}

fn rerun(world: &mut World, run: RunId, from: Option<FromStep>) -> Result<RunId, RerunError> {
    let rerun = Rerun { run, from };
    let kept = world.machine.kept_for(&rerun)?;
    let load = |(step, key): (StepId, String)| {
        let stored = &world.store[&(Table::Memos, key)];
        (step, serde_json::from_slice(stored).expect("a memo"))
    };
    let memos = kept.into_iter().map(load).collect();
    let new = world.machine.rerun(rerun, &memos, world.now, &mut world.entropy);
    world.save();
    new
}

fn from(step: &str, input: Option<Value>) -> FromStep {
    let input = input.map(|input| crate::event::canonical(&input));
    FromStep { step: step.to_owned(), input }
}

#[test]
fn a_rerun_begins_anew_with_the_same_event() {
    let mut world = world();
    let first = world.run().id;
    let new = rerun(&mut world, first, None).expect("a run");
    world.calls.clear();
    world.go();
    assert_eq!(world.calls.len(), 4);
    assert_eq!(world.calls[0].body["event"]["data"], json!({"n": 1}));
    assert_eq!(world.calls[0].body["ctx"]["run_id"], json!(new));
    assert_eq!(world.calls[0].body["steps"], json!({}));
    assert_eq!(world.machine.run(new).expect("it").status, Status::Completed);
}

#[test]
fn a_rerun_from_a_step_keeps_what_ended_before_it() {
    let hash = StepId::hash("b").to_string();
    for step in ["b", hash.as_str()] {
        let mut world = world();
        let first = world.run().id;
        let input = Some(json!(["edited", 2]));
        let new = rerun(&mut world, first, Some(from(step, input))).expect("a run");
        world.restart();
        world.calls.clear();
        world.go();
        let call = &world.calls[0].body;
        assert_eq!(
            call["steps"],
            json!({(StepId::hash("a").to_string()): {"data": "a"}, (hash.as_str()): {"input": ["edited", 2]}})
        );
        assert_eq!(call["ctx"]["stack"], json!({"current": 1, "stack": [StepId::hash("a")]}));
        assert_eq!(world.calls.len(), 3);
        assert_eq!(world.calls[1].memo("b"), Some(&json!({"data": "edited"})));
        assert_eq!(world.machine.run(new).expect("it").status, Status::Completed);
    }
    let mut world = world();
    let first = world.run().id;
    rerun(&mut world, first, Some(from("c", None))).expect("a run");
    world.calls.clear();
    world.go();
    assert_eq!(world.calls[0].body["steps"].as_object().expect("it").len(), 2);
    assert_eq!(world.calls.len(), 2);
}

#[test]
fn what_is_not_there_cannot_be_done_once_more() {
    let mut world = world();
    let first = world.run().id;
    let error = rerun(&mut world, first, Some(from("z", None))).expect_err("no step");
    assert!(error.to_string().contains("no finished step \"z\""), "{error}");
    let other: RunId = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().expect("an id");
    assert_eq!(rerun(&mut world, other, None), Err(RerunError::NoRun(other)));
}
