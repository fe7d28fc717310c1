//! Redis for components, against a real server.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capabilities::redis::{Provider, Shared};
use redis::Commands;
use serde_json::{Value, json};

use crate::redis_server::{RedisServer, free_port, shared};
use crate::site::Site;

const GRANTED: &str = "[components.uses-redis]\nredis = {}";

/// Longer than anything here takes that hangs nowhere.
const PATIENCE: Duration = Duration::from_mins(1);

async fn site(grants: &str, server: Option<Arc<Shared>>) -> Site {
    named(guests::USES_REDIS, grants, server).await
}

async fn named(guest: &str, grants: &str, server: Option<Arc<Shared>>) -> Site {
    // The server is the test's own, so the grants name none.
    let grants: capabilities::Grants = toml::from_str(grants).expect("grants");
    let grants = Arc::new(grants);
    Site::new(guest, vec![Arc::new(Provider::new(grants, server))]).await
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
async fn keys_of_others_are_out_of_reach() {
    let (server, site) = usual().await;
    let mut all = server.connection();
    let () = all.set("other:secret", "s").expect("set");
    let () = all.set("uses-redis", "s").expect("set");
    let () = all.set("uses-redis2:secret", "s").expect("set");
    for key in [
        "other:secret",
        "../other:secret",
        ":other:secret",
        "\0other:secret",
        "\r\nGET other:secret",
        "",
    ] {
        let answer = site.run("get", json!({ "key": key })).await;
        assert_eq!(answer, "done null", "{key:?}");
        let answer = site.run("delete", json!({ "key": key })).await;
        assert_eq!(answer, "done 0", "{key:?}");
    }
    for pattern in ["*", "other*", "?*", "[^x]*", "*secret", "\\*", "../*"] {
        let answer = site.run("scan", json!({ "key": pattern })).await;
        assert_eq!(answer, "done []", "{pattern:?}");
    }
    assert_eq!(server.keys(), ["other:secret", "uses-redis", "uses-redis2:secret"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_of_others_are_out_of_reach() {
    let (server, site) = usual().await;
    let mut listener = server.connection();
    let mut heard = listener.as_pubsub();
    heard.psubscribe("*").expect("a listener");
    let answer = site.run("publish", json!({ "key": "other:news", "value": "hi" })).await;
    assert_eq!(answer, "done 1");
    let message = heard.get_message().expect("a message");
    assert_eq!(message.get_channel_name(), "uses-redis:other:news");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_with_pattern_characters_does_not_widen_the_scan() {
    let server = RedisServer::start();
    let folder = tempfile::tempdir().expect("a folder");
    let guest = folder.path().join("u*[a-z]?:.wasm");
    std::fs::copy(guests::USES_REDIS, &guest).expect("a copy");
    let grants = "[components.\"u*[a-z]?:\"]\nredis = {}";
    let site = named(path(&guest), grants, Some(server.shared("10s"))).await;
    let mut all = server.connection();
    for key in ["uxxx:own", "u*bx%3A:mine", "u*[a-z]?:mine"] {
        let () = all.set(key, "s").expect("set");
    }
    assert_eq!(site.run("put", json!({ "key": "own", "value": "x" })).await, "done null");
    assert_eq!(site.run("scan", json!({ "key": "*" })).await, r#"done ["own"]"#);
    assert!(server.keys().contains(&"u*[a-z]?%3A:own".to_owned()), "{:?}", server.keys());
}

fn path(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// `FLUSHALL`, `CONFIG` and `EVAL` are denied by construction: the contract has no function for them, nothing else reaches
/// the server, and what a guest gives as an argument stays one.
#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_asked_for_nothing_but_what_the_contract_has() {
    let (server, site) = usual().await;
    let mut all = server.connection();
    let () = all.set("other:kept", "s").expect("set");
    let reset = redis::cmd("CONFIG").arg("RESETSTAT").exec(&mut all);
    reset.expect("an operator may");
    for function in ["strings", "hashes", "lists", "sets", "transactions"] {
        let answer = site.run(function, json!({})).await;
        assert!(answer.starts_with("done"), "{answer}");
    }
    for attempt in ["FLUSHALL", "CONFIG SET dir /tmp", "EVAL \"return 1\" 0", "x\r\nFLUSHALL\r\n"] {
        site.run("get", json!({ "key": attempt })).await;
        site.run("put", json!({ "key": attempt, "value": attempt })).await;
        site.run("scan", json!({ "key": attempt })).await;
        let answer = site.run("publish", json!({ "key": attempt, "value": attempt })).await;
        assert_eq!(answer, "done 0");
    }
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut all).expect("stats");
    let allowed = [
        "get",
        "set",
        "del",
        "exists",
        "pexpire",
        "pttl",
        "incrby",
        "hget",
        "hset",
        "hdel",
        "hgetall",
        "hincrby",
        "hstrlen",
        "strlen",
        "lpush",
        "rpush",
        "lpop",
        "rpop",
        "lindex",
        "lrange",
        "ltrim",
        "llen",
        "sadd",
        "srem",
        "smembers",
        "sismember",
        "zadd",
        "zrem",
        "zrangebyscore",
        "zscore",
        "publish",
        "scan",
        "type",
        // The client's own: greeting the server, and the two scripts of this crate by their SHA.
        "hello",
        "client|setinfo",
        "evalsha",
        "script|load",
        "info",
        "config|resetstat",
    ];
    for line in stats.lines().filter_map(|line| line.strip_prefix("cmdstat_")) {
        let (command, _) = line.split_once(':').expect("a command and its figures");
        assert!(allowed.contains(&command), "{command} was sent");
    }
    assert!(server.keys().contains(&"other:kept".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_grant_nothing_is_reached() {
    let server = RedisServer::start();
    let site = site("", Some(server.shared("10s"))).await;
    let answer = site.run("put", json!({ "key": "k", "value": "v" })).await;
    assert!(answer.contains("CapabilityDenied"), "{answer}");
    assert!(answer.contains("write `redis = {}` under `[components.\"uses-redis\"]`"), "{answer}");
    assert!(answer.ends_with("(Never)"), "{answer}");
    assert_eq!((server.keys().len(), used(&site)), (0, (1, 1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_only_read_does_not_write() {
    let server = RedisServer::start();
    let () = server.connection().set("p/k", "12345").expect("set");
    let grants = "[components.uses-redis]\nredis = { prefix = 'p/', read_only = true }";
    let site = site(grants, Some(server.shared("10s"))).await;
    assert_eq!(site.run("get", json!({ "key": "k" })).await, "done 5");
    for function in ["put", "delete", "pop", "publish", "race", "transactions"] {
        let answer = site.run(function, json!({ "key": "k", "value": "v", "times": 1 })).await;
        assert!(answer.contains("CapabilityDenied"), "{function}: {answer}");
        assert!(answer.contains("read_only"), "{function}: {answer}");
    }
    assert_eq!(server.keys(), ["p/k"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_both_ways() {
    let server = RedisServer::start();
    let grants = "[components.uses-redis]\nredis = { value = '1KiB', total = '4KiB' }";
    let site = site(grants, Some(server.shared("10s"))).await;
    let mut all = server.connection();
    let () = all.set("uses-redis:huge", vec![b'x'; 64 << 20]).expect("set");
    let () = all.lpush("uses-redis:huge-list", vec![b'x'; 64 << 20]).expect("push");
    for n in 0..200 {
        let () = all.hset("uses-redis:hash", n, "v".repeat(100)).expect("set");
        let () = all.lpush("uses-redis:list", "v".repeat(100)).expect("push");
        let () = all.sadd("uses-redis:set", format!("{n:0100}")).expect("add");
        let () = all.zadd("uses-redis:sorted", format!("{n:0100}"), n).expect("add");
    }
    let refused = async |function: &str, data: Value| {
        let answer = site.run(function, data).await;
        assert!(answer.contains("CapabilityExhausted"), "{function}: {answer}");
        assert!(answer.contains("raise `value` or `total`"), "{function}: {answer}");
    };
    refused("put", json!({ "key": "k", "size": 1025 })).await;
    refused("publish", json!({ "key": "k", "value": "x".repeat(1025) })).await;
    refused("get", json!({ "key": "huge" })).await;
    refused("pop", json!({ "key": "huge-list" })).await;
    for kind in ["hash", "list", "set", "sorted"] {
        refused("all-of", json!({ "key": kind, "value": kind })).await;
    }
    // What was refused was not taken away, and what fits goes through.
    assert_eq!(all.llen::<_, u32>("uses-redis:huge-list"), Ok(1));
    assert_eq!(site.run("put", json!({ "key": "k", "size": 1024 })).await, "done null");
    assert_eq!(site.run("get", json!({ "key": "k" })).await, "done 1024");
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
async fn a_worker_starts_while_the_server_is_down() {
    let toml = format!("[redis]\nurl = 'redis://127.0.0.1:{}'\nwithin = '300ms'", free_port());
    let began = Instant::now();
    let site = site(GRANTED, Some(shared(&toml))).await;
    let answer = site.run("get", json!({ "key": "k" })).await;
    assert!(answer.contains("CapabilityUnavailable") && answer.ends_with("(Again)"), "{answer}");
    assert!(began.elapsed() < PATIENCE);
    let nowhere = site_without_server().await.run("get", json!({ "key": "k" })).await;
    assert!(nowhere.contains("this worker knows no Redis server"), "{nowhere}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_is_late_and_comes_back() {
    let server = RedisServer::with(&["--enable-debug-command", "yes"]);
    let site = site(GRANTED, Some(server.shared("300ms"))).await;
    assert_eq!(site.run("get", json!({ "key": "k" })).await, "done null");
    let stalled = server.stall(Duration::from_secs(3));
    tokio::time::sleep(Duration::from_millis(300)).await;
    let answer = site.run("get", json!({ "key": "k" })).await;
    assert!(answer.contains("CapabilityLate") && answer.contains("300ms"), "{answer}");
    tokio::task::spawn_blocking(|| stalled.join().expect("it goes on")).await.expect("joined");
    assert_eq!(site.run("get", json!({ "key": "k" })).await, "done null");
}

#[tokio::test(flavor = "multi_thread")]
async fn under_load_a_restart_is_typed_errors_and_nothing_hangs() {
    const GUESTS: usize = 6;
    let mut server = RedisServer::start();
    let site = Arc::new(site(GRANTED, Some(server.shared("400ms"))).await);
    let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let load: Vec<_> = (0..GUESTS)
        .map(|n| {
            let (site, over) = (Arc::clone(&site), Arc::clone(&over));
            tokio::spawn(async move {
                let (mut kept, mut refused, mut nth) = (Vec::new(), 0, 0);
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    nth += 1;
                    let key = format!("{n}-{nth}");
                    let put = site.run("put", json!({ "key": key, "value": "v" }));
                    let answer = tokio::time::timeout(PATIENCE, put).await.expect("no hang");
                    if answer.starts_with("done") {
                        kept.push(key);
                    } else {
                        let typed = ["CapabilityUnavailable", "CapabilityLate"];
                        assert!(typed.iter().any(|name| answer.contains(name)), "{answer}");
                        assert!(answer.ends_with("(Again)"), "{answer}");
                        refused += 1;
                    }
                }
                (kept, refused)
            })
        })
        .collect();
    let wait = || tokio::time::sleep(Duration::from_millis(700));
    for _ in 0..2 {
        wait().await;
        server.stop();
        wait().await;
        server = tokio::task::spawn_blocking(move || {
            server.resume();
            server
        })
        .await
        .expect("resumed");
    }
    wait().await;
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    let (mut refusals, mut all) = (0, server.connection());
    for task in load {
        let (kept, refused) = task.await.expect("a task");
        refusals += refused;
        // What was answered with success is there.
        for key in kept {
            let there: bool = all.exists(format!("uses-redis:{key}")).expect("an answer");
            assert!(there, "{key} was lost");
        }
    }
    assert!(refusals > 0, "the outage was not noticed");
    assert_eq!(site.run("put", json!({ "key": "after", "value": "v" })).await, "done null");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_comes_from_the_environment_and_a_wrong_one_is_said() {
    // PATH is the one variable that is set wherever these tests run.
    let path = std::env::var("PATH").expect("a PATH");
    let port = free_port();
    for url in [format!("redis://:secret@127.0.0.1:{port}"), "http://127.0.0.1".to_owned()] {
        let toml = format!("[redis]\nurl = {url:?}");
        let server = capabilities::grants::parse(&toml).expect("grants").redis.expect("a server");
        let error = Shared::new(&server).expect_err("no address").to_string();
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
