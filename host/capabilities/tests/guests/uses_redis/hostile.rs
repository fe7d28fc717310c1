//! What a component tries with Redis that is not its own to do, and what comes of each attempt.

use std::path::Path;

use redis::Commands;
use runtime::{Component, LoadError};
use serde_json::{Value, json};

use super::{named, site, used, usual};
use crate::redis_server::RedisServer;

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

fn path(path: &Path) -> &str {
    path.to_str().expect("text")
}

/// Gives each text to every function of the contract as everything that it may be: key, value, field, member, channel,
/// pattern. It stays a text: the server is not asked for the command, and everything of others is as it was.
async fn stays_a_text(command: &str, texts: &[&str]) {
    let (server, site) = usual().await;
    let mut all = server.connection();
    let () = all.set("other:kept", "s").expect("set");
    let folder = setting(&server, "dir");
    redis::cmd("CONFIG").arg("RESETSTAT").exec(&mut all).expect("an operator may");
    for text in texts {
        let answer = site.run("everywhere", json!({ "value": text })).await;
        assert_eq!(answer, "done [true,true,true,true,true]", "{text:?}");
    }
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut all).expect("figures");
    assert!(stats.contains("cmdstat_hset:"), "{stats}");
    assert!(!stats.contains(&format!("cmdstat_{command}")), "{stats}");
    assert_eq!(all.get::<_, String>("other:kept").as_deref(), Ok("s"));
    assert_eq!(setting(&server, "dir"), folder);
    let spaces: String = redis::cmd("INFO").arg("keyspace").query(&mut all).expect("figures");
    assert!(spaces.contains("db0:") && !spaces.contains("db1:"), "{spaces}");
    let strangers = server.keys().into_iter().filter(|key| !key.starts_with("uses-redis:"));
    assert_eq!(strangers.collect::<Vec<_>>(), ["other:kept"]);
}

/// The value of a setting of the server.
fn setting(server: &RedisServer, name: &str) -> Vec<String> {
    let mut all = server.connection();
    redis::cmd("CONFIG").arg("GET").arg(name).query(&mut all).expect("an operator may")
}

#[tokio::test(flavor = "multi_thread")]
async fn flushall_stays_a_text() {
    let texts = ["FLUSHALL", "x\r\nFLUSHALL\r\n", "\r\n*1\r\n$8\r\nFLUSHALL\r\n", "\nFLUSHDB\n"];
    stays_a_text("flush", &texts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn config_stays_a_text() {
    let array = "\r\n*4\r\n$6\r\nCONFIG\r\n$3\r\nSET\r\n$3\r\ndir\r\n$4\r\n/tmp\r\n";
    stays_a_text("config|set", &["CONFIG SET dir /tmp", "\r\nCONFIG SET dir /tmp\r\n", array])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn eval_stays_a_text() {
    let call = "return redis.call('FLUSHALL')";
    let array = format!("\r\n*3\r\n$4\r\nEVAL\r\n${}\r\n{call}\r\n$1\r\n0\r\n", call.len());
    let quoted = "'); redis.call('FLUSHALL') --";
    let texts = [&format!("EVAL \"{call}\" 0"), call, &array, quoted, "]] redis.call('FLUSHALL')"];
    stays_a_text("eval:", &texts).await;
    stays_a_text("flush", &texts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_stays_a_text() {
    stays_a_text("keys", &["KEYS *", "\r\nKEYS *\r\n", "\r\n*2\r\n$4\r\nKEYS\r\n$1\r\n*\r\n"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn select_stays_a_text() {
    let texts = ["SELECT 1", "\r\nSELECT 1\r\n", "\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n"];
    stays_a_text("select", &texts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn multi_and_exec_stay_texts() {
    let texts =
        ["MULTI", "\r\nMULTI\r\nDEL other:kept\r\nEXEC\r\n", "EXEC\r\n", "WATCH other:kept"];
    for command in ["multi", "exec", "watch"] {
        stays_a_text(command, &texts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocking_commands_stay_texts() {
    let texts = ["BLPOP k 0", "\r\nBLPOP k 0\r\n", "\r\nSUBSCRIBE k\r\n", "\r\nWAIT 9 0\r\n"];
    for command in ["blpop", "subscribe", "wait"] {
        stays_a_text(command, &texts).await;
    }
}

/// Nothing of the contract waits, walks over everything, changes the server or takes the name of a command: all of its
/// functions are here, and a further one has to be added here with a thought.
#[test]
fn the_contract_has_these_functions_and_no_others() {
    let wit = include_str!("../../../../../wit/redis.wit");
    let lines = wit.lines().filter_map(|line| line.split_once(": func("));
    let functions: Vec<_> = lines.map(|(name, _)| name.trim()).collect();
    let expected = "get set delete exists expire expires-in increment hash-get hash-set hash-delete hash-all \
                    hash-increment push-left push-right pop-left pop-right range trim length set-add set-remove \
                    set-members set-contains sorted-add sorted-remove sorted-range sorted-score publish scan transact";
    assert_eq!(functions.join(" "), expected);
}

/// A component that was made to ask for a function that waits does not load.
#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_asks_for_a_blocking_command_does_not_link() {
    let (_server, site) = usual().await;
    let mut bytes = std::fs::read(guests::USES_REDIS).expect("a built guest");
    let mut patched = 0;
    let (asked, instead) = (b"\x08pop-left", b"\x08blockpop");
    for at in 0..bytes.len() - asked.len() {
        if bytes[at..].starts_with(asked) {
            bytes[at..at + asked.len()].copy_from_slice(instead);
            patched += 1;
        }
    }
    assert!(patched > 0, "its import has this name");
    let loaded = Component::load(&site.runtime, "uses-redis", bytes).await;
    let error = loaded.expect_err("nothing stands behind it");
    assert!(matches!(error, LoadError::Link { .. }), "{error}");
    assert!(error.to_string().contains("blockpop"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_keys_in_one_call_have_an_end() {
    let (server, site) = usual().await;
    for n in 0..100 {
        let () = server.connection().set(format!("uses-redis:k{n}"), "v").expect("set");
    }
    let (most, more) = (json!({ "times": 10_000 }), json!({ "times": 10_001 }));
    assert_eq!(site.run("many-keys", most).await, "done 100");
    let refused = site.run("many-keys", more.clone()).await;
    assert!(refused.contains("CapabilityInvalid") && refused.contains("divide them"), "{refused}");
    assert_eq!(site.run("many-commands", json!({ "times": 3_000 })).await, "done true");
    assert_eq!(server.keys().len(), 3_000);
    let refused = site.run("many-commands", more).await;
    assert!(refused.contains("CapabilityInvalid") && refused.contains("divide them"), "{refused}");
    assert_eq!(server.keys().len(), 3_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_of_everything_finds_ones_own() {
    let (server, site) = usual().await;
    let mut all = server.connection();
    let others: Vec<_> = (0..5_000).map(|n| (format!("other:{n}"), "s")).collect();
    let () = all.mset(&others).expect("set");
    let () = all.set("uses-redis:mine", "m").expect("set");
    assert_eq!(site.run("scan", json!({ "key": "*" })).await, r#"done ["mine"]"#);
}
