//! Any function, any deaths: the outcome is the same.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// A step and how often its body fails before it succeeds.
type Step = (String, u64);

/// One stage of a function; the next one begins when it is over.
#[derive(Debug, Clone)]
enum Stage {
    Serial(Step),
    /// Steps side by side, with a sleep of so many seconds beside them if there are any.
    Parallel(Vec<Step>, u64),
    Sleep(u64),
    /// A wait for an event that never comes, for so many seconds.
    Wait(u64),
    /// Another function, with a wait for the news of its end beside it.
    Invoke,
    /// A request that fails so many times.
    Fetch(u64),
}

fn interpret(stages: &[Stage], call: &Call) -> Answer {
    if call.slug == "app-child" {
        return if call.has("c") { answer(200, &json!("child")) } else { ran("c") };
    }
    let run = |(name, fails): &Step| if call.attempt() < *fails { erred(name) } else { ran(name) };
    for (at, stage) in stages.iter().enumerate() {
        let nap = format!("nap-{at}");
        match stage {
            Stage::Serial(step) if !call.has(&step.0) => return run(step),
            Stage::Sleep(seconds) if !call.has(&nap) => {
                return ops(&[sleep(&nap, &format!("{seconds}s"))]);
            }
            Stage::Parallel(steps, seconds) => {
                if let Some(step) = steps.iter().find(|(name, _)| call.targets(name)) {
                    return run(step);
                }
                let missing = steps.iter().filter(|(name, _)| !call.has(name));
                let mut found: Vec<Value> = missing.map(|(name, _)| planned(name)).collect();
                if *seconds > 0 && !call.has(&nap) {
                    found.push(sleep(&nap, &format!("{seconds}s")));
                }
                if !found.is_empty() {
                    return ops(&found);
                }
            }
            Stage::Wait(seconds) if !call.has(&nap) => {
                let opts = json!({"event": "a/never", "timeout": format!("{seconds}s")});
                return ops(&[op("WaitForEvent", &nap, &json!({"opts": opts}))]);
            }
            Stage::Invoke => {
                let invoked = format!("child-{at}");
                if !(call.has(&nap) && call.has(&invoked)) {
                    let wait = json!({"event": "inngest/function.finished", "timeout": "1h",
                        "if": "async.data.function_id == 'app-child'"});
                    let child = json!({"function_id": "app-child", "payload": {"data": {}}});
                    return ops(&[
                        op("InvokeFunction", &invoked, &json!({"opts": child})),
                        op("WaitForEvent", &nap, &json!({"opts": wait})),
                    ]);
                }
            }
            Stage::Fetch(_) if !call.has(&nap) => {
                let opts = json!({"url": format!("http://o/{at}/{}", call.attempt())});
                return ops(&[op("Gateway", &nap, &json!({"opts": opts}))]);
            }
            _ => {}
        }
    }
    let mut steps = call.body["steps"].clone();
    for memo in steps.as_object_mut().expect("an object").values_mut() {
        // What a wait got has ids that depend on everything before; its name is enough.
        if memo.get("name").is_some() {
            *memo = memo["name"].clone();
        }
    }
    answer(200, &steps)
}

/// Requests are refused for as many attempts as their stage says.
fn others(stages: &[Stage], request: &Request) -> Response {
    let mut path = request.url.path().split('/').skip(1).map(str::parse::<usize>);
    let mut next = || path.next().expect("a part").expect("a number");
    let (at, attempt) = (next(), next());
    match &stages[at] {
        Stage::Fetch(fails) if attempt as u64 >= *fails => {
            Response::Answered { status: 200, headers: Vec::new(), body: String::new() }
        }
        _ => Response::Failed("refused".to_owned()),
    }
}

fn stages() -> impl Strategy<Value = Vec<Stage>> {
    let stage = prop_oneof![
        (0..4_u64).prop_map(|fails| Stage::Serial((String::new(), fails))),
        (prop::collection::vec(0..4_u64, 1..5), 0..100_u64).prop_map(|(steps, seconds)| {
            Stage::Parallel(
                steps.into_iter().map(|fails| (String::new(), fails)).collect(),
                seconds,
            )
        }),
        (1..50_000_u64).prop_map(Stage::Sleep),
        (0..5_000_u64).prop_map(Stage::Wait),
        Just(Stage::Invoke),
        (0..4_u64).prop_map(Stage::Fetch),
    ];
    prop::collection::vec(stage, 0..6).prop_map(|mut stages| {
        for (at, stage) in stages.iter_mut().enumerate() {
            match stage {
                Stage::Serial((name, _)) => *name = format!("s-{at}"),
                Stage::Parallel(steps, _) => {
                    for (place, (name, _)) in steps.iter_mut().enumerate() {
                        *name = format!("p-{at}-{place}");
                    }
                }
                Stage::Sleep(_) | Stage::Wait(_) | Stage::Invoke | Stage::Fetch(_) => {}
            }
        }
        stages
    })
}

/// Runs a function to its end, with deaths after these inputs; its output, and how many calls were answered.
fn play(stages: &[Stage], deaths: &BTreeSet<usize>) -> (String, usize) {
    let function = stages.to_vec();
    let mut world = World::new(move |call| interpret(&function, call));
    world.sync(&[
        super::function("app-f", &json!([{"event": "a/b"}]), 4),
        super::function("app-child", &json!([]), 4),
    ]);
    let requested = stages.to_vec();
    world.others = Box::new(move |request| others(&requested, request));
    world.send(&json!({"name": "a/b"}));
    // Before ended runs are forgotten.
    let horizon = at("2026-11-28T00:00:00Z");
    for input in 0_usize.. {
        if deaths.contains(&input) {
            world.restart();
        }
        if !world.step(horizon) && deaths.range(input..).next().is_none() {
            break;
        }
    }
    let run = world.runs().into_iter().find(|run| run.slug == "app-f").expect("the run");
    assert_eq!(run.status, Status::Completed, "{run:?}");
    let output = run.output.as_ref().expect("an output").to_string();
    (output, world.calls.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// However a function is built and wherever the engine dies, the run ends with the same memos, and without
    /// deaths every body runs exactly as often as it must.
    #[test]
    fn every_function_arrives(
        stages in stages(),
        deaths in prop::collection::btree_set(0..60_usize, 0..12),
    ) {
        let (output, calls) = play(&stages, &BTreeSet::new());
        prop_assert_eq!(play(&stages, &deaths).0, output);
        let expected: u64 = stages.iter().map(|stage| match stage {
            Stage::Serial((_, fails)) | Stage::Fetch(fails) => fails + 1,
            Stage::Parallel(steps, _) => 1 + steps.iter().map(|(_, fails)| fails + 1).sum::<u64>(),
            Stage::Sleep(_) | Stage::Wait(_) => 1,
            Stage::Invoke => 3,
        }).sum();
        prop_assert_eq!(calls as u64, expected + 1);
    }
}
