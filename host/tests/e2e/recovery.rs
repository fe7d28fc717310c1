//! `kill -9` in the middle of a run.

use std::collections::BTreeMap;

use serde_json::json;

use crate::counter::Counter;
use crate::{Mode, Server, turn, worker};

/// Steps one and two before the kill, three twice because it was interrupted, four and five after it.
fn three_was_repeated() -> BTreeMap<String, u32> {
    [("one", 1), ("two", 1), ("three", 2), ("four", 1), ("five", 1)]
        .map(|(step, count)| (step.to_owned(), count))
        .into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_loses_only_the_step_it_was_in() {
    let _turn = turn().await;
    let mode =
        if std::env::var("SYSTEM_BUS_E2E_SIGNING_KEY").is_ok() { Mode::Signed } else { Mode::Dev };
    let server = Server::start(Some(mode)).expect("a server of this mode");
    let counter = Counter::start().await;
    let (process, components) = worker(&server).await;
    counter.hold("killed", "three");
    let event =
        server.send("testing/five.requested", &json!({"count": counter.url("killed")})).await;
    counter.reached("killed", "three", 1).await;

    let address = process.kill();
    let _worker = server.worker(&components, address).await;
    counter.release();
    assert_eq!(server.ended(&event).await.result(), json!([1, 2, 3, 4, 5]));
    assert_eq!(counter.counts("killed"), three_was_repeated());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_engine_goes_on_where_it_was() {
    let mut server = Server::own(Mode::Signed);
    let counter = Counter::start().await;
    let (_worker, _components) = worker(&server).await;
    counter.hold("killed", "three");
    let event =
        server.send("testing/five.requested", &json!({"count": counter.url("killed")})).await;
    let sleeper = server
        .send("testing/slept.requested", &json!({"count": counter.url("slept"), "wait": 1500}))
        .await;
    counter.reached("killed", "three", 1).await;
    counter.reached("slept", "before", 1).await;

    server.kill_and_restart();
    counter.release();
    assert_eq!(server.ended(&event).await.result(), json!([1, 2, 3, 4, 5]));
    assert_eq!(counter.counts("killed"), three_was_repeated());
    assert_eq!(server.ended(&sleeper).await.result(), json!("rested"));
    let counts = counter.counts("slept");
    assert_eq!(counts.get("after"), Some(&1));
    // The engine may have been killed before it stored the first step's end.
    assert!(matches!(counts.get("before"), Some(1 | 2)), "{counts:?}");
}
