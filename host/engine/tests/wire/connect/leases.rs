//! Workers that are slow, silent or gone.

use std::time::Duration;

use engine::{Engine, GatewayOptions, Options};
use prost::Message as _;
use protocol::connect::frames::{ExecutorRequest, SdkResponse, Status};
use protocol::id::StepId;
use serde_json::json;

use super::dialer::{Dialer, payload, post, response};
use super::{engine, failure, function, short_leases};
use crate::client::Client;
use crate::options;
use crate::worker::op;

#[tokio::test]
async fn a_silent_worker_loses_the_attempt_and_its_late_reply() {
    let engine = engine(short_leases()).await;
    let client = Client::of(&engine);
    let mut activity = engine.activity();
    let mut worker = Dialer::connect(&client, &[function("app-f", 1)], |_| {}).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let lost = worker.taken().await;
    let reason = failure(&mut activity).await;
    assert_eq!(
        reason,
        "connect_worker_stopped_responding: The worker stopped responding to the request."
    );
    let again = worker.taken().await;
    assert_ne!(again.request_id, lost.request_id);
    assert_eq!(payload(&again)["ctx"]["attempt"], 1);
    worker.reply(&lost, Status::Done, &json!("late")).await;
    assert_eq!(worker.extend(&lost, &lost.lease_id).await, None);
    worker.reply(&again, Status::Done, &json!("in time")).await;
    assert_eq!(client.ended(&event).await["output"], "in time");
    engine.shutdown().await;
}

#[tokio::test]
async fn a_slow_worker_keeps_its_call_by_extending_over_any_connection() {
    let engine = engine(short_leases()).await;
    let client = Client::of(&engine);
    let mut worker = Dialer::connect(&client, &[function("app-f", 0)], |_| {}).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let request = worker.taken().await;
    let mut lease = request.lease_id.clone();
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        lease = worker.extend(&request, &lease).await.expect("a lease");
    }
    assert_eq!(worker.extend(&request, &request.lease_id).await, Some(lease.clone()));
    // The worker's socket is torn; its process goes on, with a new connection and another name.
    drop(worker);
    let mut other = Dialer::connect(&client, &[function("app-f", 0)], |hello| {
        hello.instance_id = "two".to_owned();
    })
    .await;
    for _ in 0..4 {
        lease = other.extend(&request, &lease).await.expect("a lease");
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    other.reply(&request, Status::Done, &json!("slow")).await;
    assert_eq!(client.ended(&event).await["output"], "slow");
    let unknown = ExecutorRequest { request_id: "unknown".to_owned(), ..request };
    assert_eq!(other.extend(&unknown, &lease).await, None);
    engine.shutdown().await;
}

#[tokio::test]
async fn a_request_that_nobody_acknowledged_comes_again() {
    let engine = engine(short_leases()).await;
    let client = Client::of(&engine);
    let mut worker = Dialer::connect(&client, &[function("app-f", 0)], |_| {}).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let first = worker.request().await;
    let second = worker.taken().await;
    assert_eq!(first, second, "the same request, to the byte");
    worker.reply(&second, Status::Done, &json!(1)).await;
    assert_eq!(client.ended(&event).await["output"], 1);
    engine.shutdown().await;
}

#[tokio::test]
async fn a_request_of_a_lost_socket_moves_to_another_connection_at_once() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    let mut activity = engine.activity();
    let functions = [function("app-f", 1)];
    let mut first = Dialer::connect(&client, &functions, |_| {}).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let request = first.request().await;
    let mut second = Dialer::connect(&client, &functions, |hello| {
        hello.instance_id = "two".to_owned();
    })
    .await;
    drop(first);
    let moved = second.request().await;
    assert_eq!(moved, request);
    // With nobody left the attempt is lost.
    drop(second);
    let reason = failure(&mut activity).await;
    assert!(reason.starts_with("connect_no_healthy_connection"), "{reason}");
    let mut third = Dialer::connect(&client, &functions, |_| {}).await;
    let last = third.taken().await;
    assert_eq!(payload(&last)["ctx"]["attempt"], 1);
    third.reply(&last, Status::Done, &json!(1)).await;
    assert_eq!(client.ended(&event).await["output"], 1);
    engine.shutdown().await;
}

#[tokio::test]
async fn calls_of_a_crashed_worker_are_handed_back_in_its_name() {
    let options = Options { retry_interval: None, ..options() };
    let engine = Engine::start(options).await.expect("an engine");
    let client = Client::of(&engine);
    let functions = [function("app-f", 1)];
    let mut worker = Dialer::connect(&client, &functions, |_| {}).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let crashed = worker.taken().await;
    drop(worker);
    let mut successor = Dialer::connect(&client, &functions, |_| {}).await;
    // A discovery call comes again, and has cost nothing.
    let again = op("DiscoveryRequest", "again", &json!({}));
    successor.reply(&crashed, Status::NotCompleted, &json!([again])).await;
    let request = successor.taken().await;
    assert_eq!(payload(&request)["ctx"]["attempt"], 0);
    let planned = ["x", "y"].map(|name| op("StepPlanned", name, &json!({})));
    successor.reply(&request, Status::NotCompleted, &json!(planned)).await;
    // A targeted call costs an attempt, and comes again as soon as is asked.
    let first = successor.taken().await;
    let second = successor.taken().await;
    let error = json!({"name": "Interrupted", "message": "the worker was restarted"});
    let failed = response(&first, Status::Error, &error);
    let failed = SdkResponse { retry_after: Some("1".to_owned()), ..failed };
    let (status, _) =
        post(&client, "/v0/connect/flush", "host: x\r\n", &failed.encode_to_vec()).await;
    assert_eq!(status, 200);
    for name in ["x", "y"] {
        let ran = op("StepRun", name, &json!({"data": name}));
        let own = StepId::hash(name).to_string();
        if second.step_id.as_ref() == Some(&own) {
            successor.reply(&second, Status::NotCompleted, &json!([ran])).await;
        }
    }
    let retried = successor.taken().await;
    assert_eq!(retried.step_id, first.step_id);
    assert_eq!(payload(&retried)["ctx"]["attempt"], 1);
    successor.reply(&retried, Status::Done, &json!("done")).await;
    assert_eq!(client.ended(&event).await["output"], "done");
    engine.shutdown().await;
}
