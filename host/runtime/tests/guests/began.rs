use protocol::outcome::Outcome;
use protocol::replay::Rigour;
use serde_json::{Value, json};

use crate::call::{Made, data, load, runtime, words};

/// What the code that begins a run of this function leaves behind when it has run so many steps: names and memos, in
/// the order of completion. Each call proves first that what the earlier ones left fits.
pub(crate) async fn left_behind(function: &str, steps: usize) -> Vec<(String, Value)> {
    let component = load(&runtime(&[]), guests::BEGAN).await.expect("a component");
    let mut left: Vec<(String, Value)> = Vec::new();
    while left.len() < steps {
        let memos: Vec<_> = left.iter().map(|(name, memo)| (name.as_str(), memo.clone())).collect();
        let made = |target, rigour| Made {
            memos: &memos,
            data: json!({}),
            target,
            rigour,
            planned_only: target.is_some(),
            ..Made::default()
        };
        let proof = made(None, Rigour::Proof).told(&component, function).await;
        assert_eq!(proof, "fits", "after {left:?}");
        let outcome = made(None, Rigour::Strict).to(&component, function).await.expect("it runs");
        let outcome = match outcome {
            Outcome::Planned(ops) => {
                let name = ops[0].step.name.clone();
                let targeted = made(Some(&name), Rigour::Strict);
                targeted.to(&component, function).await.expect("it runs")
            }
            other => other,
        };
        let Outcome::StepRan { step, data: result, .. } = &outcome else {
            panic!("{}", words(&outcome))
        };
        left.push((
            step.name.clone(),
            data(serde_json::from_str::<Value>(result.get()).expect("JSON")),
        ));
    }
    left
}

#[tokio::test]
async fn the_code_that_made_a_memo_fits_it_at_every_step() {
    for (function, steps) in [("renamed", 3), ("siblings", 2), ("aliased-siblings", 2)] {
        let left = left_behind(function, steps).await;
        assert_eq!(left.len(), steps);
        let memos: Vec<_> = left.iter().map(|(name, memo)| (name.as_str(), memo.clone())).collect();
        let component = load(&runtime(&[]), guests::BEGAN).await.expect("a component");
        let sum = if steps == 3 { "done 6" } else { "done 3" };
        for (rigour, said) in
            [(Rigour::Lenient, sum), (Rigour::Strict, sum), (Rigour::Proof, "fits")]
        {
            let made = Made { memos: &memos, data: json!({}), rigour, ..Made::default() };
            assert_eq!(made.told(&component, function).await, said);
        }
    }
}
