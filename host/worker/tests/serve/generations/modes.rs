//! Which version a run goes on with, by the mode of its function.

use serde_json::{Value, json};

use super::{Field, begin, data, versioned};
use crate::clone::Artifact;

#[tokio::test]
async fn a_run_goes_on_as_its_mode_says_and_the_proofs_are_counted() {
    let field = Field::start().await;
    let run = begin().await;
    let memos = [("one", data("1.one")), ("two", data("1.two")), ("nap", Value::Null)];
    assert_eq!(field.says("versioned", &run, &memos[..1]).await, "1.two");
    field.deploy("versioned", &versioned("2")).await;
    assert_eq!(field.says("versioned", &run, &memos[..1]).await, "2.two", "it fits");
    assert_eq!(field.says("versioned-pinned", &run, &memos[..1]).await, "1.two");
    let renamed = Artifact::read(guests::VERSIONED_RENAMED).version("3");
    field.deploy("versioned", &renamed).await;
    // What the newest has renamed is stored: the next older one that fits answers.
    assert_eq!(field.says("versioned", &run, &memos).await, "2.three");
    assert_eq!(field.says("versioned-pinned", &run, &memos).await, "1.three");
    let seen = field.generations().await;
    let counted = |at: usize| seen["functions"][at]["verdicts"].clone();
    assert_eq!(counted(0), json!({"moved": 2, "stayed": {"orphaned": 1}}), "{seen}");
    assert_eq!(counted(1), json!({"moved": 0, "stayed": {}}));
    field.end().await;
}
