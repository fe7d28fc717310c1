//! Every option of a function.

use serde_json::json;

use super::{flow, unique};
use crate::suite::Stage;

pub(super) async fn all(stage: &Stage) {
    tokio::join!(
        cancellation(stage),
        batch(stage),
        idempotency(stage),
        conditions(stage),
        flow::all(stage),
        checkpoints(stage),
    );
}

async fn cancellation(stage: &Stage) {
    let by_event = async {
        let key = unique();
        let event = stage.ask("cancelled", json!({"key": key})).await;
        stage.counter.reached("cancelled", "before", 1).await;
        stage.server.send("testing/cancel.wanted", &json!({"key": unique()})).await;
        let ended = stage.until_ended(&event, async || {
            stage.server.send("testing/cancel.wanted", &json!({"key": key})).await;
        });
        assert_eq!(ended.await.status, "Cancelled");
        stage.bodies("cancelled", &[("before", 1)]);
    };
    let by_time = async {
        assert_eq!(stage.run("times-out", json!({})).await.status, "Cancelled");
    };
    tokio::join!(by_event, by_time);
}

async fn batch(stage: &Stage) {
    let mut events = Vec::new();
    for key in ["a", "b", "c"] {
        events.push(stage.ask("batched", json!({"key": key})).await);
    }
    // A batch is listed under one of its events.
    let mut keys: Vec<String> =
        serde_json::from_value(stage.any_ended(&events).await.result()).expect("keys");
    keys.sort();
    assert_eq!(keys, ["a", "b", "c"]);
    stage.bodies("batched", &[("body", 1)]);
}

async fn idempotency(stage: &Stage) {
    let key = unique();
    let first = stage.ask("idempotent", json!({"key": key})).await;
    stage.ended(&first).await.result();
    stage.ask("idempotent", json!({"key": key})).await;
    // One more run with another key, so that a second one would have begun before it.
    stage.run("idempotent", json!({"key": unique()})).await.result();
    stage.bodies("idempotent", &[("body", 2)]);
}

async fn conditions(stage: &Stage) {
    stage.ask("picky", json!({"key": "unwanted"})).await;
    stage.completes("picky", json!({"key": "wanted"}), json!(null), &[("body", 1)]).await;
}

async fn checkpoints(stage: &Stage) {
    for function in ["stored-never", "stored-each", "stored-in-twos"] {
        stage.completes(function, json!({}), json!(15), &[("round", 5)]).await;
    }
}
