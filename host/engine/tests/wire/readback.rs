//! What a worker reads back of what it has synced.

use engine::Engine;
use serde_json::{Value, json};

use crate::client::Client;
use crate::options;
use crate::worker::{Worker, done};

#[tokio::test]
async fn a_sync_is_read_back_with_its_options() {
    let worker = Worker::start(None, |_| done(json!(null))).await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    let triggers = json!([{"event": "a/b", "expression": "event.data.n > 1"}, {"cron": "TZ=Europe/Berlin 0 9 * * *"}]);
    let mut function = worker.function("app-f", &triggers, 2);
    let options = json!({
        "concurrency": [{"limit": 10, "key": "event.data.k", "scope": "env"}],
        "throttle": {"limit": 50, "period": "1s", "burst": 2}, "priority": {"run": "event.data.p"},
        "cancel": [{"event": "a/stop", "timeout": "1h"}], "timeouts": {"start": "10m", "finish": "1h"},
        "singleton": {"mode": "skip"}, "debounce": {"period": "1s"}, "checkpoint": {"batch_steps": 1},
    });
    for (key, value) in options.as_object().expect("an object") {
        function[key] = value.clone();
    }
    function["idempotency"] = json!("event.data.id");
    let answer = client.register("app", &[function]).await;
    assert_eq!(answer["modified"], true);
    let (_, functions) = client.get("/v1/apps/app/functions?fresh=1").await;
    let config = &functions[0]["config"];
    assert_eq!(config["triggers"], triggers);
    for (key, value) in options.as_object().expect("an object") {
        assert_eq!(&config[key], value, "{key}");
    }
    assert_eq!(config["rateLimit"], json!({"limit": 1, "period": "24h", "key": "event.data.id"}));
    assert_eq!(config["steps"][0]["retries"], 2);
    assert!(config["steps"][0]["uri"].as_str().is_some_and(|uri| uri.contains("fnId=app-f")));

    let (_, app) = client.get("/v2/apps/app").await;
    assert_eq!((&app["data"]["id"], &app["data"]["functionCount"]), (&json!("app"), &json!(1)));
    assert!(app["data"]["latestSync"].get("error").is_none());
    assert_eq!(client.get("/v2/apps/none").await.1.get("data"), None);

    let bad = json!({"appName": "app", "functions": [worker.function("app-g", &json!([{"event": "a/*/b"}]), 1)]});
    let (status, answer) = client.post("/fn/register", &bad).await;
    assert_eq!((status, &answer["error"]), (400, &json!("At least one function is invalid")));
    let (_, app) = client.get("/v2/apps/app").await;
    let error = app["data"]["latestSync"]["error"].as_str().expect("the reason");
    assert!(error.starts_with("1 errors occurred: * function app-g"), "{error}");
    assert_eq!(app["data"]["functionCount"], 1, "the last good sync stays");

    let mut undecodable = worker.function("app-h", &json!([{"event": "a/b"}]), 1);
    undecodable["throttle"] = json!({"limit": 1, "period": "soon"});
    let body = json!({"appName": "fresh", "functions": [undecodable]});
    let (status, answer) = client.post("/fn/register", &body).await;
    let error = answer["error"].as_str().expect("the reason");
    assert!(status == 400 && error.starts_with("Invalid request: "), "{error}");
    assert_eq!(client.get("/v2/apps/fresh").await.1.get("data"), None, "nothing of it is stored");
    engine.shutdown().await;
}

#[tokio::test]
async fn functions_come_in_pages() {
    let worker = Worker::start(None, |_| done(json!(null))).await;
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    let triggers =
        |n: usize| if n == 0 { json!([{"cron": "0 9 * * *"}]) } else { json!([{"event": "a/b"}]) };
    let functions: Vec<Value> =
        (0..25).map(|n| worker.function(&format!("app-f{n:02}"), &triggers(n), 1)).collect();
    client.register("app", &functions).await;
    let (_, first) = client.get("/v2/apps/app/functions").await;
    assert_eq!(first["data"].as_array().map(Vec::len), Some(20));
    assert_eq!(first["data"][0]["id"], "f00");
    assert_eq!(first["data"][0]["slug"], "f00");
    assert_eq!(first["data"][0]["triggers"], json!([{"type": "CRON", "value": "0 9 * * *"}]));
    assert_eq!(first["page"]["hasMore"], true);
    let cursor = first["page"]["cursor"].as_str().expect("a cursor");
    let (_, second) = client.get(&format!("/v2/apps/app/functions?cursor={cursor}")).await;
    let ids: Vec<_> =
        second["data"].as_array().expect("a list").iter().map(|f| f["id"].clone()).collect();
    assert_eq!(ids, ["f20", "f21", "f22", "f23", "f24"]);
    assert_eq!(second["page"], json!({"hasMore": false, "limit": 20}));
    let (_, all) = client.get("/v2/apps/app/functions?limit=100").await;
    assert_eq!(all["data"].as_array().map(Vec::len), Some(25));
    assert_eq!(client.get("/v2/apps/none/functions").await.1["data"], json!([]));
    engine.shutdown().await;
}
