//! Whole runs over Connect.

use engine::{GatewayOptions, Options};
use prost::Message as _;
use protocol::connect::frames::{ConnectMessage, FlushResponse, Kind, SdkResponse, Status};
use protocol::id::StepId;
use serde_json::{Value, json};

use super::dialer::{Dialer, payload, post, response};
use super::{engine, function};
use crate::client::Client;
use crate::options;
use crate::worker::op;

#[tokio::test]
async fn a_run_is_called_step_by_step_and_its_targets_are_named() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    let mut worker = Dialer::connect(&client, &[function("app-f", 2)], |_| {}).await;
    let event = client.send(&json!({"name": "a/b", "data": {"n": 7}})).await;

    let first = worker.taken().await;
    assert_eq!((&*first.app_name, &*first.function_slug), ("app", "app-f"));
    assert_eq!(first.step_id.as_deref(), Some("step"));
    let body = payload(&first);
    for (member, told) in [
        ("run_id", &first.run_id),
        ("request_id", &first.request_id),
        ("job_id", &first.job_id),
        ("fn_id", &first.function_id),
    ] {
        assert_eq!(body["ctx"][member], told.as_str(), "{member}");
    }
    assert_eq!((&body["event"]["data"]["n"], &body["ctx"]["attempt"]), (&json!(7), &json!(0)));
    for (context, members) in [
        (&first.system_trace_ctx, vec!["traceparent"]),
        (&first.user_trace_ctx, vec!["traceparent", "tracestate"]),
    ] {
        let context: Value = serde_json::from_slice(context).expect("JSON");
        let keys: Vec<_> = context.as_object().expect("an object").keys().collect();
        assert_eq!(keys, members);
        assert_eq!(context["traceparent"].as_str().expect("text").len(), 55);
    }
    let lease = first.lease_id.parse::<ulid::Ulid>().expect("a ULID");
    let run = first.run_id.parse::<ulid::Ulid>().expect("a ULID");
    assert!(lease.timestamp_ms() > run.timestamp_ms() + 100_000, "it names its own end");

    let planned = ["x", "y"].map(|name| op("StepPlanned", name, &json!({})));
    worker.reply(&first, Status::NotCompleted, &json!(planned)).await;
    for _ in 0..2 {
        let targeted = worker.taken().await;
        let target = targeted.step_id.clone().expect("a target");
        let name = ["x", "y"].into_iter().find(|name| StepId::hash(name).to_string() == target);
        let ran = op("StepRun", name.expect("a planned step"), &json!({"data": name}));
        worker.reply(&targeted, Status::NotCompleted, &json!([ran])).await;
    }
    let last = worker.taken().await;
    let body = payload(&last);
    assert_eq!(body["steps"].as_object().expect("memos").len(), 2);
    assert_eq!(body["version"], 2, "what the worker answered with");
    worker.reply(&last, Status::Done, &json!({"all": true})).await;
    assert_eq!(client.ended(&event).await["output"], json!({"all": true}));
    engine.shutdown().await;
}

#[tokio::test]
async fn replies_mean_what_they_mean_over_http() {
    let options = Options { retry_interval: None, ..options() };
    let engine = engine::Engine::start(options).await.expect("an engine");
    let client = Client::of(&engine);
    let mut worker = Dialer::connect(&client, &[function("app-f", 1)], |_| {}).await;
    let error = json!({"name": "E", "message": "m"});

    // A failure that names its pause comes again, within it; the next one is the last.
    let event = client.send(&json!({"name": "a/b"})).await;
    let request = worker.taken().await;
    let failed = response(&request, Status::Error, &error);
    worker.respond(SdkResponse { retry_after: Some("1".to_owned()), ..failed }).await;
    let again = worker.taken().await;
    assert_ne!(again.request_id, request.request_id);
    assert_eq!(payload(&again)["ctx"]["attempt"], 1);
    worker.reply(&again, Status::Error, &error).await;
    assert_eq!(client.ended(&event).await["status"], "Failed");

    // Without retry the first one is.
    let event = client.send(&json!({"name": "a/b"})).await;
    let request = worker.taken().await;
    let failed = response(&request, Status::Error, &error);
    worker.respond(SdkResponse { no_retry: true, ..failed }).await;
    let run = client.ended(&event).await;
    assert_eq!((&run["status"], &run["output"]), (&json!("Failed"), &error));

    // Handing a discovery call back costs nothing.
    let event = client.send(&json!({"name": "a/b"})).await;
    for n in 0..3 {
        let request = worker.taken().await;
        assert_eq!(payload(&request)["ctx"]["attempt"], 0);
        let again = op("DiscoveryRequest", &format!("again {n}"), &json!({}));
        worker.reply(&request, Status::NotCompleted, &json!([again])).await;
    }
    let request = worker.taken().await;
    worker.reply(&request, Status::Done, &json!(1)).await;
    assert_eq!(client.ended(&event).await["output"], 1);
    engine.shutdown().await;
}

