//! Attempts with Redis and with values by key.

use serde_json::{Value, json};

use crate::escapes::attempt::Attempt;
use crate::escapes::attempt::Refusal::Told;

/// A key of the component beside it, as the server knows it, and what it holds. The drill's first run has left it.
const THEIRS: &str = "uses-properly:kept-first";

fn redis(what: &'static str, tries: Value, told: &'static [&'static str]) -> Attempt {
    Attempt::new(what, "testing/redis.tried", tries, Told(told)).unless(|scene| {
        let kept = scene.redis.value(THEIRS);
        if kept.as_deref() != Some("first") {
            return Some(format!("the other component's key holds {kept:?}"));
        }
        scene.redis.was_asked_for(&["flushall", "flushdb", "config", "eval", "keys", "shutdown"])
    })
}

fn values(what: &'static str, tries: Value, refusal: &'static [&'static str]) -> Attempt {
    Attempt::new(what, "testing/values.tried", tries, Told(refusal))
}

pub(super) fn attempts() -> Vec<Attempt> {
    let names = [THEIRS, "../uses-properly:kept-first", ":kept-first", "\0kept-first"];
    let each = |operation: &str| -> Vec<Value> {
        names.iter().map(|name| json!([operation, name])).collect()
    };
    let commands = ["FLUSHALL", "CONFIG SET dir /tmp", "EVAL \"return 1\" 0", "SHUTDOWN NOSAVE"];
    let commands = commands.map(|command| json!(["set", format!("a\r\n{command}\r\n")]));
    let buckets = ["uses-properly", "uses-properly/own", "../uses-properly/own", "other", ""];
    let open = |operation: &str| -> Value {
        buckets.iter().map(|bucket| json!([operation, bucket])).collect()
    };
    vec![
        // Whatever a name looks like, it is one of the component's own keys, on which it may do what it likes.
        redis("reading another component's key", each("get").into(), &["nothing is there", "ours"]),
        redis("removing another component's key", each("delete").into(), &["0", "1"]),
        redis("writing another component's key", each("set").into(), &["done"]),
        redis("a transaction on another's key", each("transact").into(), &["true"]),
        redis(
            "listing another component's keys",
            json!([["scan", "../*"], ["scan", "uses-properly:kept-*x"], ["scan", "*kept-first?"]]),
            &["[]"],
        ),
        redis("FLUSHALL, CONFIG and EVAL within a key", commands.to_vec().into(), &["done"]),
        values("opening another component's bucket", open("read"), &["AccessDenied"]),
        values("writing into another component's bucket", open("write"), &["AccessDenied"]),
        values("a bucket of the same name", json!([["read", "own"]]), &["None"]),
        values("filling a bucket", json!([["fill", "own"]]), &["and may have 65536"]),
        values(
            "thousands of open handles",
            json!([["hoard", "own"]]),
            &["one call may have 1000 handles"],
        ),
    ]
}
