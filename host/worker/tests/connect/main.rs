//! The worker's own connection, over real sockets: the real desk, real components, and a gateway made for the test,
//! which says and hears one frame after another as its test tells it.

#[path = "../../../tests/support/clone.rs"]
mod clone;
#[path = "../support/deployed.rs"]
mod deployed;
mod gateway;
mod journal;
mod leases;
mod lines;
mod replies;
mod stop;
mod worker;

use std::time::Duration;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What comes within [`PATIENCE`].
async fn soon<T>(what: &str, coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, coming).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}
