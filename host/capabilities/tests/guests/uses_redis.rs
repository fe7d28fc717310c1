//! Redis for components, against a real server.

mod hostile;
mod outage;
mod tls;

use std::sync::Arc;

use capabilities::redis::{Provider, Shared};
use redis::Commands;
use runtime::Limits;
use serde_json::{Value, json};

use crate::redis_server::{RedisServer, free_port, shared};
use crate::site::Site;

const GRANTED: &str = "[components.uses-redis]\nredis = {}";

async fn site(grants: &str, server: Option<Arc<Shared>>) -> Site {
    named(guests::USES_REDIS, grants, server).await
}

async fn named(guest: &str, grants: &str, server: Option<Arc<Shared>>) -> Site {
    named_within(Limits::default(), guest, grants, server).await
}

async fn named_within(
    limits: Limits,
    guest: &str,
    grants: &str,
    server: Option<Arc<Shared>>,
) -> Site {
    // The server is the test's own, so the grants name none.
    let grants: capabilities::Grants = toml::from_str(grants).expect("grants");
    let grants = Arc::new(grants);
    Site::within(limits, guest, vec![Arc::new(Provider::new(grants, server))]).await
}

async fn site_without_server() -> Site {
    site(GRANTED, None).await
}

/// A site with the usual grant, and its server.
async fn usual() -> (RedisServer, Site) {
    let server = RedisServer::start();
    let site = site(GRANTED, Some(server.shared("10s"))).await;
    (server, site)
}

fn done(value: &Value) -> String {
    format!("done {value}")
}

fn used(site: &Site) -> (u64, u64) {
    let usage = site.runtime.usage();
    let used = usage["uses-redis"].of(runtime::placement::Capability::Redis);
    (used.calls, used.denied)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_works() {
    let (server, site) = usual().await;
    for (function, expected) in [
        (
            "strings",
            json!([true, false, true, 3, true, true, true, true, 5, -2, [true, false], 2, 0]),
        ),
        ("hashes", json!([2, 1, true, 42, ["f=1", "g=42"], 1])),
        ("lists", json!([3, 5, ["a", "b", "c", "d", "e"], ["a", "e"], 2, true])),
        ("sets", json!([2, [true, false], 1, ["a"], 3, ["a=1", "b=2.5"], 1, [2.5, null], 1])),
    ] {
        assert_eq!(site.run(function, json!({})).await, done(&expected), "{function}");
    }
    let keys = server.keys();
    assert_eq!(keys.len(), 5, "{keys:?}");
    assert!(keys.iter().all(|key| key.starts_with("uses-redis:")), "{keys:?}");
    // As many as the four functions have: 16, 6, 8 and 11.
    assert_eq!(used(&site), (41, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_does_all_of_it() {
    let (_server, site) = usual().await;
    let keys = ["t", "th", "tl", "ts", "tz", "u"];
    let expected = json!([true, 5, false, true, keys, ["a", "b"]]);
    assert_eq!(site.run("transactions", json!({})).await, done(&expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_cannot_be_done_does_nothing() {
    let (_server, site) = usual().await;
    for (what, word) in [
        ("kind", "needs a set, and its key holds a list"),
        ("kind made by the transaction", "needs a set, and its key holds a string"),
        ("number", "not an integer"),
        ("number made by the transaction", "not an integer"),
        ("overflow", "beyond the largest number"),
        ("unchanged", "holds a list, not a string"),
    ] {
        let answer = site.run("half", json!({ "key": what })).await;
        assert!(answer.contains(word), "{what}: {answer}");
        // Neither the first command nor the second one: the list has only what was pushed before each of them.
        assert!(answer.contains(",false,"), "{what}: {answer}");
    }
    assert!(site.run("half", json!({ "key": "kind" })).await.ends_with("false,7]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_race_lose_nothing() {
    const RACERS: usize = 8;
    const TIMES: usize = 25;
    let (server, site) = usual().await;
    let site = Arc::new(site);
    let racers: Vec<_> = (0..RACERS)
        .map(|_| {
            let site = Arc::clone(&site);
            tokio::spawn(async move { site.run("race", json!({ "times": TIMES })).await })
        })
        .collect();
    for racer in racers {
        let answer = racer.await.expect("a racer");
        assert!(answer.starts_with("done "), "{answer}");
    }
    let mut all = server.connection();
    let raced: usize = all.get("uses-redis:raced").expect("a number");
    assert_eq!(raced, RACERS * TIMES);
    let log: Vec<usize> = all.lrange("uses-redis:log", 0, -1).expect("a list");
    assert_eq!(log, (1..=RACERS * TIMES).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_the_server_refuses_says_so_without_values() {
    let (server, site) = usual().await;
    let () = server.connection().lpush("uses-redis:l", "confidential").expect("push");
    let answer = site.run("get", json!({ "key": "l" })).await;
    assert!(answer.contains("CapabilityFailed") && answer.contains("WRONGTYPE"), "{answer}");
    assert!(!answer.contains("confidential"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_comes_from_the_environment_and_a_wrong_one_is_said() {
    // PATH is the one variable that is set wherever these tests run.
    let path = std::env::var("PATH").expect("a PATH");
    let port = free_port();
    for url in [format!("redis://:secret@127.0.0.1:{port}"), "http://127.0.0.1".to_owned()] {
        let toml = format!("[redis]\nurl = {url:?}");
        let error = capabilities::grants::parse(&toml).expect_err("no address").to_string();
        assert!(error.contains("`url` of `[redis]`") && !error.contains("secret"), "{error}");
    }
    let server = RedisServer::start();
    let mut all = server.connection();
    let locked = redis::cmd("CONFIG").arg(&["SET", "requirepass", path.as_str()]).exec(&mut all);
    locked.expect("an operator may");
    let known = format!("[redis]\nurl = {:?}\npassword_env = 'PATH'", server.url());
    let known = site(GRANTED, Some(shared(&known))).await;
    assert_eq!(known.run("get", json!({ "key": "k" })).await, "done null");
    let wrong = site(GRANTED, Some(server.shared("1s"))).await;
    let answer = wrong.run("get", json!({ "key": "k" })).await;
    assert!(answer.contains("(Again)") && !answer.contains(&path), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_of_a_step_there_is_no_redis() {
    let (_server, site) = usual().await;
    let answer = site.run("outside", json!({})).await;
    assert!(answer.contains("redis") && answer.contains("uses_redis.rs"), "{answer}");
    assert_eq!(used(&site).0, 0);
}
