//! From the wire to a component, and back.
//!
//! The only crate that knows both sides: [`protocol`], which is values, and [`runtime`], which runs components. Every
//! transport ends in [`Worker::handle`].
//!
//! | module | what it does |
//! | --- | --- |
//! | [`handle`] | a decoded call → an outcome |
//! | `stage` | one call's way to the server while its function runs |
//! | `state` | the state that the server left out of a call |
//! | `neighbours` | where functions of other apps live |
//! | [`serve`] | HTTP in: calls, introspection, sync requests, health |
//! | [`connect`] | a socket out, over which calls come in |
//! | [`server_api`] | HTTP out: registration, read-back, sending events |
//! | [`sync`] | the task that keeps the server's list of our functions right |

mod chance;
pub mod connect;
mod drain;
pub mod handle;
mod health;
mod neighbours;
pub mod options;
mod respond;
pub mod serve;
pub mod server_api;
mod stage;
mod state;
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
pub use state::StateError;
pub use sync::SyncState;

use crate::connect::{ConnectOptions, Connecting, JournalError, Transport};
use crate::drain::Drain;
use crate::neighbours::Neighbours;
use crate::server_api::ServerApi;
use crate::sync::Registrar;

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
    /// No journal.
    #[error(transparent)]
    Journal(JournalError),
    /// No thread for the connection.
    #[error("no thread could be started for the connection to the gateway: {0}")]
    Thread(std::io::Error),
}

/// A worker that takes calls and keeps itself registered, until [`Running::shutdown`].
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    state: watch::Receiver<SyncState>,
    stop: CancellationToken,
    drain: Drain,
    patience: Duration,
    tasks: Vec<JoinHandle<()>>,
    connecting: Option<Connecting>,
}

/// How the server comes to have our functions.
enum Way {
    /// We tell it.
    Serve(Arc<Registrar>, watch::Receiver<SyncState>),
    /// The gateway does, for our connection; calls over HTTP are taken all the same, or not.
    Connect { options: ConnectOptions, serves_too: bool },
}

impl Running {
    /// Binds the address, begins to take calls by the transports asked for, and begins to register.
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
        for warning in health::warnings(&generation) {
            tracing::warn!("{warning}");
        }
        let (transport, patience) = (options.transport.clone(), options.drain);
        let served = !matches!(transport, Transport::Connect(_));
        if served && options.trust == Trust::Dev && !address.ip().is_loopback() {
            tracing::warn!(%address, "in dev mode everybody who reaches this address can start functions; set INNGEST_SIGNING_KEY");
        }
        let (stop, drain) = (CancellationToken::new(), Drain::default());
        let way = match transport {
            Transport::Serve => {
                let (registrar, state) = Registrar::new(&options, &url, &generation, api.clone());
                Way::Serve(Arc::new(registrar), state)
            }
            Transport::Connect(connect) => Way::Connect { options: connect, serves_too: false },
            Transport::Both(connect) => Way::Connect { options: connect, serves_too: true },
        };
        let served = generation.functions().map(|function| function.id.clone()).collect();
        let (own, apps) = (options.app.clone(), options.neighbours.clone());
        let (neighbours, directory) =
            Neighbours::new(own, served, apps, api.clone(), options.look_again);
        let worker =
            Arc::new(Worker::new(options, generation, refused, api, directory, stop.clone()));
        let mut tasks = vec![tokio::spawn(neighbours.watch(stop.clone()))];
        let (router, state, connecting) = match way {
            Way::Serve(registrar, state) => {
                tasks.push(tokio::spawn(Arc::clone(&registrar).keep_registered(stop.clone())));
                let registration = state.clone();
                let router = serve::router(worker, Some(registrar), registration, drain.clone());
                (router, state, None)
            }
            Way::Connect { options, serves_too } => {
                let (connecting, state) = Connecting::start(&worker, options, drain.clone())?;
                let registration = state.clone();
                let router = if serves_too {
                    serve::router(worker, None, registration, drain.clone())
                } else {
                    serve::health_only(worker, registration)
                };
                (router, state, Some(connecting))
            }
        };
        tasks.push(tokio::spawn(serve::run(listener, router, stop.clone())));
        Ok(Self { address, state, stop, drain, patience, tasks, connecting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the server has us.
    pub fn sync_state(&self) -> watch::Receiver<SyncState> {
        self.state.clone()
    }

    /// Stops taking calls, answers those that run, hands back those that take too long, and ends.
    pub async fn shutdown(self) {
        let Self { stop, drain, patience, tasks, connecting, .. } = self;
        stop.cancel();
        let serving = async {
            let begun = tokio::time::Instant::now();
            let (back, end) = (begun + Drain::patience(patience), begun + patience);
            for mut task in tasks {
                // A panic in the task was reported when it happened.
                if tokio::time::timeout_at(back, &mut task).await.is_ok() {
                    continue;
                }
                drain.hand_back();
                if tokio::time::timeout_at(end, &mut task).await.is_err() {
                    tracing::warn!(
                        "a call in its last attempt ran for more than {patience:?} while stopping; it is lost"
                    );
                    task.abort();
                }
            }
        };
        let connected = async {
            if let Some(connecting) = connecting {
                connecting.shutdown().await;
            }
        };
        tokio::join!(serving, connected);
    }
}
