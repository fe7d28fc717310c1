//! The engine stops while workers run something, and comes again.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::{Data, Engine, GatewayOptions, Options};
use protocol::connect::frames::{Kind, Status};
use serde_json::{Value, json};

use super::dialer::{Closed, Dialer, payload, start};
use super::function;
use crate::client::Client;
use crate::death;
use crate::options;
use crate::worker::op;

fn closing() -> Closed {
    Closed::With(1001, "connect_gateway_closing".to_owned())
}

fn stored(directory: &std::path::Path, drain: Duration) -> Options {
    let gateway = GatewayOptions { drain, ..GatewayOptions::default() };
    Options { data: Data::Dir(directory.to_owned()), gateway, ..options() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_engine_takes_the_replies_of_running_calls() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = || stored(directory.path(), Duration::from_secs(20));
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    let leave = start(&client).await;
    let mut worker = Dialer::connect(&client, &[function("app-f", 0)], |_| {}).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let request = worker.taken().await;
    let stopping = tokio::spawn(engine.shutdown());
    worker.expect(Kind::GatewayClosing).await;
    assert_eq!(Dialer::dial(&leave).await.closed().await, closing(), "nobody is taken in");
    worker.say(Kind::WorkerHeartbeat).await;
    worker.expect(Kind::GatewayHeartbeat).await;
    assert!(worker.extend(&request, &request.lease_id).await.is_some());
    let ran = op("StepRun", "x", &json!({"data": 1}));
    worker.reply(&request, Status::NotCompleted, &json!([ran])).await;
    assert_eq!(worker.closed().await, closing());
    stopping.await.expect("stopped");

    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    let mut worker = Dialer::connect(&client, &[function("app-f", 0)], |_| {}).await;
    let next = worker.taken().await;
    assert_eq!(payload(&next)["steps"].as_object().map(serde_json::Map::len), Some(1));
    worker.reply(&next, Status::Done, &Value::Null).await;
    assert_eq!(client.ended(&event).await["status"], "Completed");
    engine.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_outlive_the_engine_are_made_again_and_their_replies_mean_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let options = || stored(directory.path(), Duration::from_millis(100));
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    let functions = [function("app-f", 0)];
    let mut worker = Dialer::connect(&client, &functions, |_| {}).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let other = client.send(&json!({"name": "a/b"})).await;
    let lost = worker.taken().await;
    let unacknowledged = worker.request().await;
    engine.shutdown().await;
    assert_eq!(worker.closed().await, closing());

    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    let mut worker = Dialer::connect(&client, &functions, |_| {}).await;
    let again = [worker.taken().await, worker.taken().await];
    for old in [&lost, &unacknowledged] {
        worker.reply(old, Status::Done, &json!("old")).await;
        assert_eq!(worker.extend(old, &old.lease_id).await, None);
    }
    for request in &again {
        assert_eq!(payload(request)["ctx"]["attempt"], 0);
        worker.reply(request, Status::Done, &json!("new")).await;
    }
    for event in [event, other] {
        assert_eq!(client.ended(&event).await["output"], "new");
    }
    drop(engine);
    assert_eq!(worker.closed().await, closing(), "a dropped engine closes its connections too");
}

#[tokio::test]
async fn an_engine_without_calls_closes_its_connections_at_once() {
    let engine = Engine::start(options()).await.expect("an engine");
    let client = Client::of(&engine);
    let mut ready = Dialer::connect(&client, &[], |_| {}).await;
    let mut greeting = Dialer::dial(&start(&client).await).await;
    greeting.expect(Kind::GatewayHello).await;
    engine.shutdown().await;
    assert_eq!(ready.closed().await, closing());
    assert_eq!(greeting.closed().await, closing());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_engine_goes_on_when_its_worker_dials_again() {
    const RUNS: usize = 4;
    let directory = tempfile::tempdir().expect("a directory");
    let functions = [function("app-f", 0)];
    let mut process = death::spawn(directory.path());
    let mut client = death::address(directory.path()).await;
    let mut worker = Dialer::connect(&client, &functions, |_| {}).await;
    let mut events = Vec::new();
    for _ in 0..RUNS {
        events.push(client.send(&json!({"name": "a/b"})).await);
    }
    let mut stored = BTreeSet::new();
    for round in 0..3 {
        // Some of the calls get a step further, the others die with the engine.
        for _ in 0..RUNS / 2 {
            let request = worker.taken().await;
            let ran = op("StepRun", &format!("round {round}"), &json!({"data": round}));
            worker.reply(&request, Status::NotCompleted, &json!([ran])).await;
            stored.insert((request.run_id.clone(), round));
        }
        // SIGKILL.
        process.kill().expect("killed");
        process.wait().expect("gone");
        assert_eq!(worker.closed().await, Closed::Torn);
        std::fs::remove_file(directory.path().join("address")).expect("removed");
        process = death::spawn(directory.path());
        client = death::address(directory.path()).await;
        worker = Dialer::connect(&client, &functions, |_| {}).await;
    }
    for _ in 0..RUNS {
        let request = worker.taken().await;
        let body = payload(&request);
        assert_eq!(body["ctx"]["attempt"], 0, "dying costs no attempt");
        let kept = stored.iter().filter(|(run, _)| *run == request.run_id).count();
        let memos = body["steps"].as_object().map_or(0, serde_json::Map::len);
        assert_eq!(memos, kept, "what was acknowledged is stored");
        worker.reply(&request, Status::Done, &json!("done")).await;
    }
    for event in &events {
        assert_eq!(client.ended(event).await["output"], "done");
    }
    process.kill().expect("killed");
    process.wait().expect("gone");
}
