//! The versions of one function: what each says to a run that has slept in the first one.

use serde_json::json;

use crate::call::{Made, RUN, data, load, runtime};

/// What a run of the first version has behind it when it wakes up.
const BEFORE: [(&str, &str); 2] = [("one", "1.one"), ("two", "1.two")];

async fn told(guest: &str, function: &str) -> String {
    let mut memos: Vec<_> = BEFORE.iter().map(|(step, result)| (*step, data(*result))).collect();
    memos.push(("nap", json!(null)));
    let component = load(&runtime(&[]), guest).await.expect("a component");
    let made = Made { data: json!({}), memos: &memos, ..Made::default() };
    made.told(&component, function).await
}

#[tokio::test]
async fn each_version_does_with_the_first_ones_memo_what_its_name_says() {
    let table = [
        (guests::VERSIONED, r#"ran three "1.three""#),
        (guests::VERSIONED_ALIAS, r#"ran three "alias.three""#),
        (guests::VERSIONED_APPENDED, r#"ran three "appended.three""#),
        (guests::VERSIONED_BUG, "three failed with Error: this is the bug (Again)"),
        (guests::VERSIONED_FLAKY, r#"ran three "flaky.three""#),
        (guests::VERSIONED_INSERTED, r#"ran extra "inserted.extra""#),
        (guests::VERSIONED_REMOVED, r#"ran three "removed.three""#),
        (guests::VERSIONED_RENAMED, r#"ran second "renamed.second""#),
        (guests::VERSIONED_SWAPPED, r#"ran three "swapped.three""#),
    ];
    for (guest, expected) in table {
        for function in ["versioned", "versioned-pinned"] {
            assert_eq!(told(guest, function).await, expected, "{guest}");
        }
    }
    for (guest, part) in [
        (guests::VERSIONED_RETYPED, "failed with MemoDecodeError: the stored result of a step"),
        (guests::VERSIONED_TRAP, "Panic: function versioned of component versioned-trap"),
    ] {
        let said = told(guest, "versioned").await;
        assert!(said.starts_with(part), "{guest}: {said}");
    }
}

#[tokio::test]
async fn the_second_step_of_the_flaky_version_fails_for_some_runs_and_each_time() {
    let component = load(&runtime(&[]), guests::VERSIONED_FLAKY).await.expect("a component");
    let memos = [("one", data("flaky.one"))];
    let made = Made { data: json!({}), memos: &memos, ..Made::default() };
    let said = made.told(&component, "versioned").await;
    // The run of these tests is one of them.
    assert_eq!(said, "two failed with Error: this run is one of the three in ten (Again)", "{RUN}");
    assert_eq!(made.told(&component, "versioned").await, said);
}