#[tokio::test]
async fn of_several_replies_the_first_counts_and_all_are_acknowledged() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    let mut worker = Dialer::connect(&client, &[function("app-f", 1)], |_| {}).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let request = worker.taken().await;
    worker.reply(&request, Status::Done, &json!("first")).await;
    worker.reply(&request, Status::Done, &json!("second")).await;
    let flushed = response(&request, Status::Done, &json!("third")).encode_to_vec();
    let (status, body) = post(&client, "/v0/connect/flush", "host: x\r\n", &flushed).await;
    assert_eq!(status, 200);
    let answer = FlushResponse::decode(&*body).expect("a flush response");
    assert_eq!(answer.request_id, request.request_id);
    assert_eq!(client.ended(&event).await["output"], "first");
    engine.shutdown().await;
}

#[tokio::test]
async fn a_reply_can_be_flushed_without_any_connection() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    let mut worker = Dialer::connect(&client, &[function("app-f", 1)], |_| {}).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let request = worker.taken().await;
    drop(worker);
    let ran = op("StepRun", "x", &json!({"data": 1}));
    let reply = response(&request, Status::NotCompleted, &json!([ran]));
    for (context, answered) in [("", 400), ("no JSON", 400), ("{}", 200), ("{}", 200)] {
        let flushed = SdkResponse { system_trace_ctx: context.into(), ..reply.clone() };
        let flushed = flushed.encode_to_vec();
        let (status, body) = post(&client, "/v0/connect/flush", "host: x\r\n", &flushed).await;
        assert_eq!(status, answered, "{context}");
        if answered == 400 {
            let body: Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(body["error"], "could not unmarshal system trace ctx");
        }
    }
    let (status, _) = post(&client, "/v0/connect/flush", "host: x\r\n", b"\xff").await;
    assert_eq!(status, 400);
    let mut successor = Dialer::connect(&client, &[function("app-f", 1)], |_| {}).await;
    let next = successor.taken().await;
    assert_eq!(payload(&next)["steps"].as_object().expect("memos").len(), 1);
    successor.reply(&next, Status::Done, &json!(1)).await;
    assert_eq!(client.ended(&event).await["output"], 1);
    engine.shutdown().await;
}

#[tokio::test]
async fn a_reply_waits_for_the_acknowledgement_of_its_request() {
    let engine = engine(GatewayOptions::default()).await;
    let client = Client::of(&engine);
    let mut worker = Dialer::connect(&client, &[function("app-f", 1)], |_| {}).await;
    let event = client.send(&json!({"name": "a/b"})).await;
    let request = worker.request().await;
    worker.reply(&request, Status::Done, &json!("early")).await;
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let (_, runs) = client.get(&format!("/v1/events/{event}/runs")).await;
    assert!(runs["data"][0]["ended_at"].is_null(), "{runs}");
    worker.acknowledge(&request).await;
    assert_eq!(client.ended(&event).await["output"], "early");
    // To requests that were never made, too.
    let unknown = SdkResponse { request_id: "unknown".to_owned(), ..SdkResponse::default() };
    worker.respond(unknown).await;
    worker
        .send(ConnectMessage::around(
            Kind::WorkerRequestAck,
            &protocol::connect::frames::RequestAck::default(),
        ))
        .await;
    worker.say(Kind::WorkerHeartbeat).await;
    worker.expect(Kind::GatewayHeartbeat).await;
    engine.shutdown().await;
}
