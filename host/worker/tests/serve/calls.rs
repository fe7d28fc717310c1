//! Calls that are answered: results, plans and failures as the server reads them.

use protocol::header;
use protocol::id::StepId;
use serde_json::{Value, json};

use crate::bus::Bus;
use crate::call::{ATTEMPTS, Answer, CallTo};
use crate::server::Server;

fn data(value: impl Into<Value>) -> Value {
    json!({ "data": value.into() })
}

/// What an answer says in a few words: its ops with their steps, or its result or error.
fn words(answer: &Answer) -> String {
    match answer.status {
        206 => {
            let ops: Vec<_> =
                answer.ops().iter().map(|(op, step)| format!("{op} {step}")).collect();
            ops.join(", ")
        }
        200 => answer.body.clone(),
        _ => {
            let error = answer.json();
            format!("{}: {}", error["name"], error["message"])
        }
    }
}

/// One call, and how it is answered.
struct Case<'c> {
    call: CallTo<'c>,
    status: u16,
    retry: (Option<&'c str>, Option<&'c str>),
    words: &'c str,
}

const FINE: (Option<&str>, Option<&str>) = (None, None);
const FINAL: (Option<&str>, Option<&str>) = (Some("true"), None);

#[tokio::test]
async fn answers_have_the_status_the_headers_and_the_ops_that_the_server_reads() {
    let doomed = json!({"error": {"name": "Doomed", "message": "no use"}});
    let one = [("one", data(1))];
    let all = [
        ("one", data(1)),
        ("two", data(2)),
        ("three", data(3)),
        ("four", data(4)),
        ("five", data(5)),
    ];
    let joined = [("c", data(3)), ("a", data(1)), ("b", data(2))];
    let slept = [("before", data(Value::Null)), ("nap", Value::Null)];
    let caught = [("doomed", doomed)];
    let call = CallTo::new;
    let last = |function| CallTo { attempt: ATTEMPTS - 1, ..call(function) };
    let failing = |attempt| CallTo { data: json!({"failures": 9}), attempt, ..call("retried") };
    let case = |call, status, retry, words| Case { call, status, retry, words };
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    for Case { call, status, retry, words: expected } in [
        case(call("five"), 206, FINE, "StepRun one"),
        case(CallTo { memos: &one, ..call("five") }, 206, FINE, "StepRun two"),
        case(CallTo { memos: &all, ..call("five") }, 200, FINE, "[1,2,3,4,5]"),
        case(call("parallel"), 206, FINE, "StepPlanned a, StepPlanned b, StepPlanned c"),
        case(CallTo { target: Some("b"), ..call("parallel") }, 206, FINE, "StepRun b"),
        case(CallTo { memos: &joined, ..call("parallel") }, 206, FINE, "StepRun sum"),
        case(CallTo { memos: &slept[..1], ..call("slept") }, 206, FINE, "Sleep nap"),
        case(CallTo { memos: &slept, ..call("slept") }, 206, FINE, "StepRun after"),
        case(failing(0), 206, (Some("false"), Some("1")), "StepError flaky"),
        case(failing(ATTEMPTS - 1), 206, FINAL, "StepFailed flaky"),
        case(call("caught"), 206, FINAL, "StepFailed doomed"),
        case(CallTo { memos: &caught, ..call("caught") }, 206, FINE, "StepRun rescue"),
        case(CallTo { memos: &caught, ..call("uncaught") }, 400, FINAL, r#""Doomed": "no use""#),
        case(call("fails"), 500, (Some("false"), None), r#""Error": "nothing works today""#),
        case(last("fails"), 400, FINAL, r#""Error": "nothing works today""#),
    ] {
        let answer = bus.call(&call).await;
        assert_eq!((answer.status, words(&answer).as_str()), (status, expected), "{call:?}");
        assert_eq!(answer.retry(), retry, "{call:?}");
        assert_eq!(answer.header(header::REQUEST_VERSION), Some("2"), "{call:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{call:?}");
        assert!(answer.signer().is_some(), "{call:?}");
    }
    bus.end().await;
}

#[tokio::test]
async fn a_step_that_ran_tells_its_result_and_when_it_ran() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    let op = bus.call(&CallTo { target: Some("b"), ..CallTo::new("parallel") }).await.op();
    assert_eq!((&op["id"], &op["data"]), (&json!(StepId::hash("b").to_string()), &json!(2)));
    assert_eq!(op["userland"], json!({"id": "b"}));
    assert!(op["timing"]["a"].is_i64() && op["timing"]["b"].is_u64(), "{op}");
    bus.end().await;
}

#[tokio::test]
async fn a_targeted_step_with_a_stored_end_is_told_again() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    let stored = [("b", data("kept")), ("c", json!({"error": {"name": "E", "message": "m"}}))];
    let again = |target| CallTo { target: Some(target), memos: &stored, ..CallTo::new("parallel") };
    let op = bus.call(&again("b")).await.op();
    assert_eq!((&op["op"], &op["data"]), (&json!("StepRun"), &json!("kept")), "it does not run");
    let answer = bus.call(&again("c")).await;
    assert_eq!((answer.op()["op"].as_str(), answer.retry()), (Some("StepFailed"), FINAL));
    bus.end().await;
}

#[tokio::test]
async fn calls_of_one_run_are_answered_side_by_side() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let target = |name| CallTo { target: Some(name), ..CallTo::new("parallel") };
    let [a, b, c] = ["a", "b", "c"].map(target);
    let (a, b, c) = tokio::join!(bus.call(&a), bus.call(&b), bus.call(&c));
    assert_eq!([a, b, c].map(|answer| answer.op()["data"].clone()), [json!(1), json!(2), json!(3)]);
    bus.end().await;
}
