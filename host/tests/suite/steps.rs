//! Every basic kind of step, through a server: right results, and each body run once for each success.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::way::Way;
use super::{Stage, Tally};
use crate::server::Server;

pub(crate) async fn steps(way: Way, server: Server) -> Tally {
    let stage = Stage::start(guests::STEPS, way, server).await;
    let five = ["one", "two", "three", "four", "five"].map(|body| (body, 1));
    let three = [("a", 1), ("b", 1), ("c", 1), ("sum", 1)];
    tokio::join!(
        stage.completes("five", json!({}), json!([1, 2, 3, 4, 5]), &five),
        stage.completes("parallel", json!({}), json!(6), &three),
        stage.completes(
            "slept",
            json!({"wait": 1200}),
            json!("rested"),
            &[("before", 1), ("after", 1)]
        ),
        stage.completes(
            "caught",
            json!({}),
            json!("Doomed: no use"),
            &[("doomed", 1), ("rescue", 1)]
        ),
        stage.completes("sends", json!({}), json!(1), &five),
        stage.completes("sends-beside", json!({}), json!(true), &[("work", 1)]),
        stage.completes("overlaps", json!({}), Value::Null, &[("left", 1), ("right", 1)]),
        retries(&stage),
        orders(&stage),
        stage.fails("uncaught", "Doomed", "no use"),
        stage.fails("fails", "Error", "nothing works today"),
    );
    // The worker's own tests have it: it needs a key for encryption.
    stage.tally(&["whispers"]).await
}

async fn retries(stage: &Stage) {
    let ended = stage.run("retried", json!({"failures": 2})).await;
    assert_eq!(ended.result(), json!(2), "the attempt that succeeded");
    assert_eq!(stage.counter.counts("retried"), BTreeMap::from([("flaky".to_owned(), 3)]));
}

async fn orders(stage: &Stage) {
    let mut order: Vec<u64> =
        serde_json::from_value(stage.run("unordered", json!({})).await.result()).expect("numbers");
    order.sort_unstable();
    assert_eq!(order, [0, 1, 2]);
}
