//! From the wire to a component, and back.
//!
//! The only crate that knows both sides: [`protocol`], which is values, and [`runtime`], which runs components. Every
//! transport ends in [`Worker::handle`].
//!
//! | module | what it does |
//! | --- | --- |
//! | [`handle`] | a decoded call → an outcome, by the version that its run goes on with |
//! | `announcing` | a generation → what the server is told |
//! | `needs` | which old versions unfinished runs need |
//! | `admin` | the routes for operators |
//! | `plan` | what deploying would do to functions and their unfinished runs |
//! | [`metrics`] | what is counted, and `GET /metrics` |
//! | `stage` | one call's way to the server while its function runs |
//! | `state` | the state that the server left out of a call |
//! | `neighbours` | where functions of other apps live |
//! | [`serve`] | HTTP in: calls, introspection, sync requests, health |
//! | [`connect`] | a socket out, over which calls come in |
//! | [`server_api`] | HTTP out: registration, read-back, sending events |
//! | [`sync`] | the task that keeps the server's list of our functions right |

mod admin;
mod announcing;
mod chance;
pub mod connect;
mod drain;
pub mod handle;
mod health;
pub mod metrics;
mod needs;
mod neighbours;
pub mod options;
mod plan;
mod respond;
pub mod serve;
pub mod server_api;
mod stage;
mod state;
pub mod sync;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::collector::Collector;
use protocol::signature::Trust;
use protocol::sync::Announced;
use registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use admin::{Access, paths};
pub use handle::Worker;
pub use options::Options;
pub use state::StateError;
pub use sync::SyncState;

use crate::admin::{Admin, Retirement};
use crate::connect::{ConnectOptions, Connecting, JournalError, Transport};
use crate::drain::Drain;
use crate::health::Standing;
use crate::neighbours::Neighbours;
use crate::server_api::ServerApi;
use crate::sync::{Payloads, Registrar};

/// How long no call may have come to a worker that another one has replaced, before it ends. The server may still have
/// its address from before for a moment.
const QUIET: Duration = Duration::from_secs(2);

/// How many calls are named in the log of a worker that stops.
const TOLD: usize = 20;

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
    announced: watch::Receiver<Arc<Announced>>,
    payloads: Payloads,
    registrar: Option<Arc<Registrar>>,
    worker: Arc<Worker>,
    retirement: Retirement,
    stop: CancellationToken,
    drain: Drain,
    patience: Duration,
    tasks: Vec<JoinHandle<()>>,
    connecting: Option<Connecting>,
}

/// What a worker serves beside itself, until it ends.
#[derive(Debug, Default)]
pub struct Beside {
    /// Further routes. They know who connects (`ConnectInfo<SocketAddr>`).
    pub routes: axum::Router,
    /// What else is told at `/metrics`.
    pub figures: Vec<Box<dyn Collector>>,
}

/// How the server comes to have our functions.
enum Way {
    /// We tell it.
    Serve(Arc<Registrar>, watch::Receiver<SyncState>),
    /// The gateway does, for our connection; calls over HTTP are taken all the same, or not.
    Connect { options: ConnectOptions, serves_too: bool },
}

/// What a worker does beside answering, until it is told to stop.
async fn upkeep(
    draining: impl Future<Output = ()>,
    asking: impl Future<Output = ()>,
    stop: CancellationToken,
) {
    let both = Box::pin(async { tokio::join!(draining, asking) });
    let _ = stop.run_until_cancelled_owned(both).await;
}

impl Running {
    /// Binds the address, begins to take calls by the transports asked for, and begins to register.
    pub async fn start(options: Options, registry: Arc<Registry>) -> Result<Self, StartError> {
        Self::start_beside(options, registry, Beside::default()).await
    }

