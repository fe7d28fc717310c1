//! Leases: extended while a call runs, and what their loss means.

use prost::Message;
use protocol::connect::frames::{ConnectMessage, ExtendLease, ExtendLeaseAck, Kind};

use crate::gateway::{Gateway, Socket, five};
use crate::worker::{Gate, connected};

async fn extension(socket: &mut Socket) -> ExtendLease {
    loop {
        let frame = socket.next().await.expect("an open connection");
        if frame.kind() == Kind::WorkerRequestExtendLease {
            return ExtendLease::decode(frame.payload).expect("an extension");
        }
    }
}

async fn grant(socket: &mut Socket, id: &str, lease: Option<&str>) {
    let ack = ExtendLeaseAck {
        request_id: id.to_owned(),
        new_lease_id: lease.map(str::to_owned),
        ..ExtendLeaseAck::default()
    };
    socket.say(&ConnectMessage::around(Kind::WorkerRequestExtendLeaseAck, &ack)).await;
}

#[tokio::test]
async fn a_running_call_extends_its_latest_lease() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let gate = Gate::start().await;
    let mut socket = gateway.ready("10s", "100ms").await;
    socket.request(&five("r", None, 0, &gate.url)).await;
    assert_eq!(extension(&mut socket).await.lease_id, "01M81GEH2NXAJFC1G2XF3K4RVH");
    grant(&mut socket, "r", Some("01M81GEH2NXAJFC1G2XF3K4RV2")).await;
    // The answer may cross one more extension with the old lease.
    while extension(&mut socket).await.lease_id != "01M81GEH2NXAJFC1G2XF3K4RV2" {}
    gate.open();
    assert_eq!(socket.reply().await.request_id, "r");
    socket.stored("r").await;
    running.shutdown().await;
}

#[tokio::test]
async fn a_new_connection_extends_at_once_what_an_old_one_left() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let gate = Gate::start().await;
    let mut socket = gateway.ready("10s", "10m").await;
    socket.request(&five("r", None, 0, &gate.url)).await;
    gate.reached().await;
    drop(socket);
    let mut next = gateway.ready("10s", "10m").await;
    assert_eq!(extension(&mut next).await.request_id, "r");
    gate.open();
    next.reply().await;
    next.stored("r").await;
    running.shutdown().await;
}

#[tokio::test]
async fn a_call_whose_lease_is_lost_is_stopped_and_not_answered() {
    let mut gateway = Gateway::start().await;
    let running = connected(&gateway).await;
    let gate = Gate::start().await;
    let mut socket = gateway.ready("10s", "100ms").await;
    socket.request(&five("lost", None, 0, &gate.url)).await;
    gate.reached().await;
    extension(&mut socket).await;
    grant(&mut socket, "lost", None).await;
    // It is taken, so the worker has read what came before: the lease is lost by now.
    socket.request(&five("next", None, 0, &gate.url)).await;
    // Enough for both bodies, if both still ran.
    gate.open();
    gate.open();
    let reply = socket.reply().await;
    assert_eq!(reply.request_id, "next");
    socket.stored("next").await;
    // Nothing of the lost one is in the way of an immediate end.
    running.shutdown().await;
    assert!(gateway.flushed.is_empty());
}
