//! The journal: what a killed process leaves behind is handed back by its successor.

use std::time::Instant;

use prost::Message;
use protocol::connect::frames::{ConnectMessage, ConnectionReady, ExecutorRequest, Kind, Status};
use protocol::connect::link::{Heard, Link};
use protocol::connect::record;
use worker::connect::ConnectOptions;

use crate::gateway::{Gateway, five, ops};
use crate::worker::{Gate, connect, deployed, journal, options, start};

/// The record that a process writes when it takes this request.
fn taken(request: &ExecutorRequest) -> Vec<u8> {
    let now = Instant::now();
    let mut link = Link::new(now);
    let frames = [
        ConnectMessage::empty(Kind::GatewayHello),
        ConnectMessage::around(Kind::GatewayConnectionReady, &ConnectionReady::default()),
        ConnectMessage::around(Kind::GatewayExecutorRequest, request),
    ];
    let heard = frames
        .map(|frame| link.hear(now, frame.encode_to_vec().into()).expect("a frame in its turn"));
    let [_, _, Heard::Request(request)] = heard else { panic!("no request") };
    record::taken(&request.envelope)
}

#[tokio::test]
async fn a_successor_hands_back_what_was_taken_and_leaves_last_attempts_alone() {
    let mut gateway = Gateway::start().await;
    let dir = tempfile::tempdir().expect("a folder");
    let mut file = record::MAGIC.to_vec();
    for request in [
        five("answered", None, 0, ""),
        five("discovery", None, 2, ""),
        five("targeted", Some("one"), 0, ""),
        five("targeted-last", Some("one"), 2, ""),
    ] {
        file.extend(taken(&request));
    }
    file.extend(record::done("answered"));
    // Torn, as by a kill in the middle of a write.
    file.extend(&taken(&five("torn", None, 0, ""))[..40]);
    std::fs::write(journal(dir.path()), file).expect("written");

    let begun = Instant::now();
    let state_dir = Some(dir.path().to_owned());
    let running = start(options(&gateway, ConnectOptions { state_dir, ..connect() })).await;
    // No connection is needed for it.
    let discovery = gateway.flushed().await;
    let targeted = gateway.flushed().await;
    assert_eq!(discovery.request_id, "discovery");
    assert_eq!(ops(&discovery), ["DiscoveryRequest"]);
    assert_eq!(&*discovery.system_trace_ctx, br#"{"traceparent":"00-1-2-01"}"#);
    assert_eq!(targeted.request_id, "targeted");
    assert_eq!((targeted.status(), targeted.no_retry), (Status::Error, false));
    assert_eq!(targeted.retry_after.as_deref(), Some("1"));
    assert!(begun.elapsed() < crate::PATIENCE);
    running.shutdown().await;
    assert!(
        gateway.flushed.is_empty(),
        "last attempts are left alone, and what is torn is nobody's"
    );
    let left = record::read(&std::fs::read(journal(dir.path())).expect("a file")).left;
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_call_is_in_the_journal_while_it_runs_and_not_after_its_reply_is_stored() {
    let mut gateway = Gateway::start().await;
    let dir = tempfile::tempdir().expect("a folder");
    let state_dir = Some(dir.path().to_owned());
    let running = start(options(&gateway, ConnectOptions { state_dir, ..connect() })).await;
    let gate = Gate::start().await;
    let mut socket = gateway.ready("10s", "30s").await;
    socket.request(&five("r", None, 0, &gate.url)).await;
    let left = || {
        let file = std::fs::read(journal(dir.path())).expect("a file");
        record::read(&file).left.iter().map(|one| one.id().to_owned()).collect::<Vec<_>>()
    };
    // It is written before the acknowledgement is sent.
    assert_eq!(left(), ["r"]);
    gate.open();
    socket.reply().await;
    assert_eq!(left(), ["r"]);
    socket.stored("r").await;
    running.shutdown().await;
    assert!(left().is_empty());
}

#[tokio::test]
async fn two_workers_cannot_be_one_instance() {
    let gateway = Gateway::start().await;
    let dir = tempfile::tempdir().expect("a folder");
    let connect = || ConnectOptions { state_dir: Some(dir.path().to_owned()), ..connect() };
    let running = start(options(&gateway, connect())).await;
    let deployed = deployed().await;
    let registry = std::sync::Arc::clone(&deployed.registry);
    let second = worker::Running::start(options(&gateway, connect()), registry).await;
    let error = second.expect_err("taken").to_string();
    assert!(error.contains("another worker"), "{error}");
    running.shutdown().await;
}
