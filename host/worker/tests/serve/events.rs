//! Steps that send events: the worker posts them, and a repeated call sends nothing twice.

use protocol::event::id_seed;
use protocol::header;
use protocol::id::StepId;
use protocol::signature::Trust;
use serde_json::{Value, json};

use crate::bus::{Bus, options};
use crate::call::{ATTEMPTS, Answer, CallTo, RUN};
use crate::secrets::{self, EVENT_DATA, EVENT_KEY};
use crate::server::{Mood, Nobody, Server, breaking_off};

/// A call whose only step sends one event, with our secret in its data.
fn sends() -> CallTo<'static> {
    CallTo { data: json!({ "count": EVENT_DATA }), ..CallTo::new("sends") }
}

fn seed() -> String {
    id_seed(RUN.parse().expect("a run"), StepId::hash("tell"))
}

/// The failure of the sending step, which is tried again.
fn failure(answer: &Answer, code: &str, no_retry: &str) -> String {
    assert_eq!(answer.retry(), (Some(no_retry), None), "{answer:?}");
    let op = answer.op();
    assert_eq!((&op["op"], &op["displayName"]), (&json!(code), &json!("tell")));
    assert_eq!(op["error"]["name"], "SendEventError");
    let message = op["error"]["message"].as_str().expect("a message").to_owned();
    secrets::assert_kept("the step's error", &message);
    message
}

#[tokio::test]
async fn events_are_posted_with_a_seed_that_a_repeated_call_repeats() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    for _ in 0..2 {
        let answer = bus.call(&sends()).await;
        let op = answer.op();
        assert_eq!((&op["op"], &op["displayName"]), (&json!("StepRun"), &json!("tell")));
        assert_eq!(op["data"], json!({"ids": ["01M81GXWDSDGCZ96C9KR1PCRG0"]}));
        assert!(op["timing"]["b"].is_u64(), "{op}");
        assert!(answer.signer().is_some());
    }
    {
        let memory = server.memory();
        assert_eq!(memory.events.len(), 2);
        for sent in &memory.events {
            assert_eq!(sent.path, EVENT_KEY);
            assert_eq!(sent.header(header::EVENT_ID_SEED), Some(seed().as_str()));
            assert_eq!(sent.header(header::SDK), Some(protocol::SDK));
            assert_eq!(sent.header("authorization"), None, "the event key is enough");
            assert_eq!(sent.body[0]["name"], "testing/five.requested");
            assert_eq!(sent.body[0]["data"]["count"], EVENT_DATA);
        }
    }
    let ids = json!({"data": {"ids": ["01M81GXWDSDGCZ96C9KR1PCRG0"]}});
    let answer = bus.call(&CallTo { memos: &[("tell", ids)], ..sends() }).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "1"));
    bus.end().await;
}

#[tokio::test]
async fn sending_beside_a_step_is_planned_and_carried_out_when_it_is_targeted() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let call = CallTo::new("sends-beside");
    let planned = bus.call(&call).await.ops();
    let steps: Vec<_> = planned.iter().map(|(op, step)| (op.as_str(), step.as_str())).collect();
    assert_eq!(steps, [("StepPlanned", "tell"), ("StepPlanned", "work")]);
    assert_eq!(server.memory().events.len(), 0, "a plan sends nothing");
    let op = bus.call(&CallTo { target: Some("tell"), ..call }).await.op();
    assert_eq!(op["op"], "StepRun");
    assert_eq!(server.memory().events.len(), 1);
    bus.end().await;
}

#[tokio::test]
async fn a_passing_failure_is_tried_again_at_once_with_the_same_seed() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    server.memory().on_events = Mood::Refusing { status: 503, message: "not now", times: 2 };
    assert_eq!(bus.call(&sends()).await.op()["op"], "StepRun");
    {
        let memory = server.memory();
        let seeds: Vec<_> =
            memory.events.iter().map(|sent| sent.header(header::EVENT_ID_SEED)).collect();
        assert_eq!(seeds, [Some(seed().as_str()); 3]);
    }
    bus.end().await;
}

#[tokio::test]
async fn a_refusal_is_the_steps_failure_and_quotes_the_server() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    for (status, requests, says) in [
        (400, 1, "the server answered 400: because"),
        (401, 1, "the server refuses our key (401)"),
        (503, 3, "the server answered 503: because"),
    ] {
        for (attempt, code, no_retry) in
            [(0, "StepError", "false"), (ATTEMPTS - 1, "StepFailed", "true")]
        {
            {
                let mut memory = server.memory();
                memory.events.clear();
                let (message, times) = ("because", usize::MAX);
                memory.on_events = Mood::Refusing { status, message, times };
            }
            let answer = bus.call(&CallTo { attempt, ..sends() }).await;
            let message = failure(&answer, code, no_retry);
            assert!(message.contains(says), "{message}");
            assert_eq!(server.memory().events.len(), requests, "{status}");
        }
    }
    bus.end().await;
}

#[tokio::test]
async fn a_server_that_is_away_or_breaks_off_is_the_steps_failure_and_its_key_stays_ours() {
    let server = Server::start();
    let nobody = Nobody::new();
    for (events, says) in [
        (nobody.address(), format!("the server at http://{} cannot be reached", nobody.address())),
        (breaking_off().await, "the server's answer cannot be read".to_owned()),
    ] {
        let event_api_origin = format!("http://{events}").parse().expect("an origin");
        let options = worker::Options { event_api_origin, ..options(Trust::Dev, server.address) };
        let bus = Bus::start(options).await.registered().await;
        let message = failure(&bus.call(&sends()).await, "StepError", "false");
        assert!(message.contains(&says), "{message}");
        bus.end().await;
    }
    let tried: Value = server.memory().events.iter().map(|sent| sent.body.clone()).collect();
    assert_eq!(tried, json!([]), "nobody else was told");
}
