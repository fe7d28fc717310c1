//! `GET /`, `/livez` and `/readyz`: for people, and for whatever restarts processes or sends calls to them.

use serde_json::json;

use crate::bus::{Bus, GUESTS, deployed, options};
use crate::call::{CallTo, Request};
use crate::gate::Gate;
use crate::secrets;
use crate::server::{Mood, Nobody, Server};
use crate::until;
use protocol::signature::Trust;

#[tokio::test]
async fn a_registered_worker_says_what_it_serves() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let health = bus.health().await;
    let functions = bus.deployed.functions();
    let count = functions.len();
    let ids: Vec<_> = functions.iter().map(|function| function.id.as_str()).collect();
    assert_eq!((&health["service"], &health["status"]), (&json!("system-bus"), &json!("running")));
    assert_eq!((&health["app"], &health["count"]), (&json!("bus"), &json!(count)));
    assert_eq!(health["functions"], json!(ids));
    assert_eq!(health["refused"], json!([]));
    assert_eq!(health["registration"]["functions"], count);
    assert!(health["registration"]["at"].is_string() && health["started_at"].is_string());
    let present = bus.deployed.registry.present();
    let components: Vec<_> = present
        .components()
        .into_iter()
        .map(|(name, version)| json!([name, version.digest().to_string()]))
        .collect();
    let told = health["components"].as_array().expect("components").iter();
    let told: Vec<_> = told.map(|one| json!([one["name"], one["digest"]])).collect();
    assert_eq!((told.len(), told), (2, components));
    secrets::assert_kept("health", &health.to_string());
    bus.end().await;
}

#[tokio::test]
async fn a_worker_is_ready_once_its_server_has_what_is_active() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let alive = bus.send(Request::new(reqwest::Method::GET, "/livez")).await;
    assert_eq!((alive.status, alive.json()), (200, json!({"alive": true})));
    let ready = bus.send(Request::new(reqwest::Method::GET, "/readyz")).await;
    assert_eq!(ready.status, 200, "{ready:?}");
    let told = ready.json();
    assert_eq!((&told["ready"], &told["generation"]), (&json!(true), &json!(1)));
    let checks = told["checks"].as_array().expect("checks");
    let names: Vec<_> = checks.iter().map(|check| (&check["name"], &check["ok"])).collect();
    assert_eq!(json!(names), json!([["generation", true], ["log", true], ["registration", true]]));
    bus.end().await;
}

#[tokio::test]
async fn a_call_that_runs_is_told_with_its_run_and_since_when() {
    let (server, gate) = (Server::start(), Gate::start().await);
    let bus = Bus::dev(&server).await;
    let asked = async || bus.send(Request::new(reqwest::Method::GET, "/api/calls")).await.json();
    assert_eq!(asked().await["calls"], json!([]));
    assert_eq!(bus.health().await["calls"], 0);
    let call = CallTo { data: json!({ "count": gate.url }), ..CallTo::new("five") };
    let url = format!("http://{}/api/inngest?{}", bus.running.address(), call.query());
    let request = bus.client.post(url).body(call.body());
    let calling = tokio::spawn(async move { request.send().await.expect("an answer") });
    gate.reached().await;
    let told = asked().await;
    let one = &told["calls"][0];
    assert_eq!((&told["count"], &one["function"]), (&json!(1), &json!("bus-five")));
    assert_eq!((&one["attempt"], one["took_ms"].is_u64()), (&json!(0), true));
    assert!(one["run"].is_string() && one["since"].is_string(), "{told}");
    let health = bus.health().await;
    assert_eq!((&health["calls"], health["oldest_call_seconds"].is_u64()), (&json!(1), true));
    gate.open(1);
    calling.await.expect("no panic");
    until("it is gone", async || asked().await["count"] == 0).await;
    bus.end().await;
}

#[tokio::test]
async fn a_component_that_is_refused_leaves_a_worker_ready_and_an_absent_server_does_not() {
    let server = Server::start();
    let deployed = deployed(&GUESTS).await;
    deployed.place_as("torn", b"no component");
    deployed.reload().await;
    let bus = Bus::with(options(Trust::Dev, server.address), deployed).await.registered().await;
    assert_eq!(bus.health().await["status"], "degraded", "somebody has to look");
    assert_eq!(bus.send(Request::new(reqwest::Method::GET, "/readyz")).await.status, 200);
    bus.end().await;

    let nobody = Nobody::new();
    let bus = Bus::start(options(Trust::Dev, nobody.address())).await;
    until("an attempt has failed", async || bus.health().await["registration"]["failures"] != 0)
        .await;
    let answer = bus.send(Request::new(reqwest::Method::GET, "/readyz")).await;
    let told = answer.json();
    assert_eq!((answer.status, &told["ready"]), (503, &json!(false)));
    let why = told["checks"][2]["detail"].as_str().expect("why");
    assert!(why.contains("cannot be reached"), "{told}");
    assert_eq!(bus.send(Request::new(reqwest::Method::GET, "/livez")).await.status, 200);
    bus.running.shutdown().await;
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
    let deployed = deployed(&GUESTS).await;
    let whole = std::fs::read(guests::BENCH).expect("a built guest");
    deployed.place_as("torn", &whole[..whole.len() / 2]);
    deployed.reload().await;
    let bus = Bus::with(options(Trust::Dev, server.address), deployed).await.registered().await;
    let health = bus.health().await;
    assert_eq!(health["status"], "degraded", "somebody has to look");
    let refused = health["refused"].as_array().expect("a list");
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].as_str().is_some_and(|one| one.contains("component torn: ")), "{refused:?}");
    bus.end().await;
}

#[tokio::test]
async fn a_refused_function_shows_everywhere_and_does_not_stop_the_others_of_its_component() {
    let server = Server::start();
    let deployed = deployed(&[guests::STEPS, guests::MANIFEST_FAULTS]).await;
    let bus = Bus::with(options(Trust::Dev, server.address), deployed).await.registered().await;
    let registered = server.memory().functions.clone();
    assert!(registered.iter().any(|function| function["id"] == "bus-fine"), "{registered:?}");
    let health = bus.health().await;
    assert_eq!(health["status"], "degraded", "somebody has to look");
    let lonely = "function fine handles failures of nobody, which this worker does not serve";
    assert!(
        health["warnings"][0].as_str().is_some_and(|text| text.starts_with(lonely)),
        "{health}"
    );
    let told = bus.send(Request::put("{}")).await.json();
    assert_eq!(told["message"], "Successfully synced.");
    for refused in [&health["refused"], &told["refused"]] {
        let refused = refused.to_string();
        for says in
            ["component manifest-faults: function \\\"never-retried\\\": retries: 0", "no trigger"]
        {
            assert!(refused.contains(says), "{says}: {refused}");
        }
    }
    bus.end().await;
}
