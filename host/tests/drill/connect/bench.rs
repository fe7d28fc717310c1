//! What the scenes play on: an engine with short times, a network that can break, a worker process that connects.

use std::net::SocketAddr;
use std::time::Duration;

use engine::{Data, Engine, GatewayOptions};
use futures::StreamExt;
use serde_json::json;
use tempfile::TempDir;

use crate::counter::Counter;
use crate::gateway_proxy::Network;
use crate::process::{Process, folder_of, free_address};
use crate::server::{Ended, Mode, Server};

/// Everything between a run and the bodies of its steps.
pub(crate) struct Bench {
    options: engine::Options,
    engine: Option<Engine>,
    pub(crate) server: Server,
    pub(crate) network: Network,
    pub(crate) counter: Counter,
    pub(crate) worker: Option<Process>,
    components: TempDir,
    state: TempDir,
    _data: TempDir,
}

/// How long the engine's leases are here: a call that nobody extends is given up after that and a moment more.
pub(crate) const LEASE: Duration = Duration::from_secs(3);

impl Bench {
    pub(crate) async fn start() -> Self {
        let mut bench = Self::without_worker(GatewayOptions::default().session_life).await;
        bench.start_worker().await;
        bench
    }

    pub(crate) async fn without_worker(session_life: Duration) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        let gateway = GatewayOptions {
            listen: Some(free_address()),
            heartbeat_interval: Duration::from_millis(300),
            extend_lease_interval: Duration::from_millis(500),
            lease: LEASE,
            grace: Duration::from_millis(500),
            session_life,
            ..GatewayOptions::default()
        };
        let options = engine::Options {
            listen: free_address(),
            data: Data::Dir(data.path().to_owned()),
            retry_interval: Some(Duration::from_millis(200)),
            gateway,
            ..engine::Options::default()
        };
        let engine = Engine::start(options.clone()).await.expect("an engine");
        Self {
            network: Network::to(engine.gateway()).await,
            server: Server::at(format!("http://{}", engine.address()), Mode::Dev),
            engine: Some(engine),
            options,
            counter: Counter::start().await,
            worker: None,
            components: folder_of(&[guests::STEPS]),
            state: tempfile::tempdir().expect("a folder"),
            _data: data,
        }
    }

    /// Starts a worker that connects through the network, and waits until it is registered.
    pub(crate) async fn start_worker(&mut self) {
        let worker = self.launch(&self.state);
        self.server.registered(worker.address).await;
        self.worker = Some(worker);
    }

    /// Another worker with this state folder, and with that another instance.
    pub(crate) fn launch(&self, state: &TempDir) -> Process {
        let listen = free_address().to_string();
        let versions = self.components.path().join("versions");
        let (components, versions) =
            (self.components.path().to_string_lossy(), versions.to_string_lossy());
        let state = state.path().to_string_lossy();
        let args = [
            "worker",
            "--components",
            &components,
            "--versions",
            &versions,
            "--watch",
            "off",
            "--role",
            "cluster",
            "--listen",
            &listen,
            "--app",
            "system-bus-e2e",
            "--allow-http",
            "http://127.0.0.1:*",
            "--memory-mib",
            "64",
            "--step-limit",
            "60s",
            "--checkpoints",
            "off",
            "--transport",
            "connect",
            "--max-concurrency",
            "64",
            "--state-dir",
            &state,
        ];
        let gateway = format!("ws://{}/v0/connect", self.network.address);
        let environment = [
            ("INNGEST_DEV", self.server.origin()),
            ("INNGEST_CONNECT_GATEWAY_URL", gateway.as_str()),
        ];
        Process::start(&args, &environment)
    }

    pub(crate) fn worker(&self) -> SocketAddr {
        self.worker.as_ref().expect("a worker").address
    }

    /// Stops the engine in order, and starts it again with what it had.
    pub(crate) async fn restart_engine(&mut self) {
        self.engine.take().expect("an engine").shutdown().await;
        // Its port may linger for a moment.
        let engine = crate::eventually("the engine is back", async || {
            Engine::start(self.options.clone()).await.ok()
        });
        self.engine = Some(engine.await);
    }

    /// Makes these runs, at most 64 at once, and waits for the end of each.
    pub(crate) async fn runs(&self, names: &[String]) -> Vec<Ended> {
        let one = async |name: &String| {
            let data = json!({ "count": self.counter.url(name) });
            let event = self.server.send("testing/five.requested", &data).await;
            self.server.ended(&event).await
        };
        futures::stream::iter(names).map(one).buffer_unordered(64).collect().await
    }

    /// How often a body ran that had run before, in all of these runs.
    pub(crate) fn repeats(&self, names: &[String]) -> u32 {
        let of = |name: &String| -> u32 {
            self.counter.counts(name).values().map(|count| count.saturating_sub(1)).sum()
        };
        names.iter().map(of).sum()
    }
}
