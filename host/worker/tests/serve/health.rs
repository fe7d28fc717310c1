//! `GET /`: for people and for whatever restarts processes.

use runtime::LoadError;
use serde_json::json;
use worker::{Running, SyncState};

use crate::bus::{Bus, generation, options};
use crate::call::{Answer, CallTo};
use crate::secrets;
use crate::server::{Mood, Nobody, Server};
use crate::until;
use protocol::signature::Trust;

#[tokio::test]
async fn a_registered_worker_says_what_it_serves() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let health = bus.health().await;
    let generation = generation().await;
    let count = generation.functions().count();
    let ids: Vec<_> = generation.functions().map(|function| function.id.as_str()).collect();
    assert_eq!((&health["service"], &health["status"]), (&json!("system-bus"), &json!("running")));
    assert_eq!((&health["app"], &health["count"]), (&json!("bus"), &json!(count)));
    assert_eq!(health["functions"], json!(ids));
    assert_eq!(health["refused"], json!([]));
    assert_eq!(health["registration"]["functions"], count);
    assert!(health["registration"]["at"].is_string() && health["started_at"].is_string());
    for (told, component) in
        health["components"].as_array().expect("components").iter().zip(generation.components())
    {
        assert_eq!(told["name"], component.name());
        assert_eq!(told["digest"], component.digest().to_string());
    }
    secrets::assert_kept("health", &health.to_string());
    bus.end().await;
}

#[tokio::test]
async fn a_worker_without_its_server_works_and_says_what_is_missing() {
    let nobody = Nobody::new();
    let bus = Bus::start(options(Trust::Dev, nobody.address())).await;
    let failed = "an attempt has failed";
    until(failed, async || bus.health().await["registration"]["failures"] != 0).await;
    let health = bus.health().await;
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["registration"]["state"], "pending");
    let error = health["registration"]["error"].as_str().expect("an error");
    let says = format!("the server at http://{} cannot be reached", nobody.address());
    assert!(error.contains(&says), "{error}");
    bus.assert_works().await;
    bus.running.shutdown().await;
}

#[tokio::test]
async fn a_refusal_of_the_server_shows() {
    let server = Server::start();
    let message = "the plan is over";
    server.memory().on_register = Mood::Refusing { status: 402, message, times: usize::MAX };
    let bus = Bus::start(options(Trust::Dev, server.address)).await;
    let quoted = format!("the server answered 402: {message}");
    until("it shows", async || bus.health().await["registration"]["error"] == quoted).await;
    bus.assert_works().await;
    bus.running.shutdown().await;
}

#[tokio::test]
async fn a_refused_component_shows_and_does_not_stop_the_others() {
    let server = Server::start();
    let reason = LoadError::Unreadable {
        path: "torn.wasm".to_owned(),
        reason: "half of it is missing".to_owned(),
    };
    let options = options(Trust::Dev, server.address);
    let running =
        Running::start(options, generation().await, vec![reason]).await.expect("a worker");
    let url = format!("http://{}", running.address());
    let get = async || {
        let response = reqwest::get(&url).await.expect("an answer");
        Answer::read(response).await.json()
    };
    until("it is registered", async || get().await["registration"]["state"] == "synced").await;
    let health = get().await;
    assert_eq!(health["status"], "degraded", "somebody has to look");
    assert_eq!(health["refused"], json!(["torn.wasm: it cannot be read: half of it is missing"]));
    let call = CallTo::new("five");
    let post = reqwest::Client::new()
        .post(format!("{url}/api/inngest?{}", call.query()))
        .body(call.body());
    assert_eq!(Answer::read(post.send().await.expect("an answer")).await.status, 206);
    running.shutdown().await;
}

#[tokio::test]
async fn a_refused_function_shows_everywhere_and_does_not_stop_the_others_of_its_component() {
    let server = Server::start();
    let mut generation = generation().await;
    generation.add(crate::bus::component(guests::MANIFEST_FAULTS).await).expect("ids of its own");
    let options = options(Trust::Dev, server.address);
    let running = Running::start(options, generation, Vec::new()).await.expect("a worker");
    let url = format!("http://{}", running.address());
    let mut state = running.sync_state();
    state.wait_for(|state| matches!(state, SyncState::Synced { .. })).await.expect("it is synced");
    let registered = server.memory().functions.clone();
    assert!(registered.iter().any(|function| function["id"] == "bus-fine"), "{registered:?}");
    let health = Answer::read(reqwest::get(&url).await.expect("an answer")).await.json();
    assert_eq!(health["status"], "degraded", "somebody has to look");
    let lonely = "function fine handles failures of nobody, which this worker does not serve";
    assert!(
        health["warnings"][0].as_str().is_some_and(|text| text.starts_with(lonely)),
        "{health}"
    );
    let put = reqwest::Client::new().put(format!("{url}/api/inngest")).body("{}");
    let told = Answer::read(put.send().await.expect("an answer")).await.json();
    assert_eq!(told["message"], "Successfully synced.");
    for refused in [&health["refused"], &told["refused"]] {
        let refused = refused.to_string();
        for says in
            ["component manifest-faults: function \\\"never-retried\\\": retries: 0", "no trigger"]
        {
            assert!(refused.contains(says), "{says}: {refused}");
        }
    }
    running.shutdown().await;
}
