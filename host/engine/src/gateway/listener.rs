//! Takes connections in, minds the clock, and sees to an orderly end.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Hub, socket};

/// How often a stopping gateway looks whether everything has ended.
const LOOK: Duration = Duration::from_millis(10);
/// How long connections may take for closing.
const LINGER: Duration = Duration::from_secs(2);
/// The pause after a failed accept, such as one for want of file descriptors.
const RECOVER: Duration = Duration::from_millis(100);

/// Serves workers until told to stop. Then calls under way may still end, for as long as the options say.
pub(crate) async fn listen(listener: TcpListener, hub: Hub, stop: CancellationToken) {
    // Owns the connections: dropped, it ends them.
    let mut tasks = JoinSet::new();
    let gateway = Arc::clone(&hub.gateway);
    let mut draining: Option<Instant> = None;
    loop {
        let pause = match draining {
            Some(_) => LOOK.min(gateway.until_due()),
            None => gateway.until_due(),
        };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    tasks.spawn(socket::serve(stream, hub.clone(), draining.is_some()));
                }
                Err(error) => {
                    tracing::warn!("a worker's connection could not be taken: {error}");
                    tokio::time::sleep(RECOVER).await;
                }
            },
            Some(_) = tasks.join_next() => {}
            () = gateway.changed.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled(), if draining.is_none() => {
                draining = Some(Instant::now() + gateway.drain());
                gateway.begin_closing();
            }
        }
        gateway.tick();
        if let Some(deadline) = draining
            && (gateway.under_way() == 0 || Instant::now() >= deadline)
        {
            break;
        }
    }
    drop(listener);
    gateway.close();
    let closed = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(LINGER, closed).await.is_err() {
        tracing::warn!("connections of workers that did not end were cut off");
    }
}
