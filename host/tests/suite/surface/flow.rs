//! What slows runs down, thins them out, or puts them in order: the server's work, and the same from every server.
//!
//! That a run did not begin is seen by another one, sent later, that did.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::unique;
use crate::suite::Stage;

pub(super) async fn all(stage: &Stage) {
    tokio::join!(
        concurrency(stage),
        throttle(stage),
        rate_limit(stage),
        debounce(stage),
        priority(stage),
        singleton_that_skips(stage),
        singleton_that_cancels(stage),
    );
}

fn keyed(key: &str, wait: u32) -> Value {
    json!({"key": key, "wait": wait})
}

async fn concurrency(stage: &Stage) {
    let function = "concurrent";
    let (one, other) = (unique(), unique());
    stage.counter.hold(function, "body");
    let first = stage.ask(function, keyed(&one, 0)).await;
    stage.counter.reached(function, "body", 1).await;
    let second = stage.ask(function, keyed(&one, 0)).await;
    stage.run(function, keyed(&other, 0)).await.result();
    stage.bodies(function, &[("body", 2)]);
    stage.counter.let_go(function, "body");
    let (first, second) = tokio::join!(stage.ended(&first), stage.ended(&second));
    first.result();
    second.result();
    stage.bodies(function, &[("body", 3)]);
}

async fn throttle(stage: &Stage) {
    let (key, begun) = (unique(), Instant::now());
    let both = tokio::join!(
        stage.run("throttled", keyed(&key, 0)),
        stage.run("throttled", keyed(&key, 0)),
        stage.run("throttled", keyed(&unique(), 0)),
    );
    both.0.result();
    both.1.result();
    both.2.result();
    // A bit less than its two seconds: a server may count from the event's own time.
    assert!(begun.elapsed() > Duration::from_millis(1500), "the second run waits");
    stage.bodies("throttled", &[("body", 3)]);
}

async fn rate_limit(stage: &Stage) {
    let function = "rate-limited";
    let key = unique();
    stage.run(function, keyed(&key, 0)).await.result();
    // Two in an hour are one at once: the other one half an hour later.
    stage.ask(function, keyed(&key, 0)).await;
    stage.run(function, keyed(&unique(), 0)).await.result();
    stage.bodies(function, &[("body", 2)]);
}

async fn debounce(stage: &Stage) {
    let key = unique();
    stage.ask("debounced", json!({"key": key, "failures": 1})).await;
    let last = stage.ask("debounced", json!({"key": key, "failures": 2})).await;
    assert_eq!(stage.ended(&last).await.result(), json!(2), "the last event counts");
    stage.bodies("debounced", &[("body", 1)]);
}

async fn priority(stage: &Stage) {
    let function = "prioritised";
    stage.counter.hold(function, "body");
    let first = stage.ask(function, json!({})).await;
    stage.counter.reached(function, "body", 1).await;
    // Only one at a time; what waits goes by its priority.
    let later = stage.ask(function, json!({"wait": 1})).await;
    let sooner = stage.ask(function, json!({"failures": 1})).await;
    stage.counter.let_go(function, "body");
    for event in [&first, &later, &sooner] {
        stage.ended(event).await.result();
    }
    let (later, sooner) =
        tokio::join!(stage.server.ended_at(&later), stage.server.ended_at(&sooner));
    assert!(sooner <= later, "{sooner} ended before {later}");
    stage.bodies(function, &[("body", 3)]);
}

async fn singleton_that_skips(stage: &Stage) {
    let function = "single-skip";
    let key = unique();
    let first = stage.ask(function, keyed(&key, 4000)).await;
    stage.counter.reached(function, "body", 1).await;
    stage.ask(function, keyed(&key, 0)).await;
    stage.run(function, keyed(&unique(), 0)).await.result();
    stage.bodies(function, &[("body", 2)]);
    stage.ended(&first).await.result();
    stage.run(function, keyed(&key, 0)).await.result();
    stage.bodies(function, &[("body", 3)]);
}

async fn singleton_that_cancels(stage: &Stage) {
    let function = "single-cancel";
    let key = unique();
    let first = stage.ask(function, keyed(&key, 600_000)).await;
    stage.counter.reached(function, "body", 1).await;
    stage.run(function, keyed(&key, 0)).await.result();
    assert_eq!(stage.ended(&first).await.status, "Cancelled");
    stage.bodies(function, &[("body", 2)]);
}
