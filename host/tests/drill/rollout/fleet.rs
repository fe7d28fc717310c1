//! Workers of one app that share their versions, and what is done to them.

use std::time::Duration;

use engine::{Data, Engine, GatewayOptions};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{WORKERS, Way};
use crate::address::Address;
use crate::counter::Counter;
use crate::process::{Process, folder_of, free_address};
use crate::server::{APP, Mode, Server};

/// How long nobody new is sent to a worker before it is told to stop: what a cluster takes to tell everybody.
const PAUSE: Duration = Duration::from_millis(300);

/// The workers, and what they need.
pub(super) struct Fleet {
    // First, so that no worker outlives what it needs.
    workers: Vec<Process>,
    way: Way,
    address: Address,
    server: Server,
    counter: Counter,
    components: TempDir,
    _engine: Engine,
    _data: TempDir,
    started: usize,
}

impl Fleet {
    /// All of them, once the server knows them.
    pub(super) async fn start(way: Way) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        // Short times, so that a drill is none of waiting.
        let gateway = GatewayOptions {
            listen: Some(free_address()),
            heartbeat_interval: Duration::from_millis(500),
            extend_lease_interval: Duration::from_millis(500),
            lease: Duration::from_secs(3),
            grace: Duration::from_millis(500),
            ..GatewayOptions::default()
        };
        let engine = Engine::start(engine::Options {
            listen: free_address(),
            data: Data::Dir(data.path().to_owned()),
            retry_interval: Some(Duration::from_millis(500)),
            gateway,
            ..engine::Options::default()
        });
        let engine = engine.await.expect("an engine");
        let mut fleet = Self {
            workers: Vec::new(),
            way,
            address: Address::start().await,
            server: Server::at(format!("http://{}", engine.address()), Mode::Dev),
            counter: Counter::start().await,
            components: folder_of(&[guests::STEPS]),
            _engine: engine,
            _data: data,
            started: 0,
        };
        for _ in 0..WORKERS {
            let worker = fleet.worker().await;
            fleet.workers.push(worker);
        }
        fleet
    }

    pub(super) fn origin(&self) -> &str {
        self.server.origin()
    }

    pub(super) fn counter(&self) -> &Counter {
        &self.counter
    }

    /// One more, once it is ready.
    async fn worker(&mut self) -> Process {
        self.started += 1;
        let (listen, instance) = (free_address().to_string(), format!("worker-{}", self.started));
        let versions = self.components.path().join("versions");
        let (components, versions) =
            (self.components.path().to_string_lossy(), versions.to_string_lossy());
        let mut args = vec![
            "worker",
            "--role",
            "cluster",
            "--app",
            APP,
            "--listen",
            &listen,
            "--components",
            &components,
            "--versions",
            &versions,
            "--watch",
            "off",
            "--allow-http",
            "http://127.0.0.1:*",
            "--memory-mib",
            "64",
            "--step-limit",
            "60s",
            "--drain",
            "20s",
        ];
        let own = self.address.origin();
        let mut environment = vec![("INNGEST_DEV", self.server.origin())];
        match self.way {
            Way::Connect => args.extend(["--transport", "connect", "--instance-id", &instance]),
            Way::Address => environment.push(("INNGEST_SERVE_ORIGIN", &own)),
        }
        let worker = Process::start(&args, &environment);
        self.server.registered(worker.address).await;
        self.address.add(worker.address);
        worker
    }

    /// Starts another one beside one, and then stops that in order.
    pub(super) async fn replace(&mut self, number: usize) {
        let new = self.worker().await;
        let mut old = std::mem::replace(&mut self.workers[number], new);
        self.address.remove(old.address);
        tokio::time::sleep(PAUSE).await;
        old.ask_to_stop();
        let status = old.ended().await;
        assert!(status.success(), "a worker that was told to stop ended with {status}");
    }

    /// `kill -9`, and another one.
    pub(super) async fn kill(&mut self, number: usize) {
        let old = self.workers.remove(number);
        let address = old.kill();
        self.address.remove(address);
        let new = self.worker().await;
        self.workers.insert(number, new);
    }

    /// One hangs. Nobody new is sent to it once it says no more that it is ready; then it is killed.
    pub(super) async fn hold(&mut self, number: usize, time: Duration) {
        let id = i32::try_from(self.workers[number].id()).expect("a process");
        let process = Pid::from_raw(id).expect("a process");
        kill_process(process, Signal::STOP).expect("a child of ours");
        tokio::time::sleep(time).await;
        self.kill(number).await;
    }
}
