use serde_json::json;

use crate::call::{Made, data, load, runtime};

async fn told(function: &str, made: Made<'_>) -> String {
    let component = load(&runtime(&[]), guests::CHANGED).await.expect("a component");
    made.told(&component, function).await
}

#[tokio::test]
async fn a_renamed_step_is_a_new_one_and_the_old_memo_is_left_alone() {
    let memos = [("one", data(1)), ("two", data(2)), ("three", data(3))];
    let made = Made { data: json!({}), memos: &memos, ..Made::default() };
    assert_eq!(told("five", made).await, "ran drei 3");
}

#[tokio::test]
async fn a_removed_step_is_not_found_and_what_is_left_goes_on_without_it() {
    let target = Made { data: json!({}), target: Some("b"), planned_only: true, ..Made::default() };
    assert_eq!(told("parallel", target).await, "no target: it waits for other steps");
    let memos = [("b", data(2)), ("c", data(3)), ("a", data(1))];
    let made = Made { data: json!({}), memos: &memos, ..Made::default() };
    assert_eq!(told("parallel", made).await, "ran sum 4");
}
