//! What workers of a cluster rely on, with the real client against a stand-in of the API server.

mod lease;
mod release;
mod server;

use std::time::Duration;

use tokio::sync::watch;

/// How long anything may take before a test has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until what is watched is as it should be.
async fn until<T: Clone + std::fmt::Debug>(
    what: &str,
    watched: &mut watch::Receiver<T>,
    fits: impl FnMut(&T) -> bool,
) -> T {
    let waited = tokio::time::timeout(PATIENCE, watched.wait_for(fits)).await;
    let waited = waited.map(|waited| waited.expect("it goes on").clone());
    waited.unwrap_or_else(|_| panic!("not in time: {what}; it is {:?}", *watched.borrow()))
}
