//! Redis with TLS: the real server, with certificates of these tests' own (`certificates/make`).

use std::path::PathBuf;

use capabilities::redis::{ServerError, Shared};
use serde_json::json;

use super::{GRANTED, site};
use crate::redis_server::{RedisServer, free_port};

/// A file of the tests' certificates.
fn certificate(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/guests/certificates");
    folder.join(name).to_string_lossy().into_owned()
}

/// A server with a second port that speaks TLS, as `localhost`; and that port.
fn secure() -> (RedisServer, u16) {
    let port = free_port();
    let server = RedisServer::with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &certificate("localhost.pem"),
        "--tls-key-file",
        &certificate("localhost.key"),
        "--tls-ca-cert-file",
        &certificate("authority.pem"),
        "--tls-auth-clients",
        "no",
    ]);
    (server, port)
}

/// What `[redis]` with this URL, and these certificates to trust, leads to.
async fn described(url: String, ca: Option<&str>) -> Result<Shared, ServerError> {
    let ca = ca.map(|ca| format!("ca = {:?}", certificate(ca))).unwrap_or_default();
    let grants = capabilities::grants::parse(&format!("[redis]\nurl = {url:?}\n{ca}"));
    let server = grants.expect("grants").redis.expect("a server");
    tokio::task::spawn_blocking(move || Shared::new(&server)).await.expect("no panic")
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_go_through_tls_where_the_authority_is_the_operators() {
    let (mut server, port) = secure();
    let shared = described(format!("rediss://localhost:{port}"), Some("authority.pem")).await;
    let site = site(GRANTED, Some(shared.expect("it is trusted").into())).await;
    assert_eq!(site.run("put", json!({ "key": "k", "value": "v" })).await, "done null");
    assert_eq!(server.keys(), ["uses-redis:k"]);
    server.stop();
    let away = site.run("get", json!({ "key": "k" })).await;
    assert!(away.contains("CapabilityUnavailable") && away.ends_with("(Again)"), "{away}");
    tokio::task::block_in_place(|| server.resume());
    assert_eq!(site.run("get", json!({ "key": "k" })).await, "done 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_name_or_authority_is_said_at_the_start() {
    let (_server, port) = secure();
    for (host, ca) in [
        // The certificate is for `localhost`.
        ("127.0.0.1", Some("authority.pem")),
        // Somebody else's authority; then that of the machine, which has not signed it.
        ("localhost", Some("stranger.pem")),
        ("localhost", None),
    ] {
        let error = described(format!("rediss://{host}:{port}"), ca).await.expect_err("refused");
        assert!(matches!(error, ServerError::Untrusted { .. }), "{host}: {error}");
        let said = error.to_string();
        assert!(said.contains("`url` of `[redis]`") && said.contains("`ca`"), "{said}");
        assert!(said.contains("invalid peer certificate"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_holds_no_certificates_is_said_at_the_start() {
    let port = free_port();
    for (url, ca) in [
        (format!("rediss://localhost:{port}"), "gone.pem"),
        (format!("rediss://localhost:{port}"), "localhost.key"),
        (format!("rediss://localhost:{port}"), "make"),
        // Certificates without TLS would protect nothing.
        (format!("redis://localhost:{port}"), "authority.pem"),
    ] {
        let error = described(url.clone(), Some(ca)).await.expect_err("refused");
        let said = error.to_string();
        assert!(matches!(error, ServerError::Certificates { .. }), "{url} {ca}: {said}");
        assert!(said.contains("`ca` of `[redis]`") && said.contains(ca), "{said}");
    }
}

/// Nothing in the address turns the check off.
#[test]
fn certificates_are_checked_whatever_the_url_says() {
    let error = capabilities::grants::parse("[redis]\nurl = 'rediss://localhost/#insecure'");
    let said = error.expect_err("it is refused").to_string();
    assert!(said.contains("take that away, and name the certificates to trust"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_a_worker_starts_while_the_server_is_down_or_speaks_otherwise() {
    let plain = RedisServer::start();
    for url in [
        format!("rediss://localhost:{}", free_port()),
        plain.url().replace("redis://127.0.0.1", "rediss://localhost"),
    ] {
        let shared = described(url, Some("authority.pem")).await.expect("it may come later");
        let site = site(GRANTED, Some(shared.into())).await;
        let answer = site.run("get", json!({ "key": "k" })).await;
        let typed = ["CapabilityUnavailable", "CapabilityLate"];
        assert!(typed.iter().any(|name| answer.contains(name)), "{answer}");
    }
}
