//! A worker with the guest `steps` that connects, and a gate that holds its step bodies.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use protocol::signature::Trust;
use runtime::{Component, Generation, Limits, Runtime};
use tokio::net::TcpListener;
use tokio::sync::{OnceCell, Semaphore};
use worker::connect::{ConnectOptions, Transport};
use worker::{Options, Running, SyncState};

use crate::gateway::Gateway;
use crate::soon;

pub(crate) const APP: &str = "bus";

static COMPONENT: OnceCell<Arc<Component>> = OnceCell::const_new();

async fn load() -> Arc<Component> {
    let here = vec!["127.0.0.1:*".parse().expect("a destination")];
    let runtime = Runtime::new(Limits::default(), here).expect("an engine");
    let bytes = std::fs::read(guests::STEPS).expect("a built guest");
    Component::load(&runtime, "steps", bytes).await.expect("a component")
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
        transport: Transport::Connect(connect),
        drain: Duration::from_secs(20),
    }
}

pub(crate) async fn start(options: Options) -> Running {
    let mut generation = Generation::default();
    let component = COMPONENT.get_or_init(load).await;
    generation.add(Arc::clone(component)).expect("one component");
    Running::start(options, generation, Vec::new()).await.expect("a worker")
}

/// The functions of the guest.
pub(crate) async fn functions() -> Vec<protocol::function::FunctionConfig> {
    COMPONENT.get_or_init(load).await.functions().to_vec()
}

/// A worker that connects to this gateway.
pub(crate) async fn connected(gateway: &Gateway) -> Running {
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
