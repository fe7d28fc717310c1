//! `GET`: anybody may ask, and whoever proves to share our key is told more.

use jiff::SignedDuration;
use protocol::header;
use serde_json::{Value, json};

use crate::bus::{Bus, GUESTS, deployed, options};
use crate::call::Request;
use crate::secrets::{self, FALLBACK, PRIMARY, STRANGER};
use crate::server::Server;

async fn public(succeeded: Value, mode: &str, keys: bool) -> Value {
    json!({
        "authentication_succeeded": succeeded,
        "capabilities": {"trust_probe": "v1"},
        "extra": {},
        "function_count": deployed(&GUESTS).await.functions().len(),
        "has_event_key": true,
        "has_signing_key": keys,
        "has_signing_key_fallback": keys,
        "mode": mode,
        "schema_version": "2024-05-24",
    })
}

#[tokio::test]
async fn strangers_learn_that_there_is_a_worker_and_no_more() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let get = Request::get;
    for (what, request, succeeded) in [
        ("unsigned", get(), Value::Null),
        ("nonsense", get().with(header::SIGNATURE, "trust me"), json!(false)),
        ("another key", get().signed(STRANGER), json!(false)),
        ("too old", get().signed_at(PRIMARY, SignedDuration::from_mins(-6)), json!(false)),
    ] {
        let answer = bus.send(request).await;
        assert_eq!((answer.status, answer.signer()), (200, None), "{what}");
        assert_eq!(answer.json(), public(succeeded, "cloud", true).await, "{what}");
    }
    bus.end().await;
}

#[tokio::test]
async fn whoever_shares_a_key_learns_origins_and_hashes() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let origin = format!("http://{}/", server.address);
    let short = |text| secrets::key(text).hash()[..12].to_owned();
    for key in [PRIMARY, FALLBACK] {
        let answer = bus.send(Request::get().signed(key)).await;
        assert_eq!((answer.status, answer.signer()), (200, Some(key)));
        let told = answer.json();
        assert_eq!(told["authentication_succeeded"], true);
        assert_eq!((&told["app_id"], &told["sdk_language"]), (&json!("bus"), &json!("rust")));
        assert_eq!(
            (&told["api_origin"], &told["event_api_origin"]),
            (&json!(origin), &json!(origin))
        );
        let capabilities = json!({"in_band_sync": "v1", "trust_probe": "v1"});
        assert_eq!(told["capabilities"], capabilities);
        assert_eq!(told["signing_key_hash"], short(PRIMARY));
        assert_eq!(told["signing_key_fallback_hash"], short(FALLBACK));
        secrets::assert_kept("introspection", &answer.body);
    }
    bus.end().await;
}

#[tokio::test]
async fn in_development_nobody_is_told_more() {
    let server = Server::start();
    let bus = Bus::dev(&server).await;
    for request in [Request::get(), Request::get().signed(PRIMARY)] {
        let answer = bus.send(request).await;
        assert_eq!((answer.status, answer.signer()), (200, None));
        assert_eq!(answer.json(), public(Value::Null, "dev", false).await);
    }
    bus.end().await;
}

#[tokio::test]
async fn an_endpoint_can_be_elsewhere() {
    let server = Server::start();
    let elsewhere = worker::Options {
        serve_path: Some("/elsewhere".to_owned()),
        serve_origin: Some("http://worker.internal:3111".parse().expect("an origin")),
        ..options(secrets::trust(), server.address)
    };
    let bus = Bus::start(elsewhere).await.registered().await;
    let get = |path: &str| Request { path: path.to_owned(), ..Request::get() }.signed(PRIMARY);
    assert_eq!(bus.send(get("/api/inngest")).await.status, 404);
    let told = bus.send(get("/elsewhere")).await.json();
    assert_eq!(told["serve_origin"], "http://worker.internal:3111/");
    assert_eq!(told["serve_path"], "/elsewhere");
    let registered = server.memory().registrations[0].body["url"].clone();
    assert_eq!(registered, "http://worker.internal:3111/elsewhere");
    bus.running.shutdown().await;
    secrets::assert_kept_in_log();
}
