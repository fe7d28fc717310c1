//! Telling people, through a real Redis server.

use std::sync::Arc;

use capabilities::gateway::{Channel, Provider};
use capabilities::redis::Shared;
use redis::Commands;
use runtime::placement::Capability;
use serde_json::{Value, json};

use crate::redis_server::{RedisServer, free_port, shared};
use crate::site::Site;

async fn site(server: Option<Arc<Shared>>) -> Site {
    let provider = Provider::new(&Channel::default(), server);
    Site::new(guests::USES_GATEWAY, vec![Arc::new(provider)]).await
}

/// What a function answered with.
async fn told(site: &Site, function: &str, data: Value) -> Value {
    let answer = site.run(function, data).await;
    let json = answer.strip_prefix("done ").unwrap_or_else(|| panic!("{answer}"));
    serde_json::from_str(json).expect("JSON")
}

/// A list, the first pushed first.
fn list(server: &RedisServer, key: &str) -> Vec<Value> {
    let texts: Vec<String> = server.connection().lrange(key, 0, -1).expect("a list");
    texts.iter().rev().map(|text| serde_json::from_str(text).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_target_gets_the_message_and_hears_of_it() {
    let server = RedisServer::start();
    let mut all = server.connection();
    let sessions = ["gateway", "s1", "s2"];
    let () = all.sadd("joelclaw:gateway:sessions", &sessions).expect("sessions");
    let mut heard = all.as_pubsub();
    heard.subscribe("joelclaw:notify:s1").expect("a listener");

    let site = site(Some(server.shared("10s"))).await;
    let told = told(&site, "tells", json!({ "originSession": "s1" })).await;
    let gateway = list(&server, "joelclaw:events:gateway");
    for (nth, (kind, payload)) in [
        ("progress", json!({ "message": "halfway", "percent": 50 })),
        ("order.shipped", json!({ "order": 7 })),
        ("alert", json!({ "message": "on fire" })),
    ]
    .into_iter()
    .enumerate()
    {
        let (answer, message) = (&told[nth], &gateway[nth]);
        assert_eq!((&answer["pushed"], &answer["queued"]), (&json!(true), &json!(false)));
        assert_eq!(answer["error"], json!(null));
        assert_eq!(message["id"], answer["id"]);
        assert_eq!(answer["kind"], kind);
        let origin = if kind == "alert" { json!(null) } else { json!("s1") };
        assert_eq!(answer["origin"], origin);
        assert_eq!(message["type"], kind);
        assert_eq!(message["source"], "inngest/testing/asked");
        assert_eq!(message["payload"], payload);
        assert!(message["ts"].as_i64() > Some(1_700_000_000_000), "{message}");
        assert_eq!(message.as_object().map(serde_json::Map::len), Some(5));
    }
    // An alert does not go to where the run came from.
    assert_eq!(list(&server, "joelclaw:events:s1"), gateway[..2]);
    assert_eq!(server.keys().len(), 3, "{:?}", server.keys());
    let notice: String = heard.get_message().expect("a notice").get_payload().expect("text");
    let expected = format!(r#"{{"eventId":{},"type":"progress"}}"#, told[0]["id"]);
    assert_eq!(notice, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_listens_it_goes_to_main() {
    let server = RedisServer::start();
    let site = site(Some(server.shared("10s"))).await;
    told(&site, "tells", json!({ "originSession": "s1" })).await;
    assert_eq!(list(&server, "joelclaw:events:main").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_system_sleeps_only_what_wakes_is_told() {
    let server = RedisServer::start();
    let () = server.connection().set("system:sleep", "1").expect("set");
    let site = site(Some(server.shared("10s"))).await;
    let told = told(&site, "tells", json!({})).await;
    let queued: Vec<_> = (0..3).map(|nth| told[nth]["queued"].clone()).collect();
    assert_eq!(queued, [json!(true), json!(true), json!(false)]);
    assert_eq!(told[0]["pushed"], false);
    let main = list(&server, "joelclaw:events:main");
    assert_eq!((main.len(), &main[0]["type"]), (1, &json!("alert")));
    // At the end of the queue: whoever reads it finds the oldest first.
    let waiting: Vec<String> = server.connection().lrange("sleep:queue", 0, -1).expect("a list");
    let waiting: Vec<Value> =
        waiting.iter().map(|text| serde_json::from_str(text).expect("JSON")).collect();
    let shown = |name: &str| waiting.iter().map(|one| one[name].clone()).collect::<Vec<_>>();
    assert_eq!(shown("event"), ["progress", "order.shipped"]);
    assert_eq!(shown("summary"), ["progress: halfway", r#"order.shipped: {"order":7}"#]);
    for at in shown("timestamp") {
        let at = at.as_str().expect("text").to_owned();
        assert!(
            at.len() == 24 && at.ends_with('Z') && at.parse::<jiff::Timestamp>().is_ok(),
            "{at}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_sleep_is_none() {
    let server = RedisServer::start();
    let () = server.connection().set("system:sleep", "").expect("set");
    let site = site(Some(server.shared("10s"))).await;
    assert_eq!(told(&site, "tells", json!({})).await[0]["pushed"], true);
}

/// Byte for byte what is in the lists: members in the order of those who read them, and the payload's own as they were
/// written, whatever language the component is written in.
#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_are_those_that_readers_know() {
    let server = RedisServer::start();
    let site = site(Some(server.shared("10s"))).await;
    for (data, kind, payload) in [
        (
            json!({ "kind": "order.shipped", "payload": r#"{"z":1.50,"a":{"y":[],"b":null}}"# }),
            "order.shipped",
            r#"{"z":1.50,"a":{"y":[],"b":null}}"#,
        ),
        (
            json!({ "kind": "progress", "message": "ü", "payload": r#"{"z":1,"a":2}"# }),
            "progress",
            r#"{"message":"ü","z":1,"a":2}"#,
        ),
        (json!({ "kind": "nothing" }), "nothing", "{}"),
    ] {
        assert_eq!(told(&site, "notifies", data).await, json!(true));
        let text: String = server.connection().lpop("joelclaw:events:main", None).expect("a push");
        let read: Value = serde_json::from_str(&text).expect("JSON");
        let (id, ts) = (read["id"].as_str().expect("an id"), read["ts"].as_i64().expect("a time"));
        let expected = format!(
            r#"{{"id":"{id}","type":"{kind}","source":"inngest/testing/asked","payload":{payload},"ts":{ts}}}"#
        );
        assert_eq!(text, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_fails_lets_it_through() {
    let server = RedisServer::start();
    let mut all = server.connection();
    let () = all.set("system:sleep", "1").expect("set");
    // No list: nothing can be queued.
    let () = all.set("sleep:queue", "broken").expect("set");
    let site = site(Some(server.shared("10s"))).await;
    let told = told(&site, "tells", json!({})).await;
    assert_eq!((&told[0]["pushed"], &told[0]["queued"]), (&json!(true), &json!(false)));
    assert_eq!(list(&server, "joelclaw:events:main").len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_runs_twice_tells_under_the_same_id() {
    let server = RedisServer::start();
    let site = site(Some(server.shared("10s"))).await;
    let first = told(&site, "twice", json!({})).await;
    assert_eq!(told(&site, "twice", json!({})).await, first);
    assert_ne!(first[0]["id"], first[1]["id"], "two steps");
    let three = told(&site, "tells", json!({})).await;
    assert_ne!(three[0]["id"], three[1]["id"], "one step");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_redis_down_the_function_completes_and_says_why() {
    let mut server = RedisServer::start();
    let running = site(Some(server.shared("300ms"))).await;
    assert_eq!(told(&running, "tells", json!({})).await[0]["pushed"], true);
    server.stop();
    let toml = format!("[redis]\nurl = 'redis://127.0.0.1:{}'\nwithin = '300ms'", free_port());
    for (site, why) in [
        (running, "Redis at 127.0.0.1"),
        (site(Some(shared(&toml))).await, "cannot be reached"),
        (site(None).await, "this worker knows no Redis server"),
    ] {
        let told = told(&site, "tells", json!({})).await;
        for nth in 0..3 {
            assert_eq!(told[nth]["pushed"], false);
            let error = told[nth]["error"].as_str().expect("why");
            assert!(error.contains(why), "{error}");
        }
    }
}

#[tokio::test]
async fn what_is_lost_is_counted_and_recorded() {
    let mut server = RedisServer::start();
    let site = site(Some(server.shared("300ms"))).await;
    let used = || {
        let usage = site.runtime.usage();
        let used = &usage["uses-gateway"];
        (used.of(Capability::Gateway).calls, used.lost(Capability::Gateway))
    };
    told(&site, "tells", json!({})).await;
    assert_eq!(used(), (3, 0));
    server.stop();
    let log = tempfile::NamedTempFile::new().expect("a file");
    let writer = Arc::new(log.reopen().expect("a file"));
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(writer).finish();
    {
        let _until_here = crate::captured::listen(subscriber);
        told(&site, "tells", json!({})).await;
    }
    assert_eq!(used(), (6, 3));
    let text = std::fs::read_to_string(log.path()).expect("text");
    for part in [
        "telemetry",
        "gateway.push",
        "success=false",
        "step=\"tell\"",
        "lost: it could not be told",
        "Redis at 127.0.0.1",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    server.resume();
    assert_eq!(told(&site, "tells", json!({})).await[0]["pushed"], true);
    assert_eq!(used(), (9, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_fails_nothing() {
    let server = RedisServer::start();
    let site = site(Some(server.shared("10s"))).await;
    let told = told(&site, "untellable", json!({})).await;
    assert!(told[0]["error"].as_str().expect("why").contains("too many"), "{told}");
    assert!(told[1]["error"].as_str().expect("why").contains("no JSON object"), "{told}");
    assert_eq!(server.keys().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_a_step_nobody_is_told() {
    let server = RedisServer::start();
    let site = site(Some(server.shared("10s"))).await;
    let answer = site.run("outside", json!({})).await;
    assert!(answer.contains("gateway") && answer.contains("uses_gateway.rs"), "{answer}");
    assert_eq!(server.keys().len(), 0);
}
