//! `PUT` with the wish for an answer in band: the functions come in the answer, to whoever shares our key.

use protocol::header;
use serde_json::{Value, json};

use crate::bus::{Bus, options};
use crate::call::{Answer, Request};
use crate::secrets::{self, FALLBACK, PRIMARY, STRANGER};
use crate::server::Server;

const BODY: &str = r#"{"url":"https://worker.example/api/inngest?deployId=7"}"#;

fn put(body: &str) -> Request {
    Request::put(body).with(header::SYNC_KIND, "in_band")
}

fn told(answer: &Answer) -> Value {
    assert_eq!((answer.status, answer.header(header::SYNC_KIND)), (200, Some("in_band")));
    answer.json()
}

#[tokio::test]
async fn whoever_shares_a_key_gets_the_functions_and_our_server_is_not_asked() {
    let server = Server::start();
    let described = worker::Options {
        app_version: Some("7".to_owned()),
        env: Some("preview".to_owned()),
        ..options(secrets::trust(), server.address)
    };
    let bus = Bus::start(described).await.registered().await;
    for key in [PRIMARY, FALLBACK] {
        let answer = bus.send(put(BODY).signed(key)).await;
        assert_eq!(answer.signer(), Some(key));
        let told = told(&answer);
        for (member, value) in [
            ("app_id", json!("bus")),
            ("appVersion", json!("7")),
            ("env", json!("preview")),
            ("framework", json!("axum")),
            ("platform", Value::Null),
            ("sdk", json!(protocol::SDK)),
            ("sdk_language", json!("rust")),
            ("url", json!("https://worker.example/api/inngest")),
            ("capabilities", json!({"in_band_sync": "v1", "trust_probe": "v1"})),
        ] {
            assert_eq!(told[member], value, "{member}");
        }
        assert_eq!(told["inspection"]["authentication_succeeded"], true);
        let functions = told["functions"].as_array().expect("functions");
        assert_eq!(functions.len(), bus.deployed.functions().len());
        let url = functions[0]["steps"]["step"]["runtime"]["url"].as_str().expect("a URL");
        assert!(url.starts_with("https://worker.example/api/inngest?fnId=bus-"), "{url}");
        secrets::assert_kept("the answer", &answer.body);
    }
    assert_eq!(server.memory().registrations.len(), 1, "only the worker's own");
    bus.end().await;
}

#[tokio::test]
async fn nobody_else_gets_them() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    for (what, request, status, code, signer) in [
        ("unsigned", put(BODY), 401, "unauthorized", None),
        ("another key", put(BODY).signed(STRANGER), 401, "unauthorized", None),
        ("no body", put("").signed(PRIMARY), 400, "invalid_request", Some(PRIMARY)),
        ("no url", put("{}").signed(PRIMARY), 400, "invalid_request", Some(PRIMARY)),
        (
            "no address",
            put(r#"{"url":"worker"}"#).signed(PRIMARY),
            400,
            "invalid_request",
            Some(PRIMARY),
        ),
    ] {
        let answer = bus.send(request).await;
        assert_eq!((answer.status, answer.signer()), (status, signer), "{what}");
        let refused = answer.json();
        assert_eq!(refused["code"], code, "{what}");
        assert!(refused["message"].is_string() && refused.get("functions").is_none(), "{what}");
    }
    bus.end().await;
}

#[tokio::test]
async fn a_development_worker_answers_everybody() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    let answer = bus.send(put(BODY)).await;
    assert_eq!(answer.signer(), None);
    assert_eq!(told(&answer)["inspection"]["authentication_succeeded"], Value::Null);
    bus.end().await;
}

#[tokio::test]
async fn where_it_is_forbidden_our_own_server_is_told_instead() {
    let server = Server::start();
    let forbidden =
        worker::Options { in_band_sync: false, ..options(secrets::trust(), server.address) };
    let bus = Bus::start(forbidden).await.registered().await;
    let answer = bus.send(put(BODY).signed(PRIMARY)).await;
    assert_eq!((answer.status, answer.header(header::SYNC_KIND)), (200, Some("out_of_band")));
    assert_eq!(answer.json()["message"], "Successfully synced.");
    assert_eq!(server.memory().registrations.len(), 2);
    let capabilities =
        bus.send(Request::get().signed(PRIMARY)).await.json()["capabilities"].clone();
    assert_eq!(capabilities, json!({"trust_probe": "v1"}), "it is not announced");
    bus.end().await;
}
