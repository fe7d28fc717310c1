//! The worker keeps its server's list of functions right, without being asked.

use protocol::header;
use protocol::signature::Trust;
use serde_json::{Value, json};
use worker::{Options, SyncState};

use crate::bus::{Bus, options};
use crate::secrets::{self, FALLBACK, PRIMARY};
use crate::server::{Mood, Nobody, Seen, Server};
use crate::until;

/// The slugs that a registration names.
fn slugs(registration: &Seen) -> Vec<&str> {
    let functions = registration.body["functions"].as_array().expect("functions");
    functions.iter().map(|function| function["id"].as_str().expect("a slug")).collect()
}

#[tokio::test]
async fn a_registration_says_everything_the_server_needs() {
    let server = Server::start();
    let described = Options {
        app_version: Some("7".to_owned()),
        env: Some("preview".to_owned()),
        ..options(secrets::trust(), server.address)
    };
    let bus = Bus::start(described).await.registered().await;
    let url = format!("http://{}/api/inngest", bus.running.address());
    let seen = server.memory().registrations[0].clone();
    let bearer = format!("Bearer {}", secrets::key(PRIMARY).bearer());
    for (name, value) in [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        (header::SDK, protocol::SDK),
        (header::FRAMEWORK, "axum"),
        (header::SYNC_KIND, "out_of_band"),
        (header::ENV, "preview"),
    ] {
        assert_eq!(seen.header(name), Some(value), "{name}");
    }
    assert_eq!(seen.header(header::EXPECTED_SERVER_KIND), None, "nobody asked for it");
    for (member, value) in [
        ("url", json!(url)),
        ("deployType", json!("ping")),
        ("appName", json!("bus")),
        ("appVersion", json!("7")),
        ("sdk", json!(protocol::SDK)),
        ("v", json!("0.1")),
        ("capabilities", json!({"in_band_sync": "v1", "trust_probe": "v1"})),
    ] {
        assert_eq!(seen.body[member], value, "{member}");
    }
    let functions = bus.deployed.functions();
    let expected: Vec<_> = functions.iter().map(|one| format!("bus-{}", one.id)).collect();
    assert_eq!(slugs(&seen), expected);
    let five = &seen.body["functions"].as_array().expect("functions")
        [slugs(&seen).iter().position(|slug| *slug == "bus-five").expect("it is there")];
    assert_eq!(five["triggers"], json!([{"event": "testing/five.requested"}]));
    let step = &five["steps"]["step"];
    assert_eq!(step["retries"], json!({"attempts": 4}));
    let called = format!("{url}?fnId=bus-five&stepId=step");
    assert_eq!(step["runtime"], json!({"type": "http", "url": called}));
    bus.end().await;
}

#[tokio::test]
async fn a_development_worker_shows_no_key() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    assert_eq!(server.memory().registrations[0].header("authorization"), None);
    bus.end().await;
}

#[tokio::test]
async fn a_server_that_comes_late_is_told() {
    let nobody = Nobody::new();
    let bus = Bus::start(options(Trust::Dev, nobody.address())).await;
    let failures = async || match &*bus.running.sync_state().borrow() {
        SyncState::Pending { failures, .. } => *failures,
        SyncState::Synced { .. } | SyncState::Blocked { .. } | SyncState::StoodDown { .. } => 0,
    };
    until("two attempts have failed", async || failures().await >= 2).await;
    let server = Server::start_in_place_of(nobody);
    bus.until_state("synced").await;
    assert_eq!(server.memory().registrations.len(), 1, "once is enough");
    bus.end().await;
}

#[tokio::test]
async fn a_server_that_fails_at_first_is_told_until_it_has_us() {
    let server = Server::start();
    server.memory().on_register = Mood::Refusing { status: 503, message: "starting", times: 2 };
    let bus = Bus::dev(&server).await;
    assert_eq!(server.memory().registrations.len(), 3);
    let state: Value = serde_json::to_value(&*bus.running.sync_state().borrow()).expect("JSON");
    assert_eq!(state["state"], "synced");
    bus.end().await;
}

#[tokio::test]
async fn a_refused_key_gives_way_to_the_fallback() {
    let server = Server::start();
    server.memory().revoked = vec![secrets::key(PRIMARY).bearer()];
    let bus = Bus::signed(&server).await;
    let bearers: Vec<_> = server
        .memory()
        .registrations
        .iter()
        .map(|seen| seen.header("authorization").expect("a bearer").to_owned())
        .collect();
    let bearer = |text| format!("Bearer {}", secrets::key(text).bearer());
    assert_eq!(bearers, [bearer(PRIMARY), bearer(FALLBACK)]);
    bus.end().await;
}

