//! Connections: so many at once, with headers that come in time. Anybody may open one.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower_service::Service as _;

use crate::crowd::Crowd;

/// How many connections there may be, and how long they may say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Connections at once, of which one address has half at most. Each is an open file of this process.
    pub connections: usize,
    /// How long the headers of a request may take, and how long a connection may stay without one.
    pub headers: Duration,
    /// How long what is under way may take at the end.
    pub drain: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { connections: 1024, headers: Duration::from_secs(20), drain: Duration::from_secs(15) }
    }
}

/// Pause after the system has no connection to give.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves these routes until it is told to stop; what is under way then is answered. They know who connects
/// (`ConnectInfo<SocketAddr>`).
pub async fn serve(
    listener: TcpListener,
    router: Router,
    bounds: Bounds,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    tokio::select! {
        () = stop => {}
        never = accept(&listener, router, bounds, &graceful) => match never {},
    }
    drop(listener);
    if tokio::time::timeout(bounds.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were cut off that took longer than {:?}", bounds.drain);
    }
}

async fn accept(
    listener: &TcpListener,
    router: Router,
    bounds: Bounds,
    graceful: &GracefulShutdown,
) -> Infallible {
    let mut make = router.into_make_service_with_connect_info::<SocketAddr>();
    let crowd = Crowd::new(bounds.connections);
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(bounds.headers);
    loop {
        // Where there is no room, whoever comes waits in the system's queue.
        let Some(room) = crowd.room().await else { std::future::pending().await };
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(place) = crowd.seat(from.ip(), room) else {
            tracing::warn!(%from, "an address has as many connections as one may have; another one is closed");
            continue;
        };
        // Replies are one write; waiting to fill a packet would only delay them.
        drop(stream.set_nodelay(true));
        let service = make.call(from).await.unwrap_or_else(|never| match never {});
        let service = TowerToHyperService::new(service);
        let connection = graceful.watch(server.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%from, %error, "a connection ended badly");
            }
            drop(place);
        });
    }
}
