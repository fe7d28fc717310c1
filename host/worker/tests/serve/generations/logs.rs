//! `GET /api/logs`: what a run has logged last.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Field, data};
use crate::bus::deployed;
use crate::call::{CallTo, RUN, Request};

#[tokio::test]
async fn what_a_run_logged_is_told_by_step_and_once() {
    let field = Field::of(deployed(&[guests::REPLAY]).await, |_| {}).await;
    let memos = [("one", data(Value::Null)), ("two", data(Value::Null))];
    for done in 0..=2 {
        field.bus.call(&CallTo { memos: &memos[..done], ..CallTo::new("logs") }).await;
    }
    let asked = async |query: &str| {
        field.bus.send(Request::new(Method::GET, &format!("/api/logs{query}"))).await
    };
    let texts = |told: &Value| -> Vec<(String, Value)> {
        let lines = told["lines"].as_array().expect("lines").iter();
        lines
            .map(|line| (line["text"].as_str().unwrap_or("").into(), line["name"].clone()))
            .collect()
    };
    let told = asked(&format!("?run={RUN}")).await.json();
    let line = |text: &str, step: Value| (text.to_owned(), step);
    assert_eq!(
        texts(&told),
        [
            line("begin", Value::Null),
            line("in one", json!("one")),
            line("between", Value::Null),
            line("end", Value::Null)
        ]
    );
    let first = &told["lines"][1];
    let hash = protocol::id::StepId::hash("one").to_string();
    assert_eq!(
        (&first["level"], &first["attempt"], &first["step"]),
        (&json!("info"), &json!(0), &json!(hash))
    );
    assert!(first["at"].is_string() && first["context"].is_string(), "{first}");
    assert_eq!((&told["run"], &told["gone"]), (&json!(RUN), &json!(0)));

    for step in ["one", &*hash] {
        let told = asked(&format!("?run={RUN}&step={step}")).await.json();
        assert_eq!(texts(&told), [line("in one", json!("one"))]);
    }
    // Another run has said nothing, and what is no run is told so.
    let other = asked("?run=01M81GXW71CEV7JQT6T4T8NAK0").await.json();
    assert_eq!(other["lines"], json!([]));
    for (query, says) in [("?run=x", "not the id of a run"), ("", "run"), ("?run=x&n=1", "n")] {
        let refused = asked(query).await;
        assert_eq!(refused.status, 400, "{query}");
        assert!(refused.body.contains(says), "{}", refused.body);
    }
    field.end().await;
}
