use runtime::Stored;
use serde_json::json;

use crate::call::{Made, data, load, runtime, words};
use crate::stage::Stage;

async fn told(function: &str, made: Made<'_>, stage: Stage) -> (String, Vec<String>) {
    let component = load(&runtime(&[]), guests::BLOCKING).await.expect("a component");
    let ended = made.on(stage.clone(), &component, function).await;
    (ended.map_or_else(|failed| failed.to_string(), |outcome| words(&outcome)), stage.said())
}

/// Without anything stored on the way.
async fn plainly(function: &str, made: Made<'_>) -> String {
    told(function, made, Stage::default()).await.0
}

#[tokio::test]
async fn one_step_runs_in_a_call_and_earlier_ones_come_back() {
    let memos = [("a", data(1)), ("b", data(2))];
    for (done, expected) in ["ran a 1", "ran b 2", "done [1,2]"].iter().enumerate() {
        let made = Made { memos: &memos[..done], ..Made::default() };
        assert_eq!(plainly("row", made).await, *expected);
    }
}

#[tokio::test]
async fn a_row_goes_on_in_one_call_where_steps_are_stored() {
    let (ended, said) = told("row", Made::default(), Stage::storing(&[Stored::Kept])).await;
    assert_eq!((ended.as_str(), said.len()), ("done [1,2]", 2));
}

#[tokio::test]
async fn siblings_are_planned_together_run_by_target_and_come_back_in_their_order() {
    let planned = plainly("siblings", Made::default()).await;
    assert_eq!(planned, "StepPlanned x, StepPlanned y, StepPlanned z");
    let target = Made { target: Some("y"), planned_only: true, ..Made::default() };
    assert_eq!(plainly("siblings", target).await, "ran y 1");
    let memos = [("z", data(2)), ("x", data(0)), ("y", data(1))];
    let made = || Made { memos: &memos, ..Made::default() };
    assert_eq!(plainly("siblings", made()).await, r#"ran after "0+1+2""#);
}

#[tokio::test]
async fn the_last_sibling_may_run_at_once_and_the_group_goes_on() {
    let memos = [("x", data(0)), ("z", data(2))];
    let made = || Made { memos: &memos, ..Made::default() };
    let (ended, said) = told("siblings", made(), Stage::storing(&[Stored::Kept])).await;
    assert_eq!((ended.as_str(), said.len()), (r#"done "0+1+2""#, 2));
}

#[tokio::test]
async fn waits_end_the_call_and_come_back_as_what_came() {
    let event = json!({"name": "testing/go", "data": {"n": 1}});
    let memos = [("nap", json!(null)), ("go", event.clone())];
    for (done, expected) in [
        (0, "Sleep nap".to_owned()),
        (1, "WaitForEvent go".to_owned()),
        (2, format!("done {event}")),
    ] {
        let made = Made { memos: &memos[..done], ..Made::default() };
        assert_eq!(plainly("waits", made).await, expected);
    }
}

#[tokio::test]
async fn a_stored_failure_can_be_caught() {
    let failed = plainly("caught", Made::default()).await;
    assert_eq!(failed, "doomed failed with Doomed: no use (Never)");
    let memos = [("doomed", json!({"error": {"name": "Doomed", "message": "no use"}}))];
    let rescued = plainly("caught", Made { memos: &memos, ..Made::default() }).await;
    assert!(rescued.starts_with("ran rescue ") && rescued.contains("no use"), "{rescued}");
}

#[tokio::test]
async fn an_edited_input_reaches_the_body() {
    let memos = [("edited", json!({"input": [1, "two"]}))];
    let ran = plainly("edited", Made { memos: &memos, ..Made::default() }).await;
    assert_eq!(ran, r#"ran edited "[1,\"two\"]""#);
}
