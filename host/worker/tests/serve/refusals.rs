//! Calls that are believed and cannot be answered, and requests that are no calls.

use protocol::header;
use protocol::id::StepId;
use reqwest::Method;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::bus::{BODY_LIMIT, Bus, options};
use crate::call::{ATTEMPTS, CallTo, RUN, Request};
use crate::secrets::{self, EVENT_DATA, PRIMARY};
use crate::server::Server;
use worker::Options;
use worker::options::BODY_LIMIT as BODY_LIMIT_DEFAULT;

/// A request that is refused: with which status, which class of error, and what it says.
struct Refused {
    what: &'static str,
    request: Request,
    status: u16,
    class: &'static str,
    says: &'static str,
}

const FIVE: &str = "fnId=bus-five&stepId=step";

fn refused() -> Vec<Refused> {
    let good = CallTo::new("five").body();
    let ctx = format!(r#"{{"ctx":{{"run_id":"{RUN}"}},"event":"{EVENT_DATA}""#);
    let of = |what, request, status, class, says| Refused { what, request, status, class, says };
    let post = |query: &str, body: &str| Request::post(query, body);
    let body = |what, body: &str, says| of(what, post(FIVE, body), 400, "BadBody", says);
    let query = |what, query, says| of(what, post(query, &good), 400, "BadQuery", says);
    let function = |what, query| {
        of(what, post(query, &good), 500, "NotHandled", "this worker has no function")
    };
    let plain = post(FIVE, &good).with("content-type", "text/plain");
    let form = post(FIVE, &good).with("content-type", "application/x-www-form-urlencoded");
    let large = format!("{good}{}", " ".repeat(BODY_LIMIT));
    vec![
        body("nothing", "", "cannot be read"),
        body("no JSON", "call me", "cannot be read"),
        body("cut off", &good[..good.len() / 2], "cannot be read"),
        body("two calls", &format!("{good}{good}"), "cannot be read"),
        body("an array", "[]", "cannot be read"),
        body("no context", "{}", "missing field `ctx`"),
        body("a bad run id", r#"{"ctx":{"run_id":"mine"}}"#, "is not a ULID"),
        body("steps that are none", &format!(r#"{ctx},"steps":[]}}"#), "steps"),
        body("steps without ids", &format!(r#"{ctx},"steps":{{"one":1}}}}"#), "steps"),
        query("no function", "stepId=step", "has no fnId"),
        query("an empty function", "fnId=&stepId=step", "has no fnId"),
        query("no query", "", "has no fnId"),
        query("a bad step", "fnId=bus-five&stepId=one", "40 hexadecimal digits"),
        query("a short step", "fnId=bus-five&stepId=cd59ee", "40 hexadecimal digits"),
        function("an unknown function", "fnId=bus-nothing&stepId=step"),
        function("no function's id", "fnId=bus-%20&stepId=step"),
        function("another app's function", "fnId=car-five&stepId=step"),
        of("plain text", plain, 415, "ContentType", "application/json"),
        of("a form", form, 415, "ContentType", "application/json"),
        of("too large", post(FIVE, &large), 413, "TooLarge", "limit of 65536 bytes"),
    ]
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_with_its_reason_and_may_be_tried_again() {
    let server = Server::start();
    for (bus, signs) in [(Bus::signed(&server).await, true), (Bus::dev(&server).await, false)] {
        for Refused { what, request, status, class, says } in refused() {
            let request = if signs { request.signed(PRIMARY) } else { request };
            let answer = bus.send(request).await;
            assert_eq!(answer.status, status, "{what}: {answer:?}");
            let error = answer.json();
            assert_eq!(error["name"], class, "{what}: {error}");
            let message = error["message"].as_str().expect("a message");
            assert!(message.contains(says), "{what}: {message}");
            assert!(!message.contains(EVENT_DATA), "{what}: {message}");
            assert_eq!(answer.retry(), (Some("false"), None), "{what}");
            assert_eq!(answer.header(header::REQUEST_VERSION), Some("2"), "{what}");
            // What is too large is refused before anybody is believed.
            let believed = signs && status != 413;
            assert_eq!(answer.signer(), believed.then_some(PRIMARY), "{what}");
        }
        bus.end().await;
    }
}

#[tokio::test]
async fn a_refused_function_is_told_which_ones_there_are() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    let answer = bus.call(&CallTo::new("nothing")).await;
    let message = answer.json()["message"].as_str().expect("a message").to_owned();
    for says in ["\"bus-nothing\"", "bus-five", "bus-parallel", "bus-breaks"] {
        assert!(message.contains(says), "{message}");
    }
    bus.end().await;
}

#[tokio::test]
async fn an_unknown_step_is_asked_for_again_and_at_last_fails_alone() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let target = StepId::hash("gone").to_string();
    let mut call = CallTo { target: Some("gone"), ..CallTo::new("five") };
    let answer = bus.call(&call).await;
    assert_eq!((answer.status, answer.retry()), (500, (Some("false"), Some("3"))));
    assert_eq!(answer.signer(), Some(PRIMARY));
    let error = answer.json();
    assert_eq!(error["name"], "StepNotFound");
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains(&target) && message.contains("without a memo: one."), "{message}");

    call.attempt = ATTEMPTS - 1;
    let answer = bus.call(&call).await;
    assert_eq!((answer.status, answer.retry()), (206, (Some("true"), None)));
    let op = answer.op();
    assert_eq!((&op["op"], &op["id"]), (&json!("StepFailed"), &json!(target)));
    assert_eq!(op["error"]["name"], "StepNotFound");
    bus.end().await;
}

#[tokio::test]
async fn other_methods_and_other_paths_do_not_exist() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    for (method, path, allow) in [
        (Method::DELETE, "/api/inngest", "GET,HEAD,PUT,POST"),
        (Method::PATCH, "/api/inngest", "GET,HEAD,PUT,POST"),
        (Method::OPTIONS, "/api/inngest", "GET,HEAD,PUT,POST"),
        (Method::POST, "/", "GET,HEAD"),
        (Method::PUT, "/", "GET,HEAD"),
    ] {
        let answer = bus.send(Request::new(method.clone(), path)).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
        assert!(answer.body.contains("GET"), "it says what the path takes: {}", answer.body);
    }
    for path in ["/api", "/api/inngest/", "/api/inngest/x", "/favicon.ico"] {
        let answer = bus.send(Request::new(Method::POST, path)).await;
        assert_eq!((answer.status, answer.body.contains("no such path")), (404, true), "{path}");
    }
    for path in ["/", "/api/inngest"] {
        let answer = bus.send(Request::new(Method::HEAD, path)).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, ""), "{path}");
    }
    bus.end().await;
}

#[tokio::test]
async fn a_call_that_breaks_off_disturbs_nobody() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    let head = "POST /api/inngest?fnId=bus-five&stepId=step HTTP/1.1\r\nhost: bus\r\ncontent-length: 1000\r\n\r\n";
    for sent in [format!("{head}{{\"ctx\":"), head.to_owned(), "POST /api".to_owned()] {
        let mut stream = TcpStream::connect(bus.running.address()).await.expect("a connection");
        stream.write_all(sent.as_bytes()).await.expect("it is taken");
        drop(stream);
        bus.assert_works().await;
    }
    bus.end().await;
}

#[tokio::test]
async fn a_call_as_large_as_the_server_makes_them_is_taken_and_one_beyond_the_limit_is_not() {
    let server = Server::start();
    let options =
        Options { body_limit: BODY_LIMIT_DEFAULT, ..options(secrets::trust(), server.address) };
    let bus = Bus::start(options).await.registered().await;
    // The event stands in the body twice.
    let large = |bytes: usize| {
        let padding = "x".repeat(bytes);
        CallTo { data: json!({ "padding": padding }), ..CallTo::new("five") }
    };
    let answer = bus.call(&large((2 << 20) + (64 << 10))).await;
    assert_eq!(answer.op()["data"], 1, "the function runs");
    let answer = bus.call(&large(BODY_LIMIT_DEFAULT)).await;
    assert_eq!(answer.status, 413);
    let message = answer.json()["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("larger than this worker's limit of 8388608 bytes"), "{message}");
    bus.end().await;
}
