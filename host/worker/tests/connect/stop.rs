//! Stopping: no more calls, those that run are answered, and what takes too long is handed back.

use std::time::Duration;

use protocol::connect::frames::{Kind, Status};
use worker::Options;

use crate::gateway::{Gateway, five, ops};
use crate::worker::{Gate, connect, connected, options, start};

#[tokio::test]
async fn a_running_call_is_answered_before_the_connection_is_closed() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let gate = Gate::start().await;
    let mut socket = gateway.ready("10s", "30s").await;
    socket.request(&five("r", None, 0, &gate.url)).await;
    gate.reached().await;
    let stopping = tokio::spawn(running.shutdown());
    socket.expect(Kind::WorkerPause).await;
    // What was on its way meanwhile is given back at no cost.
    socket.request(&five("late", None, 0, &gate.url)).await;
    let late = socket.reply().await;
    assert_eq!((late.request_id.as_str(), ops(&late)), ("late", vec!["DiscoveryRequest".into()]));
    socket.stored("late").await;
    assert!(!stopping.is_finished());
    gate.open();
    assert_eq!(ops(&socket.reply().await), ["StepRun"]);
    socket.stored("r").await;
    assert_eq!(socket.closed().await, (1000, "WORKER_SHUTDOWN".to_owned()));
    stopping.await.expect("no panic");
}

#[tokio::test]
async fn what_does_not_end_in_time_is_handed_back_and_a_last_attempt_may_finish() {
    let mut gateway = Gateway::start().await;
    let drain = Duration::from_secs(5);
    let running = start(Options { drain, ..options(&gateway, connect()) }).await;
    let gate = Gate::start().await;
    let mut socket = gateway.ready("10s", "30s").await;
    socket.request(&five("discovery", None, 0, &gate.url)).await;
    socket.request(&five("targeted", Some("one"), 0, &gate.url)).await;
    socket.request(&five("last", Some("one"), 2, &gate.url)).await;
    for _ in 0..3 {
        gate.reached().await;
    }
    let stopping = tokio::spawn(running.shutdown());
    socket.expect(Kind::WorkerPause).await;
    let mut replies = vec![socket.reply().await, socket.reply().await];
    replies.sort_by(|a, b| a.request_id.cmp(&b.request_id));
    assert_eq!(replies[0].request_id, "discovery");
    assert_eq!(ops(&replies[0]), ["DiscoveryRequest"]);
    assert_eq!(replies[1].request_id, "targeted");
    assert_eq!((replies[1].status(), replies[1].no_retry), (Status::Error, false));
    assert_eq!(replies[1].retry_after.as_deref(), Some("1"));
    // Only the last attempt still waits at the gate; a few may pass whose calls are gone.
    for _ in 0..3 {
        gate.open();
    }
    let last = socket.reply().await;
    assert_eq!((last.request_id.as_str(), ops(&last)), ("last", vec!["StepRun".to_owned()]));
    for id in ["discovery", "targeted", "last"] {
        socket.stored(id).await;
    }
    stopping.await.expect("no panic");
}

#[tokio::test]
async fn replies_that_no_socket_took_go_out_before_the_end() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let gate = Gate::start().await;
    let mut socket = gateway.ready("10s", "30s").await;
    socket.request(&five("r", None, 0, &gate.url)).await;
    gate.reached().await;
    let stopping = tokio::spawn(running.shutdown());
    socket.expect(Kind::WorkerPause).await;
    drop(socket);
    gate.open();
    assert_eq!(ops(&gateway.flushed().await), ["StepRun"]);
    stopping.await.expect("no panic");
}
