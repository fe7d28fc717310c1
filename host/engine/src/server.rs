//! The engine as its user holds it: started, watched, stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::activity::Activity;
use crate::api;
use crate::caller::Caller;
use crate::driver::Driver;
use crate::entropy::Random;
use crate::error::EngineError;
use crate::gateway::{Gateway, Hub, listen};
use crate::machine::{Machine, Settings};
use crate::options::{Options, PageAccess};
use crate::store::Store;

/// How long requests may still take once the engine stops; the driver answers well before.
const LINGER: Duration = Duration::from_secs(4);

/// How many activities a slow listener may lag behind before it misses some.
const ACTIVITY_BACKLOG: usize = 4_096;

/// A running engine. Dropping it stops it; [`Engine::shutdown`] also waits until it has.
///
/// ```
/// # async fn example() -> Result<(), engine::EngineError> {
/// use engine::{Data, Engine, Happening, Options};
///
/// let data = Data::Dir(".system-bus".into());
/// let engine = Engine::start(Options { data, ..Options::default() }).await?;
/// let mut activity = engine.activity();
/// while let Ok(activity) = activity.recv().await {
///     if let Happening::RunCompleted { output } = activity.what {
///         tracing::info!(%output, "done");
///         break;
///     }
/// }
/// engine.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Engine {
    address: SocketAddr,
    gateway: SocketAddr,
    activity: broadcast::Sender<Activity>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Engine {
    /// Opens the state, binds the address and begins: overdue sleeps end and interrupted calls are made at once.
    pub async fn start(options: Options) -> Result<Self, EngineError> {
        check_loopback(options.listen)?;
        let kind = if options.signing_key.is_some() { "cloud" } else { "dev" };
        let dialled = options.gateway.listen.unwrap_or((options.listen.ip(), 0).into());
        let (dialled, gateway) = bind(dialled).await?;
        let gateway =
            Arc::new(Gateway::new(gateway, &options.gateway, options.signing_key.clone()));
        let key = options.signing_key.clone();
        let caller = Caller::new(key, kind, options.keep_alive, Arc::clone(&gateway))?;
        let workers = api::Workers::new(caller.client().clone());
        let data = options.data.clone();
        let opened = tokio::task::spawn_blocking(move || Store::open(&data)).await;
        let (store, records) = opened.map_err(|error| EngineError::Write(error.to_string()))??;
        let settings = Settings {
            retry_interval: options.retry_interval,
            call_concurrency: options.call_concurrency.max(1),
        };
        let machine = Machine::restore(settings, records, Timestamp::now())
            .map_err(|error| store.corrupt(&error))?;
        let (listener, address) = bind(options.listen).await?;

        let (activity, _) = broadcast::channel(ACTIVITY_BACKLOG);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (driver, handle) =
            Driver::new(machine, store, caller, activity.clone(), stop.clone(), options.tick);
        let access =
            api::Access { signing_key: options.signing_key, event_keys: options.event_keys, kind };
        let guarded = options.page == PageAccess::SigningKey;
        let page = api::Page::new(&mut Random::new(), guarded, workers, options.samples);
        let router = api::router(handle.clone(), Arc::clone(&gateway), access, page);
        let hub = Hub { gateway: Arc::clone(&gateway), engine: handle };
        tasks.spawn(serve(listener, router, stop.clone()));
        tasks.spawn(listen(dialled, hub, stop.clone()));
        tasks.spawn(driver.run());
        tasks.close();
        tracing::info!(
            %address,
            gateway = %gateway.address(),
            "the engine is for development, demos and tests only; production needs an Inngest server"
        );
        Ok(Self { address, gateway: gateway.address(), activity, stop, tasks })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where workers dial for Connect; the answer of `/v0/connect/start` tells them.
    pub fn gateway(&self) -> SocketAddr {
        self.gateway
    }

    /// Everything that happens from now on. A receiver that lags far behind misses some of it.
    pub fn activity(&self) -> broadcast::Receiver<Activity> {
        self.activity.subscribe()
    }

    /// Whether it has stopped by itself: its state can no longer be written, as the log says.
    pub fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Stops: no new call is made, the replies of those under way are awaited for three seconds (over Connect for as
    /// long as [`GatewayOptions::drain`](crate::GatewayOptions::drain) says), everything is stored, the file is closed.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

fn check_loopback(address: SocketAddr) -> Result<(), EngineError> {
    if address.ip().is_loopback() { Ok(()) } else { Err(EngineError::NotLoopback(address)) }
}

/// Listens on a loopback address; the address it has then.
async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), EngineError> {
    check_loopback(address)?;
    let refused = |reason| EngineError::Listen { address, reason };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// Serves the API until told to stop.
async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let serving =
        axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    let overdue = async {
        stop.cancelled().await;
        tokio::time::sleep(LINGER).await;
    };
    tokio::select! {
        ended = serving => {
            if let Err(error) = ended {
                tracing::error!("the engine's API has ended: {error}");
            }
        }
        () = overdue => tracing::warn!("requests that did not end were cut off"),
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
