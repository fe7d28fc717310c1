//! Encryption of what the server stores: it sees none of it, and functions see all of it.

use std::sync::Arc;

use protocol::crypt::Vault;
use serde_json::{Value, json};

use crate::bus::{Bus, options};
use crate::call::CallTo;
use crate::secrets::{self, PRIMARY};
use crate::server::Server;

const OLD: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const NEW: &str = "2222222222222222222222222222222222222222222222222222222222222222";

async fn bus(server: &Server, key: Option<&str>, fallback: Option<&str>) -> Bus {
    let vault = key.map(|key| Arc::new(Vault::parse(key, fallback).expect("keys")));
    let options = worker::Options { vault, ..options(secrets::trust(), server.address) };
    Bus::start(options).await.registered().await
}

fn is_sealed(value: &Value) -> bool {
    value["__system_bus_encrypted"].as_str().is_some_and(|text| text.starts_with("v1."))
}

#[tokio::test]
async fn results_go_out_encrypted_and_come_back_readable() {
    let server = Server::start();
    let bus = bus(&server, Some(OLD), None).await;
    let mut memos = Vec::new();
    for name in ["one", "two", "three", "four", "five"] {
        let op = bus.call(&CallTo { memos: &memos, ..CallTo::new("five") }).await.op();
        assert_eq!(op["displayName"], name);
        assert!(is_sealed(&op["data"]), "{op}");
        memos.push((name, json!({ "data": op["data"] })));
    }
    let answer = bus.call(&CallTo { memos: &memos, ..CallTo::new("five") }).await;
    assert!(answer.status == 200 && is_sealed(&answer.json()), "{answer:?}");

    // Another worker of the same app, with the key on its way out.
    let rotated = self::bus(&server, Some(NEW), Some(OLD)).await;
    let answer = rotated.call(&CallTo { memos: &memos[..4], ..CallTo::new("five") }).await;
    let op = answer.op();
    assert_eq!(op["displayName"], "five", "all four were read");
    assert_ne!(op["data"], memos[4].1["data"], "with another key");

    // A step that is told again is told encrypted.
    let again = CallTo { target: Some("one"), memos: &memos, ..CallTo::new("five") };
    assert_eq!(bus.call(&again).await.op()["data"], memos[0].1["data"]);
    for bus in [bus, rotated] {
        bus.running.shutdown().await;
    }
}

#[tokio::test]
async fn a_missing_key_is_named_and_the_call_is_tried_again() {
    let server = Server::start();
    let first = bus(&server, Some(OLD), None).await;
    let data = first.call(&CallTo::new("five")).await.op()["data"].clone();
    let memos = [("one", json!({ "data": data }))];
    let call = CallTo { memos: &memos, ..CallTo::new("five") };
    for (key, says) in [
        (None, "SYSTEM_BUS_ENCRYPTION_KEY is not set"),
        (Some(NEW), "add that key to SYSTEM_BUS_ENCRYPTION_KEY_FALLBACK"),
    ] {
        let other = bus(&server, key, None).await;
        let answer = other.call(&call).await;
        assert_eq!((answer.status, answer.retry()), (500, (Some("false"), None)), "{answer:?}");
        assert!(answer.body.contains(says) && !answer.body.contains("2222"), "{answer:?}");
        assert_eq!(answer.signer(), Some(PRIMARY));
        other.running.shutdown().await;
    }
    first.running.shutdown().await;
}

#[tokio::test]
async fn steps_that_are_stored_meanwhile_are_encrypted_too() {
    let server = Server::start();
    let bus = bus(&server, Some(OLD), None).await;
    let answer = bus.call(&CallTo { dispatched: true, ..CallTo::new("five") }).await;
    assert!(answer.status == 200 && is_sealed(&answer.json()), "{answer:?}");
    let stored: Vec<Value> = server
        .memory()
        .checkpoints
        .iter()
        .flat_map(|seen| seen.body["steps"].as_array().expect("steps").clone())
        .collect();
    assert_eq!(stored.len(), 5);
    assert!(stored.iter().all(|step| is_sealed(&step["data"])), "{stored:?}");
    bus.running.shutdown().await;
}

#[tokio::test]
async fn an_event_hides_what_stands_under_encrypted() {
    let server = Server::start();
    let bus = bus(&server, Some(OLD), None).await;
    let data = json!({"open": "read me", "encrypted": "read me not"});
    bus.call(&CallTo { data, ..CallTo::new("whispers") }).await.op();
    let sent = server.memory().events[0].body[0]["data"].clone();
    assert_eq!(sent["open"], "read me");
    assert!(is_sealed(&sent["encrypted"]), "{sent}");

    // Whom it starts reads all of it, and passes it on.
    bus.call(&CallTo { data: sent, ..CallTo::new("whispers") }).await.op();
    let again = server.memory().events[1].body[0]["data"].clone();
    assert_eq!(again, server.memory().events[0].body[0]["data"]);
    bus.running.shutdown().await;
}
