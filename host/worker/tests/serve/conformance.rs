//! Inngest's conformance runner, played from what it sends and compares, so that no server is needed.
//!
//! The runner stands between a server and an SDK, sends events, and compares each call and each reply with what it
//! expects. `conformance/cases.json` has its cases, `functions/testing/guests/conformance.rs` the functions. Compared is
//! what the runner compares: the members of an op that it reads, `data` byte by byte; not the names shown to people,
//! times, stacks and classes of errors.

use std::collections::BTreeSet;

use protocol::header;
use protocol::signature::Trust;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::bus::{Bus, deployed, options};
use crate::call::{APP, Answer, RUN, Request};
use crate::secrets::PRIMARY;
use crate::server::Server;

/// One case of the runner: an event, and the calls that follow from it.
#[derive(Deserialize)]
struct Case<'a> {
    #[serde(rename = "case")]
    name: &'a str,
    function: &'a str,
    event: Value,
    #[serde(borrow)]
    calls: Vec<Call<'a>>,
}

/// One call, and the answer to it. What has ended stays for the calls after it.
#[derive(Deserialize)]
struct Call<'a> {
    #[serde(default)]
    attempt: u32,
    ended: Option<Ended>,
    #[serde(borrow)]
    answer: Expected<'a>,
}

/// A step, by its hash, and what the server keeps of it.
#[derive(Deserialize)]
struct Ended {
    id: String,
    memo: Value,
}

/// What the runner expects: ops, a result, or a failed function.
#[derive(Deserialize)]
struct Expected<'a> {
    status: u16,
    #[serde(borrow)]
    ops: Option<Vec<Op<'a>>>,
    body: Option<Value>,
    message: Option<String>,
}

/// The members of an op that the runner reads and does not blank before it compares.
#[derive(Debug, Deserialize)]
struct Op<'a> {
    #[serde(rename = "op")]
    code: String,
    id: String,
    name: String,
    opts: Option<Value>,
    #[serde(borrow, default, deserialize_with = "written")]
    data: Option<&'a RawValue>,
    error: Option<OpError>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct OpError {
    message: String,
    #[serde(default, rename = "noRetry")]
    no_retry: bool,
}

/// What is compared as bytes: absent and `null` are not the same.
fn written<'de, D: Deserializer<'de>>(text: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(text).map(Some)
}

fn parts<'o>(op: &'o Op<'_>) -> (&'o str, &'o str, &'o str, Option<&'o Value>, Option<&'o str>) {
    (&op.code, &op.id, &op.name, op.opts.as_ref(), op.data.map(RawValue::get))
}

fn check(what: &str, expected: &Expected<'_>, answer: &Answer) {
    assert_eq!(answer.status, expected.status, "{what}: {answer:?}");
    if let Some(ops) = &expected.ops {
        let told: Vec<Op<'_>> = serde_json::from_str(&answer.body).expect("ops");
        assert_eq!(
            told.iter().map(parts).collect::<Vec<_>>(),
            ops.iter().map(parts).collect::<Vec<_>>(),
            "{what}"
        );
        let error =
            |op: &Op<'_>| op.error.as_ref().map(|error| (error.message.clone(), error.no_retry));
        assert_eq!(
            told.iter().map(error).collect::<Vec<_>>(),
            ops.iter().map(error).collect::<Vec<_>>(),
            "{what}"
        );
    }
    if let Some(body) = &expected.body {
        assert_eq!(&answer.json(), body, "{what}");
    }
    if let Some(message) = &expected.message {
        let told = answer.json();
        assert_eq!((&told["name"], &told["message"]), (&json!("Error"), &json!(message)), "{what}");
    }
}

async fn bus(server: &Server) -> Bus {
    Bus::with(options(Trust::Dev, server.address), deployed(&[guests::CONFORMANCE]).await).await
}

#[tokio::test]
async fn the_runner_finds_what_it_expects_in_every_call() {
    let cases: Vec<Case<'_>> =
        serde_json::from_str(include_str!("conformance/cases.json")).expect("cases");
    assert_eq!(cases.len(), 5, "the sixth is the sync");
    let server = Server::start();
    let bus = bus(&server).await;
    for case in cases {
        let (mut steps, mut stack) = (serde_json::Map::new(), Vec::new());
        let mut event = case.event;
        event["id"] = "01M81GXWDSDGCZ96C9KR1PCRGC".into();
        event["ts"] = 1_795_347_640_545_u64.into();
        for (position, call) in case.calls.into_iter().enumerate() {
            if let Some(Ended { id, memo }) = call.ended {
                stack.push(id.clone());
                steps.insert(id, memo);
            }
            // As a server writes it that offers checkpoints: these functions have none.
            let body = json!({
                "ctx": {
                    "attempt": call.attempt, "max_attempts": 4, "run_id": RUN, "step_id": "step", "env": "local",
                    "fn_id": "4d3fbc2a-61a1-4ba6-9a5e-b96f56a0a12c", "qi_id": "cWlfaWQ=",
                    "disable_immediate_execution": false, "use_api": false,
                    "stack": { "current": stack.len(), "stack": stack },
                },
                "event": event, "events": [event], "steps": steps, "use_api": false, "version": 2,
            });
            let query = format!("fnId={APP}-{}&stepId=step", case.function);
            let answer = bus.send(Request::post(&query, body.to_string())).await;
            let what = format!("{}, call {position}", case.name);
            check(&what, &call.answer, &answer);
        }
    }
    bus.running.shutdown().await;
}

#[tokio::test]
async fn the_runner_syncs_in_band() {
    let server = Server::start();
    let bus = bus(&server).await;
    let body = r#"{"url":"http://127.0.0.1:40123"}"#;
    let request =
        Request::put(body).with(header::SYNC_KIND, "in_band").with(header::SERVER_KIND, "dev");
    // It always signs, with a key the worker of a development server does not have.
    let answer = bus.send(request.signed(PRIMARY)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    assert_eq!(told["app_id"], APP);
    let functions = told["functions"].as_array().expect("functions");
    let slugs: BTreeSet<_> = functions.iter().map(|f| f["id"].as_str().expect("a slug")).collect();
    let expected = ["simple-fn", "step-test", "retry-test", "cancel-test", "wait-for-event"]
        .map(|name| format!("{APP}-test-suite-{name}"));
    assert_eq!(slugs, expected.iter().map(String::as_str).collect());
    for function in functions {
        assert!(function["steps"]["step"]["runtime"]["url"].is_string(), "{function}");
        assert_eq!(function["triggers"].as_array().expect("triggers").len(), 1, "{function}");
        if function["id"] == expected[3].as_str() {
            let condition = "async.data.request_id == event.data.request_id";
            assert_eq!(function["cancel"], json!([{ "event": "cancel/please", "if": condition }]));
        }
    }
    bus.running.shutdown().await;
}
