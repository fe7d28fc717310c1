//! Calls and their replies: none is lost, and none runs twice.

use std::num::NonZeroU32;
use std::time::Duration;

use protocol::connect::frames::{ConnectMessage, Kind, Status};
use worker::connect::ConnectOptions;

use crate::gateway::{Gateway, five, ops};
use crate::worker::{Gate, connect, connected, options, start};

#[tokio::test]
async fn a_call_is_acknowledged_before_it_is_answered_and_everything_is_echoed() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let gate = Gate::start().await;
    let mut socket = gateway.ready("10s", "30s").await;
    let request = five("r", None, 0, &gate.url);
    socket.request(&request).await;
    gate.reached().await;
    gate.open();
    let reply = socket.reply().await;
    assert_eq!(ops(&reply), ["StepRun"]);
    assert_eq!(reply.status(), Status::NotCompleted);
    assert_eq!((reply.request_version, reply.sdk_version.as_str()), (2, protocol::SDK));
    assert_eq!(reply.system_trace_ctx, request.system_trace_ctx);
    assert_eq!(reply.user_trace_ctx, request.user_trace_ctx);
    assert_eq!((reply.run_id, reply.env_id), (request.run_id, request.env_id));
    socket.stored("r").await;
    running.shutdown().await;
    assert!(gateway.flushed.is_empty());
}

#[tokio::test]
async fn what_cannot_be_routed_is_answered_all_the_same() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let mut socket = gateway.ready("10s", "30s").await;
    let mut request = five("r", None, 0, "");
    request.step_id = Some("neither a hash nor the word".to_owned());
    socket.request(&request).await;
    let reply = socket.reply().await;
    assert_eq!(reply.status(), Status::Error);
    socket.stored("r").await;
    running.shutdown().await;
}

#[tokio::test]
async fn a_reply_that_is_not_acknowledged_is_handed_over_by_http() {
    let mut gateway = Gateway::start().await;
    let connect = ConnectOptions { reply_ack: Duration::from_millis(200), ..connect() };
    let running = start(options(&gateway, connect)).await;
    let gate = Gate::start().await;
    gate.open();
    let mut socket = gateway.ready("10s", "30s").await;
    socket.request(&five("r", None, 0, &gate.url)).await;
    let sent = socket.reply().await;
    assert_eq!(gateway.flushed().await, sent);
    running.shutdown().await;
    assert!(gateway.flushed.is_empty(), "once is enough");
}

#[tokio::test]
async fn a_reply_that_finds_no_socket_is_handed_over_by_http() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let gate = Gate::start().await;
    let mut socket = gateway.ready("10s", "30s").await;
    socket.request(&five("r", None, 0, &gate.url)).await;
    gate.reached().await;
    drop(socket);
    gate.open();
    assert_eq!(ops(&gateway.flushed().await), ["StepRun"]);
    running.shutdown().await;
}

#[tokio::test]
async fn with_no_way_open_a_reply_waits_for_the_next_connection() {
    let mut gateway = Gateway::start().await;
    gateway.break_flush(true);
    let running = connected(&gateway).await;
    let gate = Gate::start().await;
    let mut socket = gateway.ready("10s", "30s").await;
    socket.request(&five("r", None, 0, &gate.url)).await;
    gate.reached().await;
    drop(socket);
    gate.open();
    let mut next = gateway.ready("10s", "30s").await;
    let reply = next.reply().await;
    assert_eq!((reply.request_id.as_str(), ops(&reply)), ("r", vec!["StepRun".to_owned()]));
    next.stored("r").await;
    running.shutdown().await;
    assert_eq!(gate.others(), 0, "the body ran once");
}

#[tokio::test]
async fn a_request_that_is_sent_again_runs_once_and_is_answered_again() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let gate = Gate::start().await;
    let mut socket = gateway.ready("10s", "30s").await;
    let request = five("r", None, 0, &gate.url);
    socket.request(&request).await;
    gate.reached().await;
    socket.request(&request).await;
    gate.open();
    socket.reply().await;
    socket.say(&ConnectMessage::around(Kind::GatewayExecutorRequest, &request)).await;
    socket.expect(Kind::WorkerRequestAck).await;
    assert_eq!(socket.reply().await.request_id, "r");
    socket.stored("r").await;
    running.shutdown().await;
    assert_eq!(gate.others(), 0, "the body ran once");
}

#[tokio::test]
async fn no_more_calls_run_at_once_than_were_announced() {
    let mut gateway = Gateway::start().await;
    let concurrency = NonZeroU32::new(1).expect("not zero");
    let running = start(options(&gateway, ConnectOptions { concurrency, ..connect() })).await;
    let gate = Gate::start().await;
    let mut socket = gateway.ready("10s", "30s").await;
    for id in ["a", "b"] {
        // Both are acknowledged: what waits here has its lease extended.
        socket.request(&five(id, None, 0, &gate.url)).await;
    }
    gate.reached().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(gate.others(), 0, "the second waits");
    gate.open();
    let first = socket.reply().await.request_id;
    socket.stored(&first).await;
    gate.reached().await;
    gate.open();
    let second = socket.reply().await.request_id;
    socket.stored(&second).await;
    assert_ne!(first, second);
    running.shutdown().await;
}
