use serde_json::json;

use crate::call::{Made, data, load, runtime};

#[tokio::test]
async fn the_benchmarks_guest_does_what_the_benchmarks_measure() {
    let component = load(&runtime(&[]), guests::BENCH).await.expect("a component");
    assert_eq!(Made::default().told(&component, "noop").await, "done null");
    assert_eq!(Made::default().told(&component, "runs").await, "ran only 7");
    let record =
        json!({"id": "i", "name": "n", "count": 2, "ratio": 0.5, "done": true, "tags": ["t"]});
    let names: Vec<String> = (0..3).map(|n| format!("item[{n}]")).collect();
    let memos: Vec<_> = names.iter().map(|name| (name.as_str(), data(record.clone()))).collect();
    let made = Made { data: json!({"steps": 3}), memos: &memos, ..Made::default() };
    assert_eq!(made.told(&component, "replays").await, "StepPlanned a, StepPlanned b");
    let made = Made { data: json!({"steps": 2}), ..Made::default() };
    assert_eq!(made.told(&component, "plans").await, "StepPlanned item[0], StepPlanned item[1]");
}
