//! A worker with the guests `steps` and `clonable` that connects, and a gate that holds its step bodies.

use std::num::NonZeroU32;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use protocol::role::Role;
use protocol::signature::Trust;
use runtime::{Limits, Runtime};
use tokio::net::TcpListener;
use tokio::sync::{OnceCell, Semaphore};
use worker::connect::{ConnectOptions, Transport};
use worker::{Access, Options, Running, SyncState};

use crate::clone::Artifact;
use crate::deployed::{self, Deployed};
use crate::gateway::Gateway;
use crate::soon;

pub(crate) const APP: &str = "bus";

static RUNTIME: OnceCell<Runtime> = OnceCell::const_new();

async fn runtime() -> Runtime {
    let here = vec!["127.0.0.1:*".parse().expect("a destination")];
    deployed::engine(Limits::default(), here)
}

/// A worker and the components it serves.
pub(crate) struct Connected {
    running: Running,
    deployed: Deployed,
}

impl Deref for Connected {
    type Target = Running;

    fn deref(&self) -> &Running {
        &self.running
    }
}

impl Connected {
    pub(crate) async fn shutdown(self) {
        self.running.shutdown().await;
    }

    /// Takes a component with one function away.
    pub(crate) async fn serve_less(&self) {
        self.deployed.remove("clonable");
        self.deployed.reload().await;
    }

    /// Puts it back.
    pub(crate) async fn serve_all(&self) {
        self.deployed.place(guests::CLONABLE);
        self.deployed.reload().await;
    }

    /// Replaces it with code that declares the same.
    pub(crate) async fn serve_other_code(&self) {
        let before = self.deployed.registry.present().number();
        let other = Artifact::read(guests::CLONABLE).version("other");
        self.deployed.place_as("clonable", other.bytes());
        self.deployed.reload().await;
        assert_eq!(self.deployed.registry.present().number(), before + 1);
    }
}

/// The registry of a worker with nothing else.
pub(crate) async fn deployed() -> Deployed {
    let runtime = RUNTIME.get_or_init(runtime).await;
    Deployed::of(runtime, &[guests::STEPS, guests::CLONABLE]).await
}

/// How a worker connects to this gateway, unless a test wants it otherwise.
pub(crate) fn connect() -> ConnectOptions {
    ConnectOptions {
        instance: "one".parse().expect("an id"),
        gateway: None,
        concurrency: NonZeroU32::new(4).expect("not zero"),
        state_dir: None,
        reply_ack: Duration::from_secs(20),
    }
}

pub(crate) fn options(gateway: &Gateway, connect: ConnectOptions) -> Options {
    let origin: url::Url = format!("http://{}", gateway.api).parse().expect("an origin");
    Options {
        role: Role::Cluster,
        access: Access::nobody(),
        app: APP.parse().expect("an id"),
        app_version: None,
        listen: "127.0.0.1:0".parse().expect("an address"),
        trust: Trust::Dev,
        event_key: None,
        api_origin: origin.clone(),
        event_api_origin: origin,
        env: None,
        serve_origin: None,
        serve_path: None,
        in_band_sync: false,
        body_limit: worker::options::BODY_LIMIT,
        checkpoints: false,
        neighbours: Vec::new(),
        vault: None,
        look_again: Duration::from_mins(10),
        elected: None,
        transport: Transport::Connect(connect),
        drain: Duration::from_secs(20),
    }
}

pub(crate) async fn start(options: Options) -> Connected {
    let deployed = deployed().await;
    let running = Running::start(options, Arc::clone(&deployed.registry)).await.expect("a worker");
    Connected { running, deployed }
}

/// A worker that connects to this gateway.
pub(crate) async fn connected(gateway: &Gateway) -> Connected {
    start(options(gateway, connect())).await
}

/// Waits until the worker's registration is so.
pub(crate) async fn until(running: &Running, what: &str, is: impl FnMut(&SyncState) -> bool) {
    let mut state = running.sync_state();
    soon(what, state.wait_for(is)).await.expect("the worker lives");
}

/// Where step bodies report to; each waits until it is let through.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) url: String,
    arrived: Arc<Semaphore>,
    opened: Arc<Semaphore>,
}

impl Gate {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (arrived, opened) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let shared = (Arc::clone(&arrived), Arc::clone(&opened));
        let router = Router::new().route("/{step}", post(wait)).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, arrived, opened }
    }

    /// Waits until another body is at the gate.
    pub(crate) async fn reached(&self) {
        soon("a body at the gate", self.arrived.acquire()).await.expect("it stays").forget();
    }

    /// How many bodies have come to the gate and were not waited for.
    pub(crate) fn others(&self) -> usize {
        self.arrived.available_permits()
    }

    /// Lets one body through.
    pub(crate) fn open(&self) {
        self.opened.add_permits(1);
    }
}

async fn wait(State((arrived, opened)): State<(Arc<Semaphore>, Arc<Semaphore>)>) {
    arrived.add_permits(1);
    opened.acquire().await.expect("it stays").forget();
}

/// A folder and the path of the journal in it.
pub(crate) fn journal(dir: &Path) -> std::path::PathBuf {
    dir.join("one.journal")
}
