//! Who gets a call, who waits, and what waiting costs.

use std::time::Duration;

use engine::{Engine, GatewayOptions, Options};
use protocol::connect::frames::{Kind, Status};
use serde_json::{Value, json};

use super::dialer::{Closed, Dialer, payload};
use super::{connected, engine, failure, function};
use crate::client::Client;
use crate::options;
use crate::worker::{Worker, done};

#[tokio::test]
async fn calls_for_an_absent_worker_wait_and_hold_up_nobody() {
    let options = Options { call_concurrency: 1, ..options() };
    let engine = Engine::start(options).await.expect("an engine");
    let client = Client::of(&engine);
    drop(Dialer::connect(&client, &[function("app-f", 0)], |_| {}).await);
    connected(&client, 0).await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(client.send(&json!({"name": "a/b"})).await);
    }
    // A worker over HTTP, whose calls are behind them in the queue.
    let over_http = Worker::start(None, |_| done(json!("http"))).await;
    let other = over_http.function("http-f", &json!([{"event": "c/d"}]), 0);
    client.register("http", &[other]).await;
    let event = client.send(&json!({"name": "c/d"})).await;
    assert_eq!(client.ended(&event).await["output"], "http");

    let mut worker = Dialer::connect(&client, &[function("app-f", 0)], |_| {}).await;
    for _ in 0..3 {
        let request = worker.taken().await;
        assert_eq!(payload(&request)["ctx"]["attempt"], 0);
        worker.reply(&request, Status::Done, &json!("connect")).await;
    }
    for event in waiting {
        assert_eq!(client.ended(&event).await["output"], "connect");
    }
    engine.shutdown().await;
}

#[tokio::test]
async fn no_worker_gets_more_calls_than_it_takes() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    let functions = [function("app-f", 0)];
    // Two connections of one process share its slots.
    let mut worker =
        Dialer::connect(&client, &functions, |hello| hello.max_worker_concurrency = Some(2)).await;
    let mut events = Vec::new();
    for _ in 0..5 {
        events.push(client.send(&json!({"name": "a/b"})).await);
    }
    let mut running = vec![worker.taken().await, worker.taken().await];
    let mut twin =
        Dialer::connect(&client, &functions, |hello| hello.max_worker_concurrency = Some(2)).await;
    twin.silence(Duration::from_millis(100)).await;
    worker.silence(Duration::from_millis(100)).await;
    twin.say(Kind::WorkerPause).await;
    twin.say(Kind::WorkerHeartbeat).await;
    twin.expect(Kind::GatewayHeartbeat).await;
    for left in (0..5).rev() {
        let request = running.remove(0);
        assert_eq!(payload(&request)["ctx"]["attempt"], 0);
        worker.reply(&request, Status::Done, &json!(left)).await;
        if left >= 2 {
            running.push(worker.taken().await);
        }
    }
    for event in events {
        assert_eq!(client.ended(&event).await["status"], "Completed");
    }
    engine.shutdown().await;
}

#[tokio::test]
async fn a_paused_worker_gets_no_calls_and_its_successor_gets_them() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    let functions = [function("app-f", 0)];
    let mut old = Dialer::connect(&client, &functions, |_| {}).await;
    let running = client.send(&json!({"name": "a/b"})).await;
    let request = old.taken().await;
    old.say(Kind::WorkerPause).await;
    old.say(Kind::WorkerReady).await;
    assert!(old.extend(&request, &request.lease_id).await.is_some());
    let event = client.send(&json!({"name": "a/b"})).await;
    old.silence(Duration::from_millis(300)).await;
    let mut new = Dialer::connect(&client, &functions, |_| {}).await;
    let next = new.taken().await;
    assert_eq!(payload(&next)["ctx"]["attempt"], 0);
    new.reply(&next, Status::Done, &json!("new")).await;
    assert_eq!(client.ended(&event).await["output"], "new");
    old.reply(&request, Status::Done, &json!("old")).await;
    assert_eq!(client.ended(&running).await["output"], "old");
    engine.shutdown().await;
}

#[tokio::test]
async fn a_worker_that_is_there_but_not_ready_costs_an_attempt() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    let mut activity = engine.activity();
    let mut worker = Dialer::connect(&client, &[function("app-f", 20)], |hello| {
        hello.worker_manual_readiness_ack = true;
    })
    .await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let reason = failure(&mut activity).await;
    assert!(reason.starts_with("connect_no_healthy_connection"), "{reason}");
    worker.say(Kind::WorkerReady).await;
    let request = worker.taken().await;
    assert!(payload(&request)["ctx"]["attempt"].as_u64() > Some(0));
    worker.reply(&request, Status::Done, &json!(1)).await;
    client.ended(&event).await;
    engine.shutdown().await;
}

#[tokio::test]
async fn a_worker_without_heartbeats_gets_no_calls_and_is_cut() {
    let gateway = GatewayOptions {
        heartbeat_interval: Duration::from_millis(800),
        ..GatewayOptions::default()
    };
    let engine = engine(gateway).await;
    let client = Client::of(&engine);
    let mut activity = engine.activity();
    let mut worker = Dialer::connect(&client, &[function("app-f", 20)], |_| {}).await;
    tokio::time::sleep(Duration::from_millis(1_700)).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let reason = failure(&mut activity).await;
    assert!(reason.starts_with("connect_no_healthy_connection"), "{reason}");
    worker.say(Kind::WorkerHeartbeat).await;
    worker.expect(Kind::GatewayHeartbeat).await;
    let request = worker.taken().await;
    worker.reply(&request, Status::Done, &json!(1)).await;
    client.ended(&event).await;
    assert_eq!(worker.closed().await, Closed::Torn);
    engine.shutdown().await;
}

#[tokio::test]
async fn the_newest_configuration_replaces_the_list_and_older_connections_serve_what_they_share() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    let named = |slug: &str, event: &str| {
        let mut function = function(slug, 0);
        function["triggers"] = json!([{"event": event}]);
        function
    };
    let old = [named("app-old", "old"), named("app-both", "both")];
    let new = [named("app-both", "both"), named("app-new", "new")];
    let mut older = Dialer::connect(&client, &old, |_| {}).await;
    let mut newer = Dialer::connect(&client, &new, |hello| {
        hello.instance_id = "two".to_owned();
    })
    .await;
    let event = client.send(&json!({"name": "old"})).await;
    let (_, runs) = client.get(&format!("/v1/events/{event}/runs")).await;
    assert_eq!(runs["data"], json!([]), "a function that left starts no run");
    for _ in 0..4 {
        let event = client.send(&json!({"name": "new"})).await;
        let request = newer.taken().await;
        newer.reply(&request, Status::Done, &Value::Null).await;
        client.ended(&event).await;
    }
    drop(newer);
    connected(&client, 1).await;
    let event = client.send(&json!({"name": "both"})).await;
    let request = older.taken().await;
    older.reply(&request, Status::Done, &json!("older")).await;
    assert_eq!(client.ended(&event).await["output"], "older");
    // Registered behind the connections' backs: nobody announces it.
    let mut activity = engine.activity();
    let body = json!({"url": "ws://connect", "appName": "app", "sdk": "test:v1",
        "functions": [named("app-behind", "behind")]});
    assert_eq!(client.post("/fn/register", &body).await.0, 200);
    client.send(&json!({"name": "behind"})).await;
    let reason = failure(&mut activity).await;
    assert!(reason.starts_with("connect_no_healthy_connection"), "{reason}");
    engine.shutdown().await;
}
