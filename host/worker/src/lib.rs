//! From the wire to a component, and back.
//!
//! The only crate that knows both sides: [`protocol`], which is values, and [`runtime`], which runs components. Every
//! transport ends in [`Worker::handle`].
//!
//! | module | what it does |
//! | --- | --- |
//! | [`handle`] | a decoded call → an outcome |
//! | `stage` | one call's way to the server while its function runs |
//! | `neighbours` | where functions of other apps live |
//! | [`serve`] | HTTP in: calls, introspection, sync requests, health |
//! | [`server_api`] | HTTP out: registration, read-back, sending events |
//! | [`sync`] | the task that keeps the server's list of our functions right |

pub mod handle;
mod health;
mod neighbours;
pub mod options;
mod respond;
pub mod serve;
pub mod server_api;
mod stage;
pub mod sync;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::signature::Trust;
use runtime::{Generation, LoadError};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use handle::Worker;
pub use options::Options;
pub use sync::SyncState;

use crate::neighbours::Neighbours;
use crate::server_api::ServerApi;
use crate::sync::Registrar;

/// How long running calls may take when the worker stops.
const DRAIN: Duration = Duration::from_secs(30);

/// Why a worker does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {reason}; choose another address, or stop what uses it")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        reason: std::io::Error,
    },
    /// The address that the server shall call is not one.
    #[error(
        "the address for the server's calls cannot be made from {origin} and {path}; check INNGEST_SERVE_ORIGIN and INNGEST_SERVE_PATH"
    )]
    ServeUrl {
        /// The origin.
        origin: String,
        /// The path.
        path: String,
    },
    /// No HTTP client.
    #[error("no HTTP client for the server's API: {0}")]
    Client(reqwest::Error),
}

/// A worker that serves and keeps itself registered, until [`Running::shutdown`].
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    state: watch::Receiver<SyncState>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Binds the address, begins to serve, and begins to register.
    pub async fn start(
        options: Options,
        generation: Generation,
        refused: Vec<LoadError>,
    ) -> Result<Self, StartError> {
        let listen = options.listen;
        let fault = |reason| StartError::Listen { address: listen, reason };
        let listener = TcpListener::bind(listen).await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let url = options.serve_url(address)?;
        let api = ServerApi::new(&options).map_err(StartError::Client)?;
        if options.trust == Trust::Dev && !address.ip().is_loopback() {
            tracing::warn!(%address, "in dev mode everybody who reaches this address can start functions; set INNGEST_SIGNING_KEY");
        }
        let stop = CancellationToken::new();
        let (registrar, state) = Registrar::new(&options, &url, &generation, api.clone());
        let registrar = Arc::new(registrar);
        let served = generation.functions().map(|function| function.id.clone()).collect();
        let (own, apps) = (options.app.clone(), options.neighbours.clone());
        let (neighbours, directory) =
            Neighbours::new(own, served, apps, api.clone(), options.look_again);
        let worker =
            Arc::new(Worker::new(options, generation, refused, api, directory, stop.clone()));
        let router = serve::router(worker, Arc::clone(&registrar), state.clone());
        let serving = tokio::spawn(serve::run(listener, router, stop.clone()));
        let syncing = tokio::spawn(registrar.keep_registered(stop.clone()));
        let watching = tokio::spawn(neighbours.watch(stop.clone()));
        Ok(Self { address, state, stop, tasks: vec![serving, syncing, watching] })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the server has us.
    pub fn sync_state(&self) -> watch::Receiver<SyncState> {
        self.state.clone()
    }

    /// Stops taking calls, answers those that run, and ends.
    pub async fn shutdown(self) {
        self.stop.cancel();
        let end = tokio::time::Instant::now() + DRAIN;
        for mut task in self.tasks {
            // A panic in the task was reported when it happened.
            if tokio::time::timeout_at(end, &mut task).await.is_err() {
                tracing::warn!(
                    "a call ran for more than {DRAIN:?} while stopping; the server will make it again"
                );
                task.abort();
            }
        }
    }
}
