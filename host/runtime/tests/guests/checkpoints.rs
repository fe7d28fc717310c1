//! Calls that go on after a step, since its result is stored meanwhile.

use runtime::Stored;
use serde_json::json;

use crate::call::{Made, data, load, runtime, words};
use crate::stage::Stage;

/// What one call of a function of `guests/steps.rs` came to, and what it asked of the stage.
async fn told(function: &str, made: Made<'_>, stage: Stage) -> (String, Vec<String>) {
    let component = load(&runtime(&[]), guests::STEPS).await.expect("a component");
    let outcome = made.on(stage.clone(), &component, function).await;
    (outcome.map_or_else(|failed| failed.to_string(), |outcome| words(&outcome)), stage.said())
}

fn made() -> Made<'static> {
    Made { data: json!({}), ..Made::default() }
}

#[tokio::test]
async fn a_linear_function_takes_one_call() {
    let (ended, said) = told("five", made(), Stage::storing(&[Stored::Kept])).await;
    assert_eq!(ended, "done [1,2,3,4,5]");
    assert_eq!(said, ["store one", "store two", "store three", "store four", "store five"]);
}

#[tokio::test]
async fn what_is_stored_already_is_not_stored_again() {
    let memos = [("one", data(1)), ("two", data(2))];
    let made = Made { data: json!({}), memos: &memos, ..Made::default() };
    let (ended, said) = told("five", made, Stage::storing(&[Stored::Kept])).await;
    assert_eq!((ended.as_str(), said.len()), ("done [1,2,3,4,5]", 3));
}

#[tokio::test]
async fn siblings_end_the_call_and_so_do_sleeps() {
    let (ended, said) = told("parallel", made(), Stage::storing(&[Stored::Kept])).await;
    assert_eq!((ended.as_str(), said.len()), ("StepPlanned a, StepPlanned b, StepPlanned c", 0));
    let made = Made { data: json!({"wait": 50}), ..Made::default() };
    let (ended, said) = told("slept", made, Stage::storing(&[Stored::Kept])).await;
    assert_eq!((ended.as_str(), said), ("Sleep nap", vec!["store before".to_owned()]));
}

#[tokio::test]
async fn a_step_that_fails_ends_the_call_and_what_ran_before_it_is_stored() {
    let (ended, said) = told("caught", made(), Stage::storing(&[Stored::Kept])).await;
    assert_eq!(ended, "doomed failed with Doomed: no use (Never)");
    assert!(said.is_empty(), "{said:?}");
}

#[tokio::test]
async fn events_are_sent_on_the_way() {
    let (ended, said) = told("sends", made(), Stage::storing(&[Stored::Kept])).await;
    assert_eq!(ended, "done 1");
    assert_eq!(said, ["send testing/five.requested from tell", "store tell"]);
}

#[tokio::test]
async fn each_answer_of_the_store_is_obeyed() {
    for (answer, expected) in [
        (Stored::No, "ran two 2"),
        // The worker reports what it holds; the call itself has nothing to add.
        (Stored::Held, ""),
        (Stored::Superseded, "Superseded"),
    ] {
        let stage = Stage::storing(&[Stored::Kept, answer]);
        let (ended, said) = told("five", made(), stage).await;
        assert_eq!(ended, expected, "{answer:?}");
        assert_eq!(said, ["store one", "store two"], "no step runs after it");
    }
}

#[tokio::test]
async fn when_its_time_is_over_the_next_step_is_planned() {
    let stage = Stage {
        steps_left: Some(std::sync::Arc::new(std::sync::Mutex::new(4))),
        ..Stage::storing(&[Stored::Kept])
    };
    // Each step takes two answers: run it, and what it ended with.
    let (ended, said) = told("five", made(), stage).await;
    assert_eq!(ended, "StepPlanned three");
    assert_eq!(said, ["store one", "store two"]);
}

#[tokio::test]
async fn lines_of_a_call_that_goes_on_are_emitted_once() {
    let component = load(&runtime(&[]), guests::REPLAY).await.expect("a component");
    let stage = Stage::storing(&[Stored::Kept]);
    let lines = crate::replay::Lines::default();
    let _guard = lines.listen();
    let ended = made().on(stage, &component, "logs").await.expect("it runs");
    assert_eq!(words(&ended), "done null");
    assert_eq!(lines.taken(), ["begin", "in one", "between", "end"]);
}
