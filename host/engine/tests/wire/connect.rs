//! The Connect gateway, driven by a raw client over real sockets.

mod calls;
mod dialer;
mod handshake;
mod leases;
mod routing;
mod shutdown;

use std::time::Duration;

use engine::{Activity, Engine, GatewayOptions, Happening, Options};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;

use crate::client::Client;
use crate::options;

/// Where a connection's functions are.
const URL: &str = "ws://connect?stepId=step&fnId=";

/// Whatever a test waits for comes within this time, or never.
const PATIENCE: Duration = Duration::from_secs(20);

/// The function `slug` of the app `app`, on the event `a/b`.
fn function(slug: &str, retries: u32) -> Value {
    json!({
        "id": slug, "name": slug, "triggers": [{"event": "a/b"}],
        "steps": {"step": {"id": "step", "name": "step",
            "runtime": {"type": "ws", "url": format!("{URL}{slug}")}, "retries": {"attempts": retries}}},
    })
}

async fn engine(gateway: GatewayOptions) -> Engine {
    Engine::start(Options { gateway, ..options() }).await.expect("an engine")
}

/// Leases so short that a test can wait for their end, and retries that do not.
fn short_leases() -> GatewayOptions {
    GatewayOptions {
        lease: Duration::from_secs(2),
        extend_lease_interval: Duration::from_millis(250),
        grace: Duration::from_millis(200),
        ..GatewayOptions::default()
    }
}

/// Waits until this many connections are open.
async fn connected(client: &Client, count: usize) {
    for _ in 0..1_000 {
        let (_, shown) = client.get("/v0/connect/envs/x/conns").await;
        if shown["data"].as_array().map(Vec::len) == Some(count) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("there are never {count} connections");
}

/// The reason of the next failed attempt.
async fn failure(activity: &mut Receiver<Activity>) -> String {
    loop {
        let next = tokio::time::timeout(PATIENCE, activity.recv()).await.expect("in time");
        if let Happening::CallFailed { reason, .. } = next.expect("news").what {
            return reason;
        }
    }
}
