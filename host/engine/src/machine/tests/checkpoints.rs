//! Results that are stored while a call goes on.

use super::*;
use crate::run::{Checkpoint, Refusal};

/// A world whose only run has its first call under way.
fn under_way(worker: impl Fn(&Call) -> Answer + 'static) -> World {
    let mut world = World::simple(worker);
    world.send(&json!({"name": "a/b"}));
    world.step(at(START));
    world
}

fn body(world: &World) -> Value {
    serde_json::from_str(&world.under_way[0].body).expect("JSON")
}

/// What a worker posts in the call with this body.
fn post(call: &Value, steps: &[Value]) -> Value {
    let ctx = &call["ctx"];
    json!({
        "run_id": ctx["run_id"], "fn_id": ctx["fn_id"], "qi_id": ctx["qi_id"],
        "request_id": ctx["request_id"], "generation_id": ctx["generation_id"],
        "steps": steps, "ts": 1,
    })
}

fn store(world: &mut World, post: &Value) -> Result<(), Refusal> {
    let checkpoint: Checkpoint = serde_json::from_value(post.clone()).expect("a checkpoint");
    let run = post["run_id"].as_str().expect("an id").parse().expect("an id");
    let outcome = world.machine.checkpoint(run, &checkpoint, world.now, &mut world.entropy);
    world.save();
    outcome
}

fn step(name: &str) -> Value {
    op("StepRun", name, &json!({"data": name, "timing": {"a": 1, "b": 2}}))
}

#[test]
fn what_is_stored_is_there_after_a_death_and_only_once() {
    let mut world = under_way(|call| answer(200, &call.body["steps"]));
    let call = body(&world);
    let first = post(&call, &[step("a"), planned("b"), op("DeferAdd", "d", &json!({})), step("b")]);
    assert_eq!(store(&mut world, &first), Ok(()));
    assert_eq!(store(&mut world, &first), Ok(()), "the same again is harmless");
    assert_eq!(store(&mut world, &post(&call, &[])), Ok(()));
    assert_eq!(world.run().stack, [StepId::hash("a"), StepId::hash("b")]);
    world.restart();
    world.go();
    let expected = json!({
        (StepId::hash("a").to_string()): {"data": "a"}, (StepId::hash("b").to_string()): {"data": "b"},
    });
    assert_eq!(serde_json::from_str::<Value>(&world.output()).expect("JSON"), expected);
    assert_eq!(world.calls.len(), 1);
    assert_eq!(world.calls[0].body["ctx"]["stack"]["current"], 2);
}

#[test]
fn a_checkpoint_gives_the_item_all_its_attempts_back() {
    let mut world = under_way(|call| {
        if call.has("a") { answer(200, &json!(call.attempt())) } else { answer(500, &json!({})) }
    });
    world.step(at(START));
    while world.under_way.is_empty() {
        world.step(at("2026-11-22T14:00:00Z"));
    }
    let call = body(&world);
    assert_eq!((&call["ctx"]["attempt"], &call["ctx"]["generation_id"]), (&json!(1), &json!(2)));
    assert_eq!(store(&mut world, &post(&call, &[step("b")])), Ok(()));
    // This call fails, and is the first to have failed again.
    world.step(world.now);
    while world.under_way.is_empty() {
        world.step(at("2026-11-22T14:00:00Z"));
    }
    let again = body(&world);
    assert_eq!((&again["ctx"]["attempt"], &again["ctx"]["generation_id"]), (&json!(1), &json!(3)));
    assert_eq!(again["ctx"]["job_id"], call["ctx"]["job_id"]);
}

#[test]
fn what_cannot_be_stored_is_refused_and_what_came_before_it_stays() {
    let mut world = under_way(|_| answer(200, &json!(1)));
    let call = body(&world);
    for (index, refused) in
        ["Sleep", "StepError", "StepFailed", "RunComplete", "WaitForEvent", "Nonsense"]
            .into_iter()
            .enumerate()
    {
        let name = format!("before-{index}");
        let rest = json!({"name": "1s", "error": {"name": "E", "message": "m"}});
        let steps = [step(&name), op(refused, "x", &rest), step("after")];
        let outcome = store(&mut world, &post(&call, &steps));
        assert!(matches!(outcome, Err(Refusal::Unusable(_))), "{refused}: {outcome:?}");
        assert!(world.run().stack.contains(&StepId::hash(&name)));
        assert!(!world.run().stack.contains(&StepId::hash("after")));
    }
    assert!(world.run().pending.is_empty() && world.run().items.len() == 1);
    let mut other = post(&call, &[step("a")]);
    other["fn_id"] = json!("another");
    assert!(matches!(store(&mut world, &other), Err(Refusal::Unusable(_))));
    world.go();
    let late = store(&mut world, &post(&call, &[step("late")]));
    assert!(matches!(late, Err(Refusal::Unusable(_))), "the run has ended: {late:?}");
}

#[test]
fn what_is_too_large_is_refused() {
    let mut world = under_way(|_| answer(200, &json!(1)));
    let call = body(&world);
    let large = |name: &str, bytes| op("StepRun", name, &json!({"data": "x".repeat(bytes)}));
    let outcome = store(&mut world, &post(&call, &[large("a", 4 << 20)]));
    assert!(matches!(outcome, Err(Refusal::TooLarge(_))));
    for n in 0..8 {
        let outcome = store(&mut world, &post(&call, &[large(&format!("s{n}"), 4_100_000)]));
        assert_eq!(outcome, Ok(()), "{n}");
    }
    let outcome = store(&mut world, &post(&call, &[large("more", 4_100_000)]));
    assert!(matches!(outcome, Err(Refusal::TooLarge(_))), "32 MiB are the most: {outcome:?}");
    assert_eq!(world.run().stack.len(), 8);
}

#[test]
fn a_dispatch_that_was_followed_by_another_is_stale() {
    let stale = |outcome: Result<(), Refusal>| {
        assert!(matches!(outcome, Err(Refusal::Stale(_))), "{outcome:?}");
    };
    let mut world =
        under_way(|call| if call.has("b") { ran("a") } else { answer(500, &json!({})) });
    let first = body(&world);
    let mut other = post(&first, &[step("a")]);
    other["request_id"] = json!("01M81GXK9DWMT8V2KRYANSDS2Q");
    stale(store(&mut world, &other));
    world.step(at(START));
    stale(store(&mut world, &post(&first, &[step("a")])));
    while world.under_way.is_empty() {
        world.step(at("2026-11-22T14:00:00Z"));
    }
    stale(store(&mut world, &post(&first, &[step("a")])));
    let second = body(&world);
    assert_eq!(store(&mut world, &post(&second, &[step("b")])), Ok(()));
    // The identifiers may be missing; what is there must be right.
    let mut plain = post(&second, &[step("c")]);
    plain
        .as_object_mut()
        .expect("it")
        .retain(|key, _| key != "request_id" && key != "generation_id");
    assert_eq!(store(&mut world, &plain), Ok(()));
    world.restart();
    stale(store(&mut world, &post(&second, &[step("d")])));
    while world.under_way.is_empty() {
        world.step(at("2026-11-22T14:00:00Z"));
    }
    stale(store(&mut world, &post(&second, &[step("d")])));
    let third = body(&world);
    world.step(world.now);
    stale(store(&mut world, &post(&third, &[step("d")])));
    assert_eq!(world.run().stack.len(), 3);
}
