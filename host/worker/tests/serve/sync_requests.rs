//! `PUT`: the server asks the worker to register. Anybody may ask; it is our own server that is told.

use jiff::Timestamp;
use protocol::header;

use crate::bus::{BODY_LIMIT, Bus, options};
use crate::call::{Answer, Request};
use crate::secrets::{self, FALLBACK, PRIMARY, STRANGER};
use crate::server::{Mood, Nobody, Server};

const BODY: &str = r#"{"url":"http://localhost:3111/api/inngest"}"#;

fn put() -> Request {
    Request::put(BODY).with(header::SERVER_KIND, "cloud")
}

/// The body as a server may write it, signed in the canonical form that it signs.
fn escaped() -> Request {
    let canonical = r#"{"url":"http://localhost:3111/?a&b"}"#;
    let signature = secrets::key(PRIMARY).sign(canonical.as_bytes(), Timestamp::now());
    Request::put(r#"{"url": "http://localhost:3111/?a\u0026b"}"#)
        .with(header::SIGNATURE, &signature)
        .with(header::SERVER_KIND, "cloud")
}

fn synced(what: &str, answer: &Answer) {
    assert_eq!(answer.status, 200, "{what}: {answer:?}");
    assert_eq!(answer.header(header::SYNC_KIND), Some("out_of_band"), "{what}");
    let told = answer.json();
    assert_eq!(
        (&told["message"], &told["modified"]),
        (&"Successfully synced.".into(), &true.into())
    );
}

#[tokio::test]
async fn whoever_asks_makes_the_worker_tell_its_own_server() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    for (what, request, signer) in [
        ("unsigned", put(), None),
        ("signed", put().signed(PRIMARY), Some(PRIMARY)),
        ("signed with the fallback", put().signed(FALLBACK), Some(FALLBACK)),
        ("escaped", escaped(), Some(PRIMARY)),
        ("without a body", Request::put("").with(header::SERVER_KIND, "cloud"), None),
    ] {
        let before = server.memory().registrations.len();
        let answer = bus.send(request).await;
        synced(what, &answer);
        assert_eq!(answer.signer(), signer, "{what}");
        let memory = server.memory();
        assert_eq!(memory.registrations.len(), before + 1, "{what}");
        let told = &memory.registrations[before];
        assert_eq!(told.header(header::EXPECTED_SERVER_KIND), Some("cloud"), "{what}");
    }
    bus.end().await;
}

#[tokio::test]
async fn a_signature_that_does_not_fit_is_worse_than_none() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let large = Request::put(&" ".repeat(BODY_LIMIT + 1));
    for (what, request, status) in [
        ("another key", put().signed(STRANGER), 401),
        ("nonsense", put().with(header::SIGNATURE, "trust me"), 401),
        ("too large", large, 413),
    ] {
        let answer = bus.send(request).await;
        assert_eq!((answer.status, answer.signer()), (status, None), "{what}: {answer:?}");
    }
    assert_eq!(server.memory().registrations.len(), 1, "only the worker's own");
    bus.end().await;
}

#[tokio::test]
async fn a_server_that_refuses_is_quoted() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    server.memory().on_register = Mood::Refusing { status: 400, message: "no such plan", times: 1 };
    let answer = bus.send(put()).await;
    assert_eq!(answer.status, 500);
    assert_eq!(answer.json()["message"], "the server answered 400: no such plan");
    bus.end().await;
}

#[tokio::test]
async fn a_failed_request_to_sync_is_made_up_for() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    server.memory().on_register = Mood::Refusing { status: 500, message: "not now", times: 1 };
    assert_eq!(bus.send(put()).await.status, 500);
    bus.until_state("synced").await;
    assert!(server.memory().registrations.len() >= 3, "its own, the refused one, and another");
    bus.end().await;
}

#[tokio::test]
async fn a_server_that_is_away_is_named() {
    let nobody = Nobody::new();
    let bus = Bus::start(options(secrets::trust(), nobody.address())).await;
    let answer = bus.send(put().signed(PRIMARY)).await;
    assert_eq!((answer.status, answer.signer()), (500, Some(PRIMARY)));
    let message = answer.json()["message"].as_str().expect("a message").to_owned();
    let says = format!("http://{} cannot be reached", nobody.address());
    assert!(message.contains(&says), "{message}");
    bus.assert_works().await;
    bus.running.shutdown().await;
}

#[tokio::test]
async fn the_reason_that_the_server_keeps_is_part_of_the_error() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    let general = "At least one function is invalid";
    for (message, reason, says) in [
        (
            general,
            Some("1 errors occurred:\n  * A name is required"),
            "invalid: 1 errors occurred: * A name",
        ),
        (general, None, "the server answered 400: At least one function is invalid"),
        (
            "Invalid request: bad scope",
            Some("of an earlier sync"),
            "400: Invalid request: bad scope",
        ),
    ] {
        {
            let mut memory = server.memory();
            memory.on_register = Mood::Refusing { status: 400, message, times: 1 };
            memory.reason = reason;
        }
        let answer = bus.send(put()).await;
        let told = answer.json()["message"].as_str().expect("a message").to_owned();
        assert!(answer.status == 500 && told.contains(says), "{says}: {told}");
        assert!(!told.contains("earlier"), "{told}");
        bus.until_state("synced").await;
    }
    bus.end().await;
}

#[tokio::test]
async fn the_mark_of_a_deploy_goes_on_to_the_server() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    for (query, expected) in [("?deployId=d%201&x=2", Some("deployId=d+1")), ("?x=2", None)] {
        let path = format!("/api/inngest{query}");
        assert_eq!(bus.send(Request { path, ..put() }).await.status, 200);
        let seen = server.memory().registrations.last().expect("a registration").query.clone();
        assert_eq!(seen.as_deref(), expected);
    }
    bus.end().await;
}
