//! The worker over real sockets: the real router, real components, and a server made for the test.
//!
//! All tests share the keys of [`secrets`], log everything they do, and end by looking for those keys in the log.

mod announced;
mod bus;
mod call;
mod calls;
mod checkpoints;
#[path = "../../../tests/support/clone.rs"]
mod clone;
mod conformance;
#[path = "../support/deployed.rs"]
mod deployed;
mod disbelief;
mod encryption;
mod events;
mod gate;
mod generations;
mod health;
mod in_band;
mod introspection;
mod limits;
mod lines;
mod page;
mod plan;
mod refusals;
mod registration;
mod run_ended;
mod secrets;
mod server;
mod shutdown;
mod state;
mod sync_requests;
mod trace;
mod unfinished;

use std::time::Duration;

/// Waits until something is so, and fails when it does not come to be.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    assert!(waited.is_ok(), "it never came to be that {what}");
}
