//! Calls that are not believed: 401, without a word about the reason, and the reason in our log.

use jiff::SignedDuration;
use protocol::header;

use crate::bus::Bus;
use crate::call::{Answer, CallTo, Request};
use crate::secrets::{self, FALLBACK, PRIMARY, STRANGER};
use crate::server::Server;

fn good() -> Request {
    CallTo::new("five").request()
}

/// A request whose body was changed after it was signed.
fn altered() -> Request {
    let mut request = good().signed(PRIMARY);
    let body = String::from_utf8(request.body).expect("text");
    request.body = body.replace(r#""attempt":0"#, r#""attempt":1"#).into_bytes();
    request
}

fn unauthorized(what: &str, answer: &Answer) {
    assert_eq!(answer.status, 401, "{what}: {answer:?}");
    assert_eq!(answer.body, r#"{"message":"Unauthorized"}"#, "{what}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
    assert_eq!(answer.header(header::SDK_HANDLED), Some("true"), "{what}");
    assert_eq!(answer.retry(), (Some("false"), None), "{what}");
    assert_eq!(answer.signer(), None, "{what}");
}

#[tokio::test]
async fn a_call_without_a_fitting_signature_is_not_believed() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let long = SignedDuration::from_mins(6);
    let digits = "0".repeat(64);
    for (what, request, logged) in [
        ("none", good(), "no x-inngest-signature header"),
        ("empty", good().with(header::SIGNATURE, ""), "is not t="),
        ("nonsense", good().with(header::SIGNATURE, "trust me"), "is not t="),
        ("no time", good().with(header::SIGNATURE, &format!("s={digits}")), "is not t="),
        ("no digits", good().with(header::SIGNATURE, "t=1795347640&s=xyz"), "is not t="),
        ("not ASCII", good().with(header::SIGNATURE, "t=1795347640&s=ä"), "is not t="),
        ("of another key", good().signed(STRANGER), "does not fit the body"),
        ("of another body", altered(), "does not fit the body"),
        ("of another type", good().with("content-type", "text/plain"), "no x-inngest-signature"),
        ("a probe", Request::post("probe=trust", ""), "no x-inngest-signature header"),
        ("an unknown probe", Request::post("probe=more", ""), "no x-inngest-signature header"),
        ("a strange probe", Request::post("probe=trust", "").signed(STRANGER), "does not fit"),
        ("too old", good().signed_at(PRIMARY, -long), "away from this machine's clock"),
        ("from the future", good().signed_at(PRIMARY, long), "away from this machine's clock"),
        (
            "old, of the fallback",
            good().signed_at(FALLBACK, -long),
            "away from this machine's clock",
        ),
    ] {
        unauthorized(what, &bus.send(request).await);
        assert!(secrets::logged().contains(logged), "{what}: our log says why");
    }
    bus.end().await;
}

#[tokio::test]
async fn an_answer_is_signed_with_the_key_that_was_used() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    for key in [PRIMARY, FALLBACK] {
        let answer = bus.send(good().signed(key)).await;
        assert_eq!((answer.status, answer.signer()), (206, Some(key)));
        let unknown = CallTo::new("nothing").request();
        let answer = bus.send(unknown.signed(key)).await;
        assert_eq!((answer.status, answer.signer()), (500, Some(key)), "refusals too");
    }
    bus.end().await;
}

#[tokio::test]
async fn a_development_worker_believes_everybody_and_signs_nothing() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    for request in [good(), good().signed(STRANGER), good().with(header::SIGNATURE, "trust me")] {
        let answer = bus.send(request).await;
        assert_eq!((answer.status, answer.signer()), (206, None));
    }
    bus.end().await;
}

#[tokio::test]
async fn a_probe_for_trust_is_answered_with_a_signature() {
    let server = Server::start();
    let probe = |query: &str, key| Request::post(query, "").signed(key);
    let bus = Bus::signed(&server).await;
    for key in [PRIMARY, FALLBACK] {
        let answer = bus.send(probe("probe=trust", key)).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
        assert_eq!(answer.signer(), Some(key));
    }
    let answer = bus.send(probe("fnId=bus-five&probe=health", PRIMARY)).await;
    assert_eq!((answer.status, answer.signer()), (400, Some(PRIMARY)));
    assert!(answer.body.contains("no probe \\\"health\\\""), "{}", answer.body);
    bus.end().await;
    let bus = Bus::dev(&server).await;
    let answer = bus.send(Request::post("probe=trust", "")).await;
    assert_eq!((answer.status, answer.signer()), (200, None));
    bus.end().await;
}
