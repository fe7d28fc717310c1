//! `POST /api/rollback`.

use serde_json::{Value, json};

use super::{Field, begin, post, versioned};
use crate::clone::Artifact;

/// Which code begins a run of each of two components.
async fn begun(field: &Field) -> [String; 2] {
    let clonable = format!("{:0<100}", "clonable-");
    let run = begin().await;
    [field.says("versioned", &run, &[]).await, field.says(&clonable, &run, &[]).await]
}

async fn back(field: &Field, to: Value) -> Value {
    let answer = field.bus.send(post("/api/rollback", &to)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let report = answer.json();
    assert_eq!(
        answer.header("etag"),
        Some(format!("\"{}\"", report["generation"]["after"]).as_str())
    );
    report
}

#[tokio::test]
async fn one_goes_back_by_one_or_to_any_generation_of_everything_or_of_one_function() {
    let field = Field::start().await;
    let clonable = |version| Artifact::read(guests::CLONABLE).version(version);
    field.deploy("clonable", &clonable("a")).await;
    field.deploy("versioned", &versioned("2")).await;
    field.deploy("clonable", &clonable("b")).await;
    assert_eq!(begun(&field).await, ["2.one", "b"]);
    back(&field, json!({})).await;
    assert_eq!(begun(&field).await, ["2.one", "a"]);
    let report = back(&field, json!({"to": 4, "why": "it was not its fault"})).await;
    assert_eq!(report["generation"], json!({"before": 5, "after": 6}));
    assert_eq!(begun(&field).await, ["2.one", "b"]);
    let line = field.generations().await["history"][0].clone();
    assert_eq!((&line["by"], &line["generation"]), (&json!("rollback"), &json!(6)));
    assert!(line["why"].as_str().is_some_and(|why| why.contains("it was not its fault")), "{line}");
    // The functions of a component go together.
    let report = back(&field, json!({"function": "versioned-pinned"})).await;
    assert_eq!(report["components"][0]["functions"], json!(["versioned", "versioned-pinned"]));
    assert_eq!(begun(&field).await, ["1.one", "b"]);
    let report = back(&field, json!({"function": "versioned", "to": 3})).await;
    assert_eq!(report["components"].as_array().map(Vec::len), Some(1));
    assert_eq!(begun(&field).await, ["2.one", "b"]);
    field.end().await;
}

#[tokio::test]
async fn there_is_no_way_back_to_what_never_was() {
    let field = Field::start().await;
    field.deploy("versioned", &versioned("2")).await;
    for (asked, status, error) in [
        (json!({"to": 9}), 404, "unknown"),
        (json!({"to": 0}), 404, "unknown"),
        (json!({"from": 1}), 400, "bad-request"),
        (json!({"function": "no id at all"}), 400, "bad-request"),
    ] {
        let answer = field.bus.send(post("/api/rollback", &asked)).await;
        assert_eq!((answer.status, &answer.json()["error"]), (status, &json!(error)), "{asked}");
    }
    let lost = post("/api/rollback", &json!({})).with("if-match", "\"1\"");
    assert_eq!(field.bus.send(lost).await.status, 412);
    assert_eq!(field.number(), 2);
    assert_eq!(field.says("versioned", &begin().await, &[]).await, "2.one");
    field.end().await;
}
