use std::sync::Arc;

use runtime::Component;
use serde_json::{Value, json};

use crate::call::{Made, data, load, runtime};

async fn surface() -> Arc<Component> {
    load(&runtime(&[]), guests::SURFACE).await.expect("a component")
}

#[tokio::test]
async fn every_option_of_its_manifest_is_understood() {
    let component = surface().await;
    assert!(component.refused().is_empty());
    assert_eq!(component.functions().len(), 39);
}

/// What each kind of step is reported as when it is found.
#[tokio::test]
async fn every_kind_of_step_is_planned() {
    let component = surface().await;
    let asked = json!({"key": "k\"1", "url": "http://localhost/", "wait": 50});
    for (function, expected) in [
        ("wait-hit", "WaitForEvent answer"),
        ("wait-matched", "WaitForEvent by-value, WaitForEvent by-field"),
        ("signal-waits", "WaitForSignal signal"),
        ("fetches", "Gateway fetch"),
        ("infers", "AIGateway infer"),
        ("race-sleep", "StepPlanned work, Sleep patience"),
        // A wait that may win needs the older protocol from the first reply on.
        ("race-answer", "Switch"),
        ("nested", "StepPlanned first[a], StepPlanned first[b], StepPlanned first[c]"),
        ("dawdles", "Sleep long"),
    ] {
        let made = Made { data: asked.clone(), ..Made::default() };
        assert_eq!(made.told(&component, function).await, expected, "{function}");
    }
}

/// What each kind of step makes of what the server stores for it.
#[tokio::test]
async fn every_kind_of_step_ends_with_its_memo() {
    let component = surface().await;
    let event =
        json!({"name": "testing/answer.given", "data": {"key": "k", "value": 7}, "id": "e"});
    let answer = |status: u16| {
        data(json!({"url": "u", "status_code": status, "headers": {"A": "1,2"}, "body": "pong"}))
    };
    let error = |name: &str| json!({"error": {"name": name, "message": "no", "data": {"n": 1}}});
    let signal = data(json!({"signal": "testing/", "data": {"ok": true}}));
    for (function, step, memo, expected) in [
        ("race-answer", "answer", event.clone(), "done 7"),
        ("wait-matched", "by-value", event, "WaitForEvent by-field"),
        ("signal-waits", "signal", signal, r#"done {"ok":true}"#),
        ("signal-waits", "signal", Value::Null, "done null"),
        ("signal-sends", "send", data(json!({"run_id": "r"})), "done true"),
        ("signal-sends", "send", data(Value::Null), "done false"),
        ("invokes-timeout", "invoke", error("InngestInvokeTimeoutError"), "done true"),
        ("fetches", "fetch", answer(404), r#"done "404 pong""#),
        ("fetches", "fetch", error("GatewayError"), r#"done "GatewayError""#),
        ("infers", "infer", data(json!({"id": 1})), r#"done {"id":1}"#),
        (
            "infers",
            "infer",
            error("AIGatewayError"),
            r#"done {"data":{"n":1},"error":"AIGatewayError"}"#,
        ),
        ("race-sleep", "work", data(Value::Null), r#"done "worked""#),
        ("race-sleep", "patience", Value::Null, r#"done "slept""#),
        ("race-then", "work", data(1), "StepPlanned second"),
    ] {
        let made = Made { data: json!({}), memos: &[(step, memo)], ..Made::default() };
        assert_eq!(made.told(&component, function).await, expected, "{function}");
    }
}

#[tokio::test]
async fn a_failure_handler_takes_the_failed_run() {
    let component = surface().await;
    let failed = json!({
        "function_id": "app-doomed", "run_id": "r",
        "error": {"name": "Doomed", "message": "no use", "stack": ""},
        "event": {"name": "testing/doomed.requested", "data": {"key": "k"}},
    });
    let event = Some("inngest/function.failed");
    let made = Made { event, data: failed.clone(), ..Made::default() };
    assert_eq!(made.told(&component, "doomed-failure").await, "ran mourn null");
    let memos = [("mourn", data(Value::Null))];
    let made = Made { event, data: failed.clone(), memos: &memos, ..Made::default() };
    assert_eq!(made.told(&component, "doomed-failure").await, r#"done "Doomed: no use""#);
    let made = Made { data: failed, ..Made::default() };
    assert!(made.told(&component, "doomed-failure").await.contains("UnexpectedEvent"));
}
