//! A worker with the guests `steps` and `hostile`, and a client that speaks to it as the server does.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::signature::Trust;
use runtime::{Component, Generation, Limits, Runtime};
use serde_json::Value;
use tokio::sync::OnceCell;
use worker::{Options, Running};

use crate::call::{APP, Answer, CallTo, Request};
use crate::secrets::{self, EVENT_KEY, PRIMARY};
use crate::server::Server;
use crate::until;

/// A running worker.
pub(crate) struct Bus {
    pub(crate) running: Running,
    pub(crate) client: reqwest::Client,
    signs: bool,
}

/// Small enough to be exceeded without effort.
pub(crate) const BODY_LIMIT: usize = 64 << 10;

/// The options of a worker whose server listens at an address.
pub(crate) fn options(trust: Trust, server: SocketAddr) -> Options {
    let origin: url::Url = format!("http://{server}").parse().expect("an origin");
    Options {
        app: APP.parse().expect("an id"),
        app_version: None,
        listen: "127.0.0.1:0".parse().expect("an address"),
        trust,
        event_key: Some(EVENT_KEY.to_owned()),
        api_origin: origin.clone(),
        event_api_origin: origin,
        env: None,
        serve_origin: None,
        serve_path: None,
        in_band_sync: true,
        vault: None,
        body_limit: BODY_LIMIT,
        checkpoints: true,
        neighbours: Vec::new(),
        look_again: Duration::from_millis(20),
        transport: worker::connect::Transport::Serve,
        drain: worker::options::DRAIN,
    }
}

/// Compiled once for all tests.
static COMPONENTS: OnceCell<Vec<Arc<Component>>> = OnceCell::const_new();

static RUNTIME: OnceCell<Runtime> = OnceCell::const_new();

async fn runtime() -> Runtime {
    let limits = Limits {
        memory: 32 << 20,
        replay: Duration::from_secs(2),
        step: Duration::from_secs(20),
        ..Limits::default()
    };
    let here = vec!["127.0.0.1:*".parse().expect("a destination")];
    Runtime::new(limits, here).expect("an engine")
}

/// One more component, compiled for this test.
pub(crate) async fn component(guest: &str) -> Arc<Component> {
    let bytes = std::fs::read(guest).expect("a built guest");
    let name = Path::new(guest).file_stem().expect("a name").to_string_lossy();
    let runtime = RUNTIME.get_or_init(runtime).await;
    Component::load(runtime, &name, bytes).await.expect("a component")
}

async fn load() -> Vec<Arc<Component>> {
    let mut components = Vec::new();
    for guest in [guests::STEPS, guests::HOSTILE] {
        components.push(component(guest).await);
    }
    components
}

/// Both guests.
pub(crate) async fn generation() -> Generation {
    let mut generation = Generation::default();
    for component in COMPONENTS.get_or_init(load).await {
        generation.add(Arc::clone(component)).expect("functions of its own");
    }
    generation
}

impl Bus {
    /// Starts a worker, and waits for nothing.
    pub(crate) async fn start(options: Options) -> Self {
        let signs = options.trust != Trust::Dev;
        Self { signs, ..Self::with(options, generation().await).await }
    }

    /// The same with other components, and a client that signs nothing.
    pub(crate) async fn with(options: Options, generation: Generation) -> Self {
        secrets::collect();
        let running = Running::start(options, generation, Vec::new()).await.expect("a worker");
        // The server calls over a new connection each time.
        let client =
            reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        Self { running, client, signs: false }
    }

    /// A worker in development mode that its server has.
    pub(crate) async fn dev(server: &Server) -> Self {
        Self::start(options(Trust::Dev, server.address)).await.registered().await
    }

    /// A worker with both keys that its server has.
    pub(crate) async fn signed(server: &Server) -> Self {
        Self::start(options(secrets::trust(), server.address)).await.registered().await
    }

    /// Waits until its server has it.
    pub(crate) async fn registered(self) -> Self {
        self.until_state("synced").await;
        self
    }

    pub(crate) async fn send(&self, request: Request) -> Answer {
        let Request { method, path, body, headers } = request;
        let url = format!("http://{}{path}", self.running.address());
        let request = self.client.request(method, url).headers(headers).body(body);
        Answer::read(request.send().await.expect("an answer")).await
    }

    /// Makes a call, signed where that is needed.
    pub(crate) async fn call(&self, call: &CallTo<'_>) -> Answer {
        let request = call.request();
        self.send(if self.signs { request.signed(PRIMARY) } else { request }).await
    }

    pub(crate) async fn health(&self) -> Value {
        let answer = self.send(Request::new(reqwest::Method::GET, "/")).await;
        assert_eq!(answer.status, 200);
        answer.json()
    }

    /// Waits until its health names this state of registration.
    pub(crate) async fn until_state(&self, state: &str) {
        let what = format!("registration is {state}");
        until(&what, async || self.health().await["registration"]["state"] == state).await;
    }

    /// Whether it still does its work, whatever has come before.
    pub(crate) async fn assert_works(&self) {
        let answer = self.call(&CallTo::new("five")).await;
        assert_eq!(answer.op()["data"], 1, "{answer:?}");
    }

    /// Ends the test: it works, and nothing secret was logged by anybody.
    pub(crate) async fn end(self) {
        self.assert_works().await;
        self.running.shutdown().await;
        secrets::assert_kept_in_log();
    }
}
