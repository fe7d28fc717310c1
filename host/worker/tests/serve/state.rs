//! Runs whose state is too large for one call: it is fetched from the server.

use protocol::id::StepId;
use serde_json::{Value, json};

use crate::bus::Bus;
use crate::call::{CallTo, RUN};
use crate::secrets::{self, FALLBACK, PRIMARY};
use crate::server::Server;

/// More than 4 MiB of memos: those of `five`, each with padding that the function never looks at, and others.
fn actions() -> String {
    let padding = "x".repeat(200_000);
    let mut steps = serde_json::Map::new();
    for (name, n) in ["one", "two", "three"].into_iter().zip(1..) {
        steps.insert(StepId::hash(name).to_string(), json!({ "data": n }));
    }
    for n in 0..25 {
        steps.insert(StepId::hash(&format!("large {n}")).to_string(), json!({ "data": padding }));
    }
    Value::from(steps).to_string()
}

/// A call as the server makes it then: without steps, with the stack.
fn call() -> CallTo<'static> {
    CallTo { use_api: true, ..CallTo::new("five") }
}

fn batch() -> String {
    json!([{"name": "testing/asked", "data": {}, "id": "e1"}]).to_string()
}

#[tokio::test]
async fn a_large_state_is_fetched_and_the_function_goes_on() {
    let server = Server::start();
    {
        let mut memory = server.memory();
        memory.state.actions = actions();
        memory.state.batch = batch();
        assert!(memory.state.actions.len() > 4 << 20);
    }
    let bus = Bus::signed(&server).await;
    let answer = bus.call(&call()).await;
    assert_eq!(answer.ops(), [("StepRun".to_owned(), "four".to_owned())]);
    let asked = server.memory().state.asked.clone();
    let bearer = Some(format!("Bearer {}", secrets::key(PRIMARY).bearer()));
    for part in ["actions", "batch"] {
        assert!(asked.contains(&(format!("{RUN}/{part}"), bearer.clone())), "{asked:?}");
    }
    bus.end().await;
}

#[tokio::test]
async fn a_refused_key_gives_way_to_the_fallback() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    {
        let mut memory = server.memory();
        memory.state.actions = actions();
        memory.revoked = vec![secrets::key(PRIMARY).bearer()];
    }
    let answer = bus.call(&call()).await;
    assert_eq!(answer.ops(), [("StepRun".to_owned(), "four".to_owned())]);
    let with = Some(format!("Bearer {}", secrets::key(FALLBACK).bearer()));
    assert_eq!(server.memory().state.asked.iter().filter(|(_, bearer)| *bearer == with).count(), 2);
    server.memory().revoked.clear();
    bus.end().await;
}

#[tokio::test]
async fn a_state_that_cannot_be_had_fails_the_attempt_and_no_more() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let too_large = format!("{{\"x\":\"{}\"}}", "x".repeat(worker::server_api::STATE_LIMIT));
    for (what, status, actions, batch, says) in [
        (
            "a run that is over",
            410,
            "{}",
            "[]",
            "the server answered 410: runtime state is no longer",
        ),
        ("no memos", 200, "nothing", "[]", "the run's steps as they were fetched"),
        ("no events", 200, "{}", "{}", "the run's events as they were fetched"),
        ("too much", 200, &too_large, "[]", "larger than 41943040 bytes"),
    ] {
        {
            let mut memory = server.memory();
            memory.state.status = status;
            memory.state.actions = actions.to_owned();
            memory.state.batch = batch.to_owned();
        }
        let answer = bus.call(&call()).await;
        assert_eq!((answer.status, answer.retry()), (500, (Some("false"), None)), "{what}");
        let error = answer.json();
        assert_eq!(error["name"], "NotHandled", "{what}");
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(says)),
            "{what}: {error}"
        );
        assert_eq!(answer.signer(), Some(PRIMARY), "{what}");
    }
    bus.end().await;
}