#[tokio::test]
async fn two_refused_keys_show_in_health_and_neither_of_them_is_shown() {
    let server = Server::start();
    server.memory().revoked = [PRIMARY, FALLBACK].map(|text| secrets::key(text).bearer()).into();
    let bus = Bus::start(options(secrets::trust(), server.address)).await;
    let refused = "the server refuses our key (401)";
    until("it shows", async || {
        let health = bus.health().await;
        secrets::assert_kept("health", &health.to_string());
        health["registration"]["error"].as_str().is_some_and(|error| error.contains(refused))
    })
    .await;
    server.memory().revoked.clear();
    bus.until_state("synced").await;
    bus.end().await;
}

#[tokio::test]
async fn a_worker_in_dev_mode_says_what_a_guarded_server_wants() {
    let server = Server::start();
    server.memory().guarded = true;
    let bus = Bus::start(options(protocol::signature::Trust::Dev, server.address)).await;
    until("it shows", async || {
        let health = bus.health().await;
        let error = health["registration"]["error"].as_str().unwrap_or_default().to_owned();
        error.contains("wants a signing key (401)") && error.contains("unset INNGEST_DEV")
    })
    .await;
    server.memory().guarded = false;
    bus.until_state("synced").await;
    bus.end().await;
}

#[tokio::test]
async fn a_server_that_loses_a_function_is_told_again() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    let count = bus.deployed.functions().len();
    for lose in [1, count] {
        let before = {
            let mut memory = server.memory();
            memory.functions.truncate(count - lose);
            memory.registrations.len()
        };
        until("it is told", async || server.memory().registrations.len() > before).await;
        assert_eq!(server.memory().functions.len(), count);
    }
    bus.end().await;
}

#[tokio::test]
async fn a_server_that_has_us_is_left_alone() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    until("it was asked a few times", async || server.memory().asked >= 5).await;
    assert_eq!(server.memory().registrations.len(), 1);
    bus.end().await;
}

#[tokio::test]
async fn a_server_that_was_away_is_told_again() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    let known = server.memory().functions.clone();
    let nobody = server.stop().await;
    let address = nobody.address().to_string();
    let away = |line: &str| line.contains("the server is away") && line.contains(&address);
    until("that is noticed", async || secrets::logged().lines().any(away)).await;
    let server = Server::start_in_place_of(nobody);
    // It may be another one with the same functions at an old address.
    server.memory().functions = known;
    until("it is told", async || !server.memory().registrations.is_empty()).await;
    bus.end().await;
}

#[tokio::test]
async fn a_server_with_other_triggers_is_told_again() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    for other in [json!([{"cron": "0 9 * * *"}]), json!([{"event": "testing/other"}]), json!([])] {
        let before = {
            let mut memory = server.memory();
            memory.functions[0]["config"]["triggers"] = other.clone();
            memory.registrations.len()
        };
        until("it is told", async || server.memory().registrations.len() > before).await;
        bus.until_state("synced").await;
        assert_ne!(server.memory().functions[0]["config"]["triggers"], other);
    }
    bus.end().await;
}

#[tokio::test]
async fn a_server_that_takes_functions_and_keeps_others_does_not_have_us() {
    let server = Server::start();
    server.memory().forgetful = true;
    let bus = Bus::start(options(Trust::Dev, server.address)).await;
    until("it shows", async || {
        let error = bus.health().await["registration"]["error"].to_string();
        error.contains("took the registration, but bus-")
            && error.contains("has no trigger instead of event testing/five.requested")
    })
    .await;
    server.memory().forgetful = false;
    bus.until_state("synced").await;
    bus.end().await;
}

#[tokio::test]
async fn functions_of_another_worker_under_our_name_are_told_and_left_alone() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    server.memory().functions.push(json!({"id": "bus-of-another"}));
    let foreign = async || bus.health().await["registration"]["foreign"].clone();
    until("it shows", async || foreign().await == json!(["bus-of-another"])).await;
    assert_eq!(server.memory().registrations.len(), 1, "nobody fights");
    server.memory().functions.pop();
    until("it is over", async || foreign().await.is_null()).await;
    bus.end().await;
}