    /// [`Running::start`], with something else at the same address.
    pub async fn start_beside(
        options: Options,
        registry: Arc<Registry>,
        beside: Beside,
    ) -> Result<Self, StartError> {
        let listen = options.listen;
        let fault = |reason| StartError::Listen { address: listen, reason };
        let listener = TcpListener::bind(listen).await.map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let url = options.serve_url(address)?;
        let api = ServerApi::new(&options).map_err(StartError::Client)?;
        for warning in health::warnings(&registry.present()) {
            tracing::warn!("{warning}");
        }
        let (transport, patience) = (options.transport.clone(), options.drain);
        let served = !matches!(transport, Transport::Connect(_));
        if served && options.trust == Trust::Dev && !address.ip().is_loopback() {
            tracing::warn!(%address, "in dev mode everybody who reaches this address can start functions; set INNGEST_SIGNING_KEY");
        }
        let (stop, drain) = (CancellationToken::new(), Drain::default());
        let role = options.role;
        // Before the present one is looked at: none that comes between is missed.
        let changes = registry.watch();
        let (announce, announced) =
            watch::channel(Arc::new(announcing::announced(&registry.present(), role)));
        let announcing = announcing::follow(changes, role, announce, stop.clone());
        let mut tasks = vec![tokio::spawn(announcing)];
        let payloads = match &transport {
            Transport::Serve => Payloads::served(&options, &url),
            Transport::Connect(_) | Transport::Both(_) => Payloads::connected(&options),
        };
        let way = match transport {
            Transport::Serve => {
                let (registrar, state) =
                    Registrar::new(&options, &url, announced.clone(), api.clone());
                Way::Serve(Arc::new(registrar), state)
            }
            Transport::Connect(connect) => Way::Connect { options: connect, serves_too: false },
            Transport::Both(connect) => Way::Connect { options: connect, serves_too: true },
        };
        let asking = needs::ask(Arc::clone(&registry), &options, api.clone());
        let draining =
            announcing::Draining::new(&registry, &options, api.clone(), payloads.clone());
        let (neighbours, directory) = Neighbours::new(&options, announced.clone(), api.clone());
        let worker = Arc::new(Worker::new(options, registry, api, directory, stop.clone()));
        tasks.push(tokio::spawn(neighbours.watch(stop.clone())));
        let retirement = Retirement::default();
        let standing = |registration| Standing {
            worker: Arc::clone(&worker),
            registration,
            announced: announced.clone(),
            payloads: payloads.clone(),
        };
        let (router, state, registrar, connecting) = match way {
            Way::Serve(registrar, state) => {
                tasks.push(tokio::spawn(Arc::clone(&registrar).keep_registered(stop.clone())));
                let told = Some(Arc::clone(&registrar));
                let router = serve::router(standing(state.clone()), told, drain.clone());
                (router, state, Some(registrar), None)
            }
            Way::Connect { options, serves_too } => {
                let (connecting, state) =
                    Connecting::start(&worker, options, announced.clone(), drain.clone())?;
                let registration = state.clone();
                let router = if serves_too {
                    serve::router(standing(registration), None, drain.clone())
                } else {
                    serve::health_only(standing(registration))
                };
                (router, state, None, Some(connecting))
            }
        };
        tasks.push(tokio::spawn(upkeep(draining.watch(state.clone()), asking, stop.clone())));
        let admin = Admin {
            worker: Arc::clone(&worker),
            registration: state.clone(),
            registrar: registrar.clone(),
            retirement: retirement.clone(),
        };
        let metrics = metrics::State(standing(state.clone()));
        let router = router.merge(admin::router(admin)).merge(beside.routes);
        let router = router.merge(metrics.router(beside.figures));
        tasks.push(tokio::spawn(serve::run(listener, router, stop.clone())));
        Ok(Self {
            address,
            state,
            announced,
            payloads,
            registrar,
            worker,
            retirement,
            stop,
            drain,
            patience,
            tasks,
            connecting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether the server has us.
    pub fn sync_state(&self) -> watch::Receiver<SyncState> {
        self.state.clone()
    }

    /// The fingerprint of what the server should have now: it has it when [`SyncState::has`] says so.
    pub fn wanted(&self) -> String {
        let announced = Arc::clone(&self.announced.borrow());
        self.payloads.of(&announced).fingerprint()
    }

    /// Whether the server has what this generation has for it. Right after a swap [`Running::wanted`] may still tell of the
    /// generation before.
    pub fn has_registered(&self, generation: &registry::Generation) -> bool {
        let announced = announcing::announced(generation, self.worker.role());
        self.state.borrow().has(&self.payloads.of(&announced).fingerprint())
    }

    /// Leaves the app to another worker: nothing is registered any more, and a connection takes no more calls, answers
    /// those it has and closes. Calls that arrive over HTTP are answered until [`Running::shutdown`].
    pub async fn stand_down(&self) {
        if let Some(registrar) = &self.registrar {
            registrar.stand_down().await;
        }
        if let Some(connecting) = &self.connecting {
            connecting.stand_down();
        }
    }

    /// Returns when somebody has told this worker that another one has taken over, and no call has come for a while.
    /// It registers nothing any more from then on; what is left is [`Running::shutdown`].
    pub async fn retired(&self) {
        self.retirement.begun().await;
        self.stand_down().await;
        let mut quiet_since = tokio::time::Instant::now();
        let mut seen = self.worker.taken();
        while quiet_since.elapsed() < QUIET {
            tokio::time::sleep(QUIET / 20).await;
            let (taken, running) = (self.worker.taken(), self.worker.running());
            if taken != seen || running > 0 {
                seen = taken;
                quiet_since = tokio::time::Instant::now();
            }
        }
    }

    /// Stops taking calls, answers those that run, hands back those that take too long, and ends.
    pub async fn shutdown(self) {
        let Self { stop, drain, patience, tasks, connecting, worker, .. } = self;
        for running in worker.under_way().all().into_iter().take(TOLD) {
            let took = jiff::Timestamp::now().duration_since(running.since);
            tracing::info!(run = %running.run, function = running.function, took_ms = took.as_millis(), "this call runs still; it has {patience:?} to end");
        }
        drop(worker);
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
