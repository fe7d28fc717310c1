//! The machine may die after any input and goes on from what was stored.

use super::*;

/// A function that uses everything: a step, a parallel batch with a sleep, a step that fails twice, a step error
/// that is caught.
fn function_of_all(call: &Call) -> Answer {
    for step in ["p", "q"] {
        if call.targets(step) {
            return if step == "q" && call.attempt() < 2 { erred("q") } else { ran(step) };
        }
    }
    if call.slug == "app-after" {
        return answer(200, &call.body["event"]["data"]["result"]);
    }
    if !call.has("one") {
        return ran("one");
    }
    if !(call.has("p") && call.has("q") && call.has("nap")) {
        return ops(&[planned("p"), planned("q"), sleep("nap", "2h")]);
    }
    if !call.has("bad") {
        return erred("bad");
    }
    answer(200, &json!([call.memo("p"), call.memo("q"), call.memo("bad")]))
}

fn world() -> World {
    let mut world = World::new(function_of_all);
    let finished = json!([{"event": "inngest/function.finished", "expression": "event.data.function_id == 'app-f'"}]);
    world.sync(&[
        function("app-f", &json!([{"event": "a/b"}]), 3),
        function("app-after", &finished, 3),
    ]);
    world.send(&json!({"name": "a/b", "data": {"n": 1}}));
    world
}

/// What must not depend on when the machine died.
fn outcome(world: &World) -> Vec<String> {
    let mut outcome: Vec<String> = world
        .runs()
        .iter()
        .map(|run| format!("{} {:?} {:?} {:?}", run.slug, run.status, run.stack, run.output))
        .collect();
    let mut events =
        world.machine.events.values().map(|event| event.name.clone()).collect::<Vec<_>>();
    events.sort();
    outcome.extend(events);
    outcome
}

#[test]
fn the_outcome_is_the_same_wherever_the_machine_dies() {
    let horizon = at("2026-11-23T13:00:00Z");
    let mut undisturbed = world();
    let mut inputs = 0;
    while undisturbed.step(horizon) {
        inputs += 1;
    }
    let expected = outcome(&undisturbed);
    assert!(expected[0].starts_with("app-f Completed"), "{expected:?}");
    assert!(expected[1].starts_with("app-after Completed"), "{expected:?}");
    assert!(inputs > 20, "{inputs}");

    for death in 0..inputs {
        let mut world = world();
        for _ in 0..death {
            world.step(horizon);
        }
        world.restart();
        while world.step(horizon) {}
        assert_eq!(outcome(&world), expected, "after a death at input {death}");
    }
}

#[test]
fn a_machine_that_dies_after_every_reply_still_arrives() {
    let horizon = at("2026-11-23T13:00:00Z");
    let mut steady = world();
    while steady.step(horizon) {}
    let mut mortal = world();
    let mut replies = 0;
    while mortal.step(horizon) {
        if mortal.calls.len() > replies {
            replies = mortal.calls.len();
            mortal.restart();
        }
    }
    assert_eq!(outcome(&mortal), outcome(&steady));
}

#[test]
fn a_call_that_was_under_way_is_made_again_with_its_attempt() {
    let mut world = World::simple(|call| {
        if call.attempt() == 0 { answer(500, &json!({})) } else { answer(200, &json!(null)) }
    });
    world.send(&json!({"name": "a/b"}));
    while world.calls.is_empty() {
        world.step(at("2026-11-22T14:00:00Z"));
    }
    while world.under_way.is_empty() {
        world.step(at("2026-11-22T14:00:00Z"));
    }
    let body =
        |world: &World| -> Value { serde_json::from_str(&world.under_way[0].body).expect("JSON") };
    let lost = body(&world);
    world.restart();
    world.step(world.now);
    let again = body(&world);
    for member in ["attempt", "job_id", "qi_id", "run_id", "stack"] {
        assert_eq!(lost["ctx"][member], again["ctx"][member], "{member}");
    }
    assert_ne!(lost["ctx"]["request_id"], again["ctx"]["request_id"]);
    // So that the lost call is known as such when it still speaks.
    let generation = |body: &Value| body["ctx"]["generation_id"].as_u64();
    assert!(generation(&lost) < generation(&again));
}

#[test]
fn what_is_damaged_is_named() {
    let mut world = world();
    world.save();
    let runs = world.store.keys().find(|(table, _)| *table == Table::Runs).cloned();
    let key = runs.expect("a run");
    world.store.insert(key.clone(), b"{".to_vec());
    let records = world
        .store
        .iter()
        .map(|((table, key), value)| Record::put(*table, key.clone(), value.clone()));
    let error = Machine::restore(SETTINGS, records, world.now).expect_err("damaged").to_string();
    assert!(error.contains(&key.1) && error.contains("Runs"), "{error}");
}
