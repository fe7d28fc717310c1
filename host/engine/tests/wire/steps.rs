//! The kinds of steps that the engine carries out.

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::routing::any;
use engine::Engine;
use serde_json::{Value, json};

use crate::client::Client;
use crate::options;
use crate::worker::{Answer, Seen, Worker, done, op, ops};

/// A server that answers with what it was asked, twice the same header, and the status in the path.
async fn echo(
    path: axum::extract::Path<u16>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> impl axum::response::IntoResponse {
    let told = json!({
        "method": method.as_str(), "key": headers.get("authorization").and_then(|v| v.to_str().ok()),
        "body": String::from_utf8_lossy(&body),
    });
    let status = StatusCode::from_u16(path.0).expect("a status");
    let doubled = axum::response::AppendHeaders([("x-twice", "v1"), ("x-twice", "v2")]);
    (status, doubled, axum::Json(told))
}

async fn others() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let router = Router::new().route("/{status}", any(echo));
        axum::serve(listener, router).await.expect("serving");
    });
    format!("http://{address}")
}

/// Runs a function that reports one op named `w` and returns its memo.
async fn memo_of(
    ask: Value,
    retries: u32,
    meanwhile: impl AsyncFn(&Client, &str),
) -> (Value, usize) {
    let worker = Worker::start(None, move |seen: &Seen| -> Answer {
        match seen.memo("w") {
            Some(memo) => done(memo.clone()),
            None => ops(std::slice::from_ref(&ask)),
        }
    })
    .await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    client.register("app", &[worker.function("app-f", &json!([{"event": "a/b"}]), retries)]).await;
    let mut activity = engine.activity();
    let event = client.send(&json!({"name": "a/b", "data": {"id": 7}})).await;
    while let Ok(activity) = activity.recv().await {
        use engine::Happening::{Requesting, Waiting};
        if matches!(activity.what, Waiting { .. } | Requesting { .. }) {
            break;
        }
    }
    meanwhile(&client, &event).await;
    let run = client.ended(&event).await;
    engine.shutdown().await;
    assert_eq!(run["status"], "Completed", "{run}");
    (run["output"].clone(), worker.calls().len())
}

#[tokio::test]
async fn requests_are_made_for_the_worker() {
    let others = others().await;
    let opts = json!({"url": format!("{others}/404"), "method": "PUT", "body": "text", "headers": {"authorization": "k"}});
    let ask = op("Gateway", "w", &json!({"opts": opts}));
    let (memo, calls) = memo_of(ask, 0, async |_, _| {}).await;
    let data = &memo["data"];
    assert_eq!((&data["status_code"], calls), (&json!(404), 2));
    assert_eq!(data["headers"]["X-Twice"], "v1,v2");
    let told: Value = serde_json::from_str(data["body"].as_str().expect("a text")).expect("JSON");
    assert_eq!(told, json!({"method": "PUT", "key": "k", "body": "text"}));

    let opts = json!({"url": format!("{others}/200"), "auth_key": "k", "body": {"model": "m"}});
    let (memo, _) = memo_of(op("AIGateway", "w", &json!({"opts": opts})), 0, async |_, _| {}).await;
    assert_eq!(
        memo["data"],
        json!({"method": "POST", "key": "Bearer k", "body": r#"{"model":"m"}"#})
    );

    let opts = json!({"url": format!("{others}/500"), "body": {}});
    let (memo, calls) =
        memo_of(op("AIGateway", "w", &json!({"opts": opts})), 2, async |_, _| {}).await;
    assert_eq!((&memo["error"]["name"], calls), (&json!("AIGatewayError"), 4));

    let opts = json!({"url": "http://127.0.0.1:9/", "method": "GET"});
    let (memo, calls) =
        memo_of(op("Gateway", "w", &json!({"opts": opts})), 1, async |_, _| {}).await;
    assert_eq!((&memo["error"]["name"], calls), (&json!("GatewayError"), 3));
}

#[tokio::test]
async fn events_and_signals_end_waits() {
    let opts = json!({"event": "a/paid", "timeout": "1m", "if": "event.data.id == async.data.id"});
    let (memo, _) =
        memo_of(op("WaitForEvent", "w", &json!({"opts": opts})), 0, async |client, _| {
            client.send(&json!({"name": "a/paid", "data": {"id": 8}})).await;
            client.send(&json!({"name": "a/paid", "data": {"id": 7}})).await;
        })
        .await;
    assert_eq!((&memo["name"], &memo["data"]), (&json!("a/paid"), &json!({"id": 7})));

    let opts = json!({"signal": "approve/42", "timeout": "1m"});
    let (memo, _) =
        memo_of(op("WaitForSignal", "w", &json!({"opts": opts})), 0, async |client, event| {
            let (status, answer) =
                client.post("/v1/signals", &json!({"signal": "approve/43"})).await;
            assert_eq!((status, &answer["error"]), (404, &json!("No signal found")));
            assert_eq!(client.post("/v1/signals", &json!({})).await.0, 400);
            let signal = json!({"signal": "approve/42", "data": {"by": "anna"}});
            let (status, answer) = client.post("/v1/signals", &signal).await;
            let runs = client.get(&format!("/v1/events/{event}/runs")).await.1;
            assert_eq!((status, &answer["data"]["run_id"]), (200, &runs["data"][0]["run_id"]));
        })
        .await;
    assert_eq!(memo, json!({"data": {"signal": "approve/42", "data": {"by": "anna"}}}));
}
