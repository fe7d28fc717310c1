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
}

fn interpret(stages: &[Stage], call: &Call) -> Answer {
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
            _ => {}
        }
    }
    answer(200, &call.body["steps"])
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
                Stage::Sleep(_) => {}
            }
        }
        stages
    })
}

/// Runs a function to its end, with deaths after these inputs; its output, and how many calls were answered.
fn play(stages: &[Stage], deaths: &BTreeSet<usize>) -> (String, usize) {
    let function = stages.to_vec();
    let mut world = World::simple(move |call| interpret(&function, call));
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
    (world.output(), world.calls.len())
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
            Stage::Serial((_, fails)) => fails + 1,
            Stage::Parallel(steps, _) => 1 + steps.iter().map(|(_, fails)| fails + 1).sum::<u64>(),
            Stage::Sleep(_) => 1,
        }).sum();
        prop_assert_eq!(calls as u64, expected + 1);
    }
}
