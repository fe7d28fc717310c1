//! What is announced changes while the worker runs; and who else has a function.

use protocol::function::FunctionConfig;
use protocol::header;
use protocol::signature::Trust;
use protocol::sync::Announced;
use serde_json::{Value, json};
use worker::SyncState;

use crate::bus::{Bus, generation, options};
use crate::call::Request;
use crate::server::Server;
use crate::until;

async fn all() -> Vec<FunctionConfig> {
    generation().await.functions().cloned().collect()
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
        look_again: std::time::Duration::from_mins(10),
        ..options(Trust::Dev, server.address)
    };
    let bus = Bus::start(patient).await.registered().await;
    let functions = all().await;
    let count = functions.len();
    let mut turned = functions.clone();
    turned.reverse();
    bus.running.announce(Announced { functions: turned, retired: Vec::new() });
    let (kept, retired) = functions.split_at(count - 1);
    let less = Announced { functions: kept.to_vec(), retired: retired.to_vec() };
    bus.running.announce(less.clone());
    until_told(&bus).await;
    bus.running.announce(less);
    bus.running.announce(Announced::active(&functions));
    until_told(&bus).await;
    let registrations = server.memory().registrations.clone();
    assert_eq!(registrations.len(), 3, "another order is nothing new");
    let triggers = |at: usize, slug: &str| {
        let functions = registrations[at].body["functions"].as_array().expect("functions").clone();
        let found = functions.into_iter().find(|function| function["id"] == slug);
        found.map(|function| function["triggers"].as_array().expect("triggers").len())
    };
    let slug = format!("bus-{}", retired[0].id);
    assert_eq!([0, 1, 2].map(|at| triggers(at, &slug)), [Some(1), Some(0), Some(1)]);
    let health = bus.health().await;
    assert_eq!(health["registration"]["payload"], bus.running.wanted());
    assert_eq!(health["registration"]["functions"], count);
    bus.end().await;
}

#[tokio::test]
async fn introspection_and_syncs_in_band_tell_the_newest_announcement() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    let functions = all().await;
    bus.running.announce(Announced::active(&functions[..1]));
    until_told(&bus).await;
    let seen = bus.send(Request::get()).await.json();
    assert_eq!(seen["function_count"], 1, "{seen}");
    let told = bus.send(in_band()).await.json();
    assert_eq!(told["functions"].as_array().map(Vec::len), Some(1), "{told}");
    bus.end().await;
}

#[tokio::test]
async fn a_function_of_another_app_blocks_until_it_is_given_up() {
    let server = Server::start();
    let slug = format!("other-{}", all().await[0].id);
    server.memory().others.insert("other".to_owned(), vec![owned(&slug, &live())]);
    let bus = Bus::start(options(Trust::Dev, server.address)).await;
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
    let functions = all().await;
    let (ours, theirs) = (&functions[..2], &functions[2]);
    let bus = Bus::dev(&server).await;
    bus.running.announce(Announced::active(ours));
    until_told(&bus).await;
    // They have the third and want the first; we have the first and want the third.
    let slug = format!("other-{}", theirs.id);
    server.memory().others.insert("other".to_owned(), vec![owned(&slug, &live())]);
    let wants = [functions[1].clone(), theirs.clone()];
    bus.running.announce(Announced { functions: wants.to_vec(), retired: ours[..1].to_vec() });
    bus.until_state("blocked").await;
    let last = server.memory().registrations.last().expect("one").body["functions"].clone();
    let told: Vec<(String, usize)> = last
        .as_array()
        .expect("functions")
        .iter()
        .map(|one| {
            (
                one["id"].as_str().expect("a slug").to_owned(),
                one["triggers"].as_array().map_or(9, Vec::len),
            )
        })
        .collect();
    let mut expected = vec![(format!("bus-{}", ours[0].id), 0), (format!("bus-{}", ours[1].id), 1)];
    expected.sort();
    assert_eq!(told, expected);
    server.memory().others.clear();
    until_told(&bus).await;
    bus.end().await;
}

#[tokio::test]
async fn a_worker_that_stood_down_registers_nothing_whoever_asks() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    bus.running.stand_down().await;
    assert_eq!(bus.health().await["registration"]["state"], "stood_down");
    let before = server.memory().registrations.len();
    let answer = bus.send(Request::put("")).await;
    assert_eq!(answer.status, 409);
    assert!(answer.json().to_string().contains("another one has taken over"));
    server.memory().functions.clear();
    bus.running.announce(Announced::default());
    // Ten looks would have passed, and the change would have been told.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(server.memory().registrations.len(), before);
    // It goes on answering the calls that still come.
    bus.end().await;
}
