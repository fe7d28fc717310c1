//! Calls whose functions go on while the server stores their steps.

use protocol::id::StepId;
use protocol::signature::Trust;
use serde_json::{Value, json};

use crate::bus::{Bus, options};
use crate::call::{Answer, CallTo, RUN};
use crate::secrets::PRIMARY;
use crate::server::{Mood, Server};

fn five() -> CallTo<'static> {
    CallTo { dispatched: true, ..CallTo::new("five") }
}

/// The names of the steps in each request that stored some.
fn stored(server: &Server) -> Vec<String> {
    let names = |body: &Value| {
        let steps = body["steps"].as_array().expect("steps").iter();
        steps
            .map(|step| step["displayName"].as_str().expect("a name"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    server.memory().checkpoints.iter().map(|seen| names(&seen.body)).collect()
}

fn refusing(status: u16, times: usize) -> Mood {
    Mood::Refusing { status, message: "not now", times }
}

/// One call of `five` at a server in this mood.
async fn answered(mood: Mood) -> (Answer, Vec<String>) {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    server.memory().on_checkpoints = mood;
    let answer = bus.call(&five()).await;
    let stored = stored(&server);
    (answer, stored)
}

#[tokio::test]
async fn a_row_of_steps_takes_one_call_and_each_is_stored_as_the_server_reads_it() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let answer = bus.call(&five()).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "[1,2,3,4,5]"));
    assert_eq!(stored(&server), ["one", "two", "three", "four", "five"]);
    let memory = server.memory();
    let (first, bearer) = (&memory.checkpoints[0], crate::secrets::key(PRIMARY).bearer());
    assert_eq!(first.path, RUN);
    assert_eq!(first.header("authorization"), Some(format!("Bearer {bearer}").as_str()));
    let body = &first.body;
    assert_eq!(body["run_id"], RUN);
    assert_eq!(body["fn_id"], "7c1f0000-0000-8000-8000-000000000000");
    assert_eq!(body["qi_id"], "ODEyMzo6ZGVmYXVsdA==");
    assert_eq!(body["request_id"], "01M81GXWDSDGCZ96C9KR1PCRGR");
    assert_eq!(body["generation_id"], 3);
    assert!(body["request_started_at"].as_i64() <= body["ts"].as_i64() && body["ts"].is_i64());
    let step = &body["steps"][0];
    assert_eq!((&step["op"], &step["data"]), (&json!("StepRun"), &json!(1)));
    assert_eq!(step["id"], StepId::hash("one").to_string());
    assert!(step["timing"]["a"].is_i64() && step["timing"]["b"].is_u64(), "{step}");
}

#[tokio::test]
async fn a_call_that_another_one_has_superseded_runs_nothing_more() {
    let (answer, stored) = answered(refusing(409, usize::MAX)).await;
    assert_eq!((answer.status, answer.retry()), (400, (Some("true"), None)));
    assert_eq!(stored, ["one"], "the second step never ran");
}

#[tokio::test]
async fn what_the_server_refuses_to_store_is_part_of_the_reply() {
    for status in [400, 413] {
        let (answer, stored) = answered(refusing(status, usize::MAX)).await;
        assert_eq!(answer.ops(), [("StepRun".to_owned(), "one".to_owned())], "{status}");
        assert_eq!(stored, ["one"], "{status}: it is asked once");
    }
}

#[tokio::test]
async fn a_server_that_stumbles_is_asked_again() {
    let (answer, stored) = answered(refusing(503, 2)).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "[1,2,3,4,5]"));
    assert_eq!(stored, ["one", "one", "one", "two", "three", "four", "five"]);
}

#[tokio::test]
async fn a_server_that_stores_nothing_gets_the_step_with_the_reply() {
    let (answer, stored) = answered(refusing(500, usize::MAX)).await;
    assert_eq!(answer.ops(), [("StepRun".to_owned(), "one".to_owned())]);
    assert_eq!(stored, ["one"; 5], "five tries, and no more");
}

#[tokio::test]
async fn nothing_is_stored_where_the_protocol_or_the_operator_forbids_it() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let again = CallTo { attempt: 1, ..five() };
    let target = CallTo { target: Some("one"), ..five() };
    let anonymous = CallTo { dispatched: false, ..five() };
    for call in [again, target, anonymous] {
        assert_eq!(
            bus.call(&call).await.ops(),
            [("StepRun".to_owned(), "one".to_owned())],
            "{call:?}"
        );
    }
    let off = worker::Options { checkpoints: false, ..options(Trust::Dev, server.address) };
    let bus = Bus::start(off).await.registered().await;
    assert_eq!(bus.call(&five()).await.ops(), [("StepRun".to_owned(), "one".to_owned())]);
    assert_eq!(stored(&server), [""; 0]);
}
