//! A worker with the guests `steps` and `hostile`, and a client that speaks to it as the server does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use protocol::role::Role;
use protocol::signature::Trust;
use runtime::{Limits, Runtime};
use serde_json::Value;
use tokio::sync::OnceCell;
use worker::{Access, Options, Running};

use crate::call::{APP, Answer, CallTo, Request};
use crate::deployed::{self, Deployed};
use crate::secrets::{self, EVENT_KEY, PRIMARY};
use crate::server::Server;
use crate::until;

/// A running worker.
pub(crate) struct Bus {
    pub(crate) running: Running,
    pub(crate) deployed: Deployed,
    pub(crate) client: reqwest::Client,
    signs: bool,
}

/// Small enough to be exceeded without effort.
pub(crate) const BODY_LIMIT: usize = 64 << 10;

/// The options of a worker whose server listens at an address.
pub(crate) fn options(trust: Trust, server: SocketAddr) -> Options {
    let origin: url::Url = format!("http://{server}").parse().expect("an origin");
    Options {
        role: Role::Cluster,
        access: Access::loopback(),
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
        elected: None,
        look_again: Duration::from_millis(20),
        transport: worker::connect::Transport::Serve,
        drain: worker::options::DRAIN,
    }
}

static RUNTIME: OnceCell<Runtime> = OnceCell::const_new();

/// The engine of all tests.
pub(crate) async fn runtime() -> &'static Runtime {
    RUNTIME.get_or_init(async || make_runtime()).await
}

fn make_runtime() -> Runtime {
    let limits = Limits {
        memory: 32 << 20,
        replay: Duration::from_secs(2),
        step: Duration::from_secs(20),
        ..Limits::default()
    };
    let here = vec!["127.0.0.1:*".parse().expect("a destination")];
    deployed::engine(limits, here)
}

/// The guests of most tests.
pub(crate) const GUESTS: [&str; 2] = [guests::STEPS, guests::HOSTILE];

/// Guests in a registry of their own.
pub(crate) async fn deployed(guests: &[&str]) -> Deployed {
    Deployed::of(runtime().await, guests).await
}

impl Bus {
    /// Starts a worker, and waits for nothing.
    pub(crate) async fn start(options: Options) -> Self {
        let signs = options.trust != Trust::Dev;
        Self { signs, ..Self::with(options, deployed(&GUESTS).await).await }
    }

    /// The same with other components, and a client that signs nothing.
    pub(crate) async fn with(options: Options, deployed: Deployed) -> Self {
        secrets::collect();
        let registry = Arc::clone(&deployed.registry);
        let running = Running::start(options, registry).await.expect("a worker");
        // The server calls over a new connection each time.
        let client =
            reqwest::Client::builder().pool_max_idle_per_host(0).build().expect("a client");
        Self { running, deployed, client, signs: false }
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
