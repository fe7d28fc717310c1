//! What is announced changes while the worker runs; and who else has a function.

use protocol::header;
use protocol::signature::Trust;
use serde_json::{Value, json};
use worker::SyncState;

use crate::bus::{Bus, deployed, options};
use crate::call::Request;
use crate::clone::Artifact;
use crate::server::{Seen, Server};
use crate::until;

/// A worker with the guest `steps` and one function more, in development mode.
async fn bus(options: worker::Options) -> Bus {
    Bus::with(options, deployed(&[guests::STEPS, guests::CLONABLE]).await).await
}

/// The functions of a registration by their slugs, each with the number of its triggers.
fn told(registration: &Seen) -> Vec<(String, usize)> {
    let functions = registration.body["functions"].as_array().expect("functions").iter();
    let triggers = |one: &Value| one["triggers"].as_array().map_or(9, Vec::len);
    functions.map(|one| (one["id"].as_str().expect("a slug").to_owned(), triggers(one))).collect()
}

/// Some function of another app as the server tells it.
fn owned(slug: &str, triggers: &Value) -> Value {
    json!({"id": slug, "config": {"triggers": triggers}})
}

/// A request for a sync in band.
fn in_band() -> Request {
    Request::put(r#"{"url":"http://w.example/api"}"#).with(header::SYNC_KIND, "in_band")
}

fn live() -> Value {
    json!([{"event": "x/y"}])
}

async fn until_told(bus: &Bus) {
    let mut state = bus.running.sync_state();
    let wanted = bus.running.wanted();
    until("it is told", async || state.borrow_and_update().has(&wanted)).await;
}

#[tokio::test]
async fn a_change_is_told_at_once_and_the_same_again_is_not() {
    let server = Server::start();
    // So long that only the change itself can be the reason.
    let patient = worker::Options {
        elected: None,
        look_again: std::time::Duration::from_mins(10),
        ..options(Trust::Dev, server.address)
    };
    let bus = bus(patient).await.registered().await;
    let functions = bus.deployed.functions();
    let gone = functions.iter().find(|one| one.id.as_str().starts_with("clonable")).expect("it");
    let slug = format!("bus-{}", gone.id);
    let other = Artifact::read(guests::CLONABLE).version("other");
    bus.deployed.place_as("clonable", other.bytes());
    assert_eq!(bus.deployed.reload().await.generation.after, 2);
    let registered = async |times| {
        until("it is told", async || server.memory().registrations.len() >= times).await;
        until_told(&bus).await;
    };
    bus.deployed.remove("clonable");
    bus.deployed.reload().await;
    registered(2).await;
    bus.deployed.reload().await;
    bus.deployed.place(guests::CLONABLE);
    bus.deployed.reload().await;
    registered(3).await;
    let registrations = server.memory().registrations.clone();
    assert_eq!(registrations.len(), 3, "other code that declares the same is nothing new");
    let triggers = |seen: &Seen| {
        let functions = told(seen);
        functions.into_iter().find(|(id, _)| *id == slug).map(|(_, triggers)| triggers)
    };
    let triggers: Vec<_> = registrations.iter().map(triggers).collect();
    assert_eq!(triggers, [Some(1), Some(0), Some(1)]);
    let health = bus.health().await;
    assert_eq!(health["registration"]["payload"], bus.running.wanted());
    assert_eq!(health["registration"]["functions"], functions.len());
    bus.end().await;
}

#[tokio::test]
async fn introspection_and_syncs_in_band_tell_the_newest_announcement() {
    let server = Server::start();
    let bus = bus(options(Trust::Dev, server.address)).await.registered().await;
    let count = bus.deployed.functions().len();
    bus.deployed.remove("clonable");
    bus.deployed.reload().await;
    // The server says that it has no runs, so it goes.
    let slugs = async || told(server.memory().registrations.last().expect("one")).len();
    until("it is gone", async || slugs().await == count - 1).await;
    until_told(&bus).await;
    let seen = bus.send(Request::get()).await.json();
    assert_eq!(seen["function_count"], count - 1, "{seen}");
    let told = bus.send(in_band()).await.json();
    assert_eq!(told["functions"].as_array().map(Vec::len), Some(count - 1), "{told}");
    bus.end().await;
}

#[tokio::test]
async fn a_function_of_another_app_blocks_until_it_is_given_up() {
    let server = Server::start();
    let slug = "other-five".to_owned();
    server.memory().others.insert("other".to_owned(), vec![owned(&slug, &live())]);
    let bus = bus(options(Trust::Dev, server.address)).await;
    let verdict = SyncState::verdict(&mut bus.running.sync_state()).await;
    assert!(matches!(verdict, Some(SyncState::Blocked { .. })), "{verdict:?}");
    let shown = bus.health().await;
    assert_eq!(shown["status"], "degraded");
    assert_eq!(shown["registration"]["conflicts"][0]["app"], "other");
    let asked = bus.send(Request::put("")).await;
    assert_eq!(asked.status, 409);
    assert!(asked.json()["message"].to_string().contains("belongs to the app other"));
    assert_eq!(bus.send(in_band()).await.status, 409);
    assert!(server.memory().registrations.is_empty(), "nothing was registered");
    // Retired there, it is in nobody's way.
    server.memory().others.insert("other".to_owned(), vec![owned(&slug, &json!([]))]);
    bus.until_state("synced").await;
    // And whoever takes it later is noticed.
    server
        .memory()
        .others
        .insert("third".to_owned(), vec![owned(&slug.replace("other", "third"), &live())]);
    bus.until_state("blocked").await;
    assert_eq!(bus.health().await["registration"]["conflicts"][0]["app"], "third");
    server.memory().others.clear();
    bus.until_state("synced").await;
    bus.end().await;
}

#[tokio::test]
async fn what_is_not_ours_any_more_is_given_up_even_while_another_is_in_the_way() {
    let server = Server::start();
    // Runs keep a function registered that was taken away.
    server.memory().runs = vec!["01M81GXW71CEV7JQT6T4T8NAKZ"];
    let bus = bus(options(Trust::Dev, server.address)).await.registered().await;
    // They want one that we have, and have one that we want.
    server.memory().others.insert("other".to_owned(), vec![owned("other-anywhere", &live())]);
    bus.deployed.remove("clonable");
    bus.deployed.place(guests::TWO_HOMES);
    bus.deployed.reload().await;
    bus.until_state("blocked").await;
    let last = told(server.memory().registrations.last().expect("one"));
    let of = |prefix: &str| {
        let found = last.iter().find(|(slug, _)| slug.starts_with(prefix));
        found.map(|(_, triggers)| *triggers)
    };
    assert_eq!([of("bus-clonable"), of("bus-five"), of("bus-anywhere")], [Some(0), Some(1), None]);
    server.memory().others.clear();
    until_told(&bus).await;
    bus.end().await;
}

#[tokio::test]
async fn a_worker_that_stood_down_registers_nothing_whoever_asks() {
    let server = Server::start();
    let bus = bus(options(Trust::Dev, server.address)).await.registered().await;
    bus.running.stand_down().await;
    assert_eq!(bus.health().await["registration"]["state"], "stood_down");
    let before = server.memory().registrations.len();
    let answer = bus.send(Request::put("")).await;
    assert_eq!(answer.status, 409);
    assert!(answer.json().to_string().contains("another one has taken over"));
    server.memory().functions.clear();
    bus.deployed.remove("clonable");
    bus.deployed.reload().await;
    // Ten looks would have passed, and the change would have been told.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(server.memory().registrations.len(), before);
    // It goes on answering the calls that still come.
    bus.end().await;
}
