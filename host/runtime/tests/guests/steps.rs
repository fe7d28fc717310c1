use serde_json::json;

use crate::call::{Made, data, load, runtime};

async fn told(function: &str, made: Made<'_>) -> String {
    let component = load(&runtime(&[]), guests::STEPS).await.expect("a component");
    made.told(&component, function).await
}

#[tokio::test]
async fn a_linear_function_runs_one_step_a_call() {
    let memos = [
        ("one", data(1)),
        ("two", data(2)),
        ("three", data(3)),
        ("four", data(4)),
        ("five", data(5)),
    ];
    let component = load(&runtime(&[]), guests::STEPS).await.expect("a component");
    for (done, expected) in
        ["ran one 1", "ran two 2", "ran three 3", "ran four 4", "ran five 5", "done [1,2,3,4,5]"]
            .iter()
            .enumerate()
    {
        let made = Made { data: json!({}), memos: &memos[..done], ..Made::default() };
        assert_eq!(made.told(&component, "five").await, *expected);
    }
}

#[tokio::test]
async fn siblings_are_planned_together_run_by_target_and_joined() {
    let planned = told("parallel", Made { data: json!({}), ..Made::default() }).await;
    assert_eq!(planned, "StepPlanned a, StepPlanned b, StepPlanned c");
    let target = Made { data: json!({}), target: Some("b"), planned_only: true, ..Made::default() };
    assert_eq!(told("parallel", target).await, "ran b 2");
    let memos = [("c", data(3)), ("a", data(1)), ("b", data(2))];
    assert_eq!(
        told("parallel", Made { data: json!({}), memos: &memos, ..Made::default() }).await,
        "ran sum 6"
    );
}

#[tokio::test]
async fn results_come_in_the_order_in_which_the_server_stored_them() {
    let name = |n: u32| format!("item[{n}]");
    let names = [name(0), name(1), name(2)];
    let memos = [(names[2].as_str(), data(2)), (&names[0], data(0)), (&names[1], data(1))];
    assert_eq!(told("unordered", Made { memos: &memos, ..Made::default() }).await, "done [2,0,1]");
}

#[tokio::test]
async fn a_sleep_is_planned_and_ends_with_its_memo() {
    let memos = [("before", data(json!(null))), ("nap", json!(null)), ("after", data(json!(null)))];
    for (done, expected) in [(1, "Sleep nap"), (2, "ran after null"), (3, "done \"rested\"")] {
        let made = Made { data: json!({"wait": 50}), memos: &memos[..done], ..Made::default() };
        assert_eq!(told("slept", made).await, expected);
    }
}

#[tokio::test]
async fn a_failing_step_says_what_shall_happen() {
    let made = |attempt| Made { data: json!({"failures": 1}), attempt, ..Made::default() };
    assert_eq!(told("retried", made(0)).await, "flaky failed with Error: not yet (After(1s))");
    assert_eq!(told("retried", made(1)).await, "ran flaky 1");
}

#[tokio::test]
async fn a_stored_failure_can_be_caught_and_is_final_when_it_is_not() {
    let doomed = || told("caught", Made { data: json!({}), ..Made::default() });
    assert_eq!(doomed().await, "doomed failed with Doomed: no use (Never)");
    let error = json!({"error": {"name": "Doomed", "message": "no use"}});
    let memos = [("doomed", error), ("rescue", data(json!(null)))];
    for (done, expected) in [(1, "ran rescue null"), (2, "done \"Doomed: no use\"")] {
        let made = Made { data: json!({}), memos: &memos[..done], ..Made::default() };
        assert_eq!(told("caught", made).await, expected);
    }
    let made = Made { memos: &memos[..1], ..Made::default() };
    assert_eq!(told("uncaught", made).await, "failed with Doomed: no use (Never)");
}

#[tokio::test]
async fn events_are_handed_to_the_host() {
    let made = Made { data: json!({}), ..Made::default() };
    assert_eq!(told("sends", made).await, r#"ran tell {"ids":["sent"]}"#);
    let made = Made { data: json!({}), ..Made::default() };
    assert_eq!(told("sends-beside", made).await, "StepPlanned tell, StepPlanned work");
    let memos = [("tell", data(json!({"ids": ["a"]})))];
    assert_eq!(
        told("sends", Made { data: json!({}), memos: &memos, ..Made::default() }).await,
        "done 1"
    );
}

#[tokio::test]
async fn a_target_that_is_not_met_is_named() {
    let made = Made { data: json!({}), target: Some("gone"), ..Made::default() };
    assert_eq!(told("five", made).await, "no target: it waits for other steps");
    let made = Made { data: json!({}), target: Some("gone"), ..Made::default() };
    assert_eq!(told("fails", made).await, "no target: it failed with Error: nothing works today");
}

#[tokio::test]
async fn requests_of_one_body_overlap() {
    let server = crate::replay::Slow::start().await;
    let component =
        load(&runtime(&[&server.destination()]), guests::STEPS).await.expect("a component");
    let made = Made { data: json!({"count": server.url(), "wait": 100}), ..Made::default() };
    assert_eq!(made.told(&component, "overlaps").await, "ran both null");
    assert_eq!(server.most_at_once(), 2);
}
