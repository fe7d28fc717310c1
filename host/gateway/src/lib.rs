//! Webhooks in, events out: a small, verified door in front of an Inngest server.
//!
//! A sender posts a delivery to `/webhooks/PROVIDER`. It is read under a limit, [verified](mod@verify) on the bytes as they
//! came, made into [events](mod@shape), and put into a [spool] on disk. Only then is the sender told that all is well; a
//! task hands the events to the server, in order, and a repeat of a delivery does nothing.
//!
//! | module | what it does |
//! | --- | --- |
//! | [`provider`] | who sends, how it signs and what comes of it: a file each |
//! | [`mod@verify`] | whether a delivery is from whom it says; pure |
//! | [`shape`] | a delivery → events; pure |
//! | [`handshake`] | what senders ask before they send; pure |
//! | [`limits`] | how much is taken, from whom; pure |
//! | [`spool`] | what was accepted and the server does not have yet |
//! | `drain`, `send` | from the spool to the server |
//! | `server` | HTTP in |

mod counters;
mod crowd;
pub mod delivery;
mod drain;
mod figures;
pub mod handshake;
pub mod limits;
pub mod listen;
pub mod provider;
pub mod secrets;
mod send;
mod server;
pub mod shape;
pub mod spool;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod verify;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::http::HeaderMap;
use prometheus_client::collector::Collector;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use self::counters::{Counted, Counters};
use self::crowd::Crowd;
pub use self::drain::Draining;
use self::figures::Figures;
use self::limits::{Limits, Meter};
pub use self::provider::{Provider, ProviderError, Providers};
pub use self::secrets::{Secret, Secrets};
pub use self::send::EventApi;
use self::spool::{Spool, SpoolError, SpoolOptions};

/// What a gateway needs.
pub struct Options {
    /// Whose deliveries are taken.
    pub providers: Providers,
    /// What they are verified with.
    pub secrets: Arc<dyn Secrets>,
    /// Where events wait for the server.
    pub spool: SpoolOptions,
    /// Where events go.
    pub events: EventApi,
    /// How much is taken.
    pub limits: Limits,
    /// How many proxies of ours pass deliveries on, and add to `x-forwarded-for` whom they have them from.
    pub proxies: usize,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No spool.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// No client.
    #[error("no HTTP client for the server's event API: {0}")]
    Client(#[from] reqwest::Error),
}

/// What the routes share.
pub(crate) struct Shared {
    providers: Providers,
    secrets: Arc<dyn Secrets>,
    spool: Arc<Spool>,
    limits: Limits,
    meter: Mutex<Meter>,
    turns: Arc<Crowd>,
    proxies: usize,
    counters: Arc<Counters>,
    draining: watch::Receiver<Draining>,
    began: Instant,
}

impl Shared {
    fn meter(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a delivery comes from. What is told in a header is believed only as far as our own proxies have written it:
    /// each adds whom it has it from at the end.
    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let Some(back) = self.proxies.checked_sub(1) else { return peer };
        let told =
            headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = told.flat_map(|value| value.split(',')).map(str::trim).collect();
        let own = hops.len().checked_sub(1 + back).and_then(|at| hops[at].parse().ok());
        own.unwrap_or(peer)
    }
}

/// A gateway that takes deliveries and hands events on, until [`Gateway::shutdown`].
pub struct Gateway {
    shared: Arc<Shared>,
    stop: CancellationToken,
    drain: JoinHandle<()>,
}

impl Gateway {
    /// Opens the spool and begins to hand on what is in it. Deliveries come by [`Gateway::router`].
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let sender = send::Sender::new(&options.events)?;
        let spool_options = options.spool;
        let opened = tokio::task::spawn_blocking(move || Spool::open(spool_options));
        let spool = opened.await.map_err(|_| SpoolError::Closed)??;
        let counters = Arc::new(Counters::default());
        let (state, draining) = watch::channel(Draining::Well);
        for provider in options.providers.iter() {
            if provider.trust == provider::Trust::Everybody {
                tracing::warn!(
                    provider = provider.name,
                    "everybody who reaches this gateway can send events in this provider's name: its file says insecure_none"
                );
            }
        }
        let limits = options.limits;
        let shared = Arc::new(Shared {
            providers: options.providers,
            secrets: options.secrets,
            spool: Arc::clone(&spool),
            limits,
            meter: Mutex::new(Meter::new(limits)),
            turns: Crowd::new(limits.at_once),
            proxies: options.proxies,
            counters: Arc::clone(&counters),
            draining,
            began: Instant::now(),
        });
        let stop = CancellationToken::new();
        let drain = drain::Drain { spool, sender, counters, state };
        let drain = tokio::spawn(drain.run(stop.clone()));
        Ok(Self { shared, stop, drain })
    }

    /// The routes for senders: `/webhooks` and what is below it. They need to know who connects: serve them with
    /// `into_make_service_with_connect_info::<SocketAddr>()`.
    pub fn router(&self) -> Router {
        server::router(Arc::clone(&self.shared))
    }

    /// The routes for operators: `/api/webhooks` and what is below it. Whoever mounts them decides who may use them.
    pub fn operators(&self) -> Router {
        server::operators(Arc::clone(&self.shared))
    }

    /// `/livez` and `/readyz`, of a gateway that stands alone.
    pub fn health(&self) -> Router {
        server::health(Arc::clone(&self.shared))
    }

    /// The figures for Prometheus; whoever has a registry takes them up. All begin with `system_bus_webhook_`.
    pub fn figures(&self) -> Box<dyn Collector> {
        Box::new(Figures(Arc::clone(&self.shared)))
    }

    /// The providers, and whether each can verify anything now.
    pub fn providers(&self) -> Vec<(String, bool)> {
        let ready =
            |provider: &Provider| (provider.name.clone(), provider.is_ready(&*self.shared.secrets));
        self.shared.providers.iter().map(ready).collect()
    }

    /// Stops handing events on. What waits is there at the next start; deliveries that still come are kept.
    pub async fn shutdown(self) {
        self.stop.cancel();
        // A panic in it was reported when it happened.
        drop(self.drain.await);
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").finish_non_exhaustive()
    }
}
