use serde_json::json;

use crate::call::{Made, data, load, runtime};

/// The replies as a whole, over HTTP, are in the worker's tests.
#[tokio::test]
async fn the_attempts_number_decides_what_fails() {
    let component = load(&runtime(&[]), guests::CONFORMANCE).await.expect("a component");
    let memos = [("first step", data("yes: 2"))];
    for (attempt, done, expected) in [
        (0, 0, "first step failed with Error: broken (Again)"),
        (1, 0, "ran first step \"yes: 2\""),
        (0, 1, "failed with Error: broken func (Again)"),
        (1, 1, "done {\"body\":\"ok\",\"name\":\"tests/retry.test\"}"),
    ] {
        let made = Made { data: json!({}), memos: &memos[..done], attempt, ..Made::default() };
        assert_eq!(made.told(&component, "test-suite-retry-test").await, expected);
    }
}
