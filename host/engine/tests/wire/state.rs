//! Runs whose state is too large for a call, and runs that are done once more.

use engine::Engine;
use serde_json::{Value, json};

use crate::client::Client;
use crate::options;
use crate::worker::{Worker, done, op, ops, ran};

#[tokio::test]
async fn what_a_large_call_leaves_out_can_be_fetched() {
    let worker = Worker::start(None, |seen| {
        if seen.body["use_api"] == true {
            assert_eq!(seen.body["ctx"]["use_api"], true);
            assert_eq!(seen.body["steps"], json!({}));
            return ops(&[op("Sleep", "nap", &json!({"name": "1h"}))]);
        }
        let name = format!("s{}", seen.body["ctx"]["stack"]["current"]);
        ran(&name, &json!("x".repeat(1_500_000)))
    })
    .await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    client.register("app", &[worker.function("app-f", &json!([{"event": "a/b"}]), 0)]).await;
    let mut activity = engine.activity();
    client.send(&json!({"name": "a/b", "data": {"n": 1}})).await;
    let run = loop {
        let activity = activity.recv().await.expect("news");
        assert!(!matches!(activity.what, engine::Happening::RunFailed { .. }), "{activity:?}");
        if matches!(activity.what, engine::Happening::Sleeping { .. }) {
            break activity.run.expect("a run");
        }
    };
    let (status, state) = client.get(&format!("/v0/runs/{run}/actions")).await;
    assert_eq!((status, state.as_object().map(serde_json::Map::len)), (200, Some(3)));
    let (status, events) = client.get(&format!("/v0/runs/{run}/batch")).await;
    assert_eq!((status, &events[0]["data"]), (200, &json!({"n": 1})));
    assert!(events[0].get("user").is_none(), "empty members are left out");
    let last = worker.calls().pop().expect("a call");
    assert_eq!(last.body["events"][0]["name"], "a/b", "the events still fit");
    assert_eq!(last.body["ctx"]["stack"]["stack"].as_array().map(Vec::len), Some(3));
    engine.shutdown().await;
}

#[tokio::test]
async fn events_that_do_not_fit_are_left_out_too() {
    let worker = Worker::start(None, |seen| {
        let told = ["events", "use_api"].map(|member| seen.body[member].clone());
        done(json!([told, seen.body["event"]["data"]["large"].as_str().map(str::len)]))
    })
    .await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    let mut function = worker.function("app-f", &json!([{"event": "a/b"}]), 0);
    function["batchEvents"] = json!({"maxSize": 2, "timeout": "1m"});
    client.register("app", &[function]).await;
    let large = json!({"name": "a/b", "data": {"large": "x".repeat(1_900_000)}});
    let first = client.send(&large).await;
    client.send(&large).await;
    let run = client.ended(&first).await;
    assert_eq!(run["output"], json!([[[], true], 1_900_000]));
    engine.shutdown().await;
}

#[tokio::test]
async fn runs_are_canceled_and_done_once_more() {
    let worker = Worker::start(None, |seen| {
        if seen.memo("one").is_none() {
            return ran("one", &json!(1));
        }
        match seen.memo("two").map(|memo| (memo.get("input"), memo)) {
            None if seen.body["event"]["data"]["slow"] == true => {
                ops(&[op("Sleep", "nap", &json!({"name": "1h"}))])
            }
            None => ran("two", &json!(2)),
            Some((Some(input), _)) => ran("two", input),
            Some((None, memo)) => done(json!([seen.memo("one"), memo])),
        }
    })
    .await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    client.register("app", &[worker.function("app-f", &json!([{"event": "a/b"}]), 0)]).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let run = client.ended(&event).await;
    let path = format!("/v2/runs/{}", run["run_id"].as_str().expect("an id"));
    let (_, shown) = client.get(&path).await;
    assert_eq!(shown["data"]["status"], "COMPLETED");

    let from = json!({"fromStep": {"stepId": "two", "input": ["edited"]}});
    let (status, answer) = client.post(&format!("{path}/rerun"), &from).await;
    assert_eq!(status, 200, "{answer}");
    let new = format!("/v1/runs/{}", answer["data"]["runId"].as_str().expect("an id"));
    let ended = |run: &Value| !run["data"]["ended_at"].is_null();
    let again = client.until(&new, ended).await;
    assert_eq!(again["data"]["output"], json!([{"data": 1}, {"data": ["edited"]}]));
    assert_eq!(worker.calls().len(), 5);
    let (status, answer) = client.request("POST", &format!("{path}/rerun"), &[], "").await;
    assert_eq!(status, 200, "{answer}");
    for (body, expected) in [
        (json!({"fromStep": {"stepId": "three"}}), 400),
        (json!({"fromStep": {"stepId": "two", "input": {}}}), 400),
        (json!({"fromStep": 7}), 400),
    ] {
        let (status, answer) = client.post(&format!("{path}/rerun"), &body).await;
        assert_eq!((status, &answer["errors"][0]["code"]), (expected, &json!("invalid_request")));
    }

    let (status, answer) = client.post(&format!("{path}/cancel"), &json!({})).await;
    assert_eq!((status, &answer["errors"][0]["code"]), (409, &json!("run_already_ended")));
    let event = client.send(&json!({"name": "a/b", "data": {"slow": true}})).await;
    let runs = client
        .until(&format!("/v1/events/{event}/runs"), |runs| runs["data"][0]["status"] == "Running")
        .await;
    let id = runs["data"][0]["run_id"].as_str().expect("an id");
    let cancel = format!("/v2/runs/{id}/cancel");
    let (status, answer) = client.post(&cancel, &json!({})).await;
    assert_eq!((status, &answer["data"]["runId"]), (200, &json!(id)));
    let (status, answer) = client.post(&cancel, &json!({})).await;
    assert_eq!((status, &answer["errors"][0]["code"]), (409, &json!("run_already_cancelled")));
    let unknown = "/v2/runs/01M81GXW71CEV7JQT6T4T8NAKZ";
    assert_eq!(client.get(unknown).await.0, 404);
    assert_eq!(client.post(&format!("{unknown}/cancel"), &json!({})).await.0, 404);
    assert_eq!(client.post(&format!("{unknown}/rerun"), &json!({})).await.0, 404);
    assert_eq!(client.get("/v2/runs/nonsense").await.0, 400);
    engine.shutdown().await;
}
