//! What there is, and what happens to it.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tempfile::TempDir;

use super::Misfortune;
use crate::address::{Address, Passage};
use crate::counter::Counter;
use crate::engine::load::{self, Make, Sent};
use crate::process::{Process, folder_of, free_address};
use crate::server::{Mode, Server};
use crate::store::Store;

/// How many workers of each kind there are.
const WORKERS: u64 = 2;

/// Two workers for a host, which one address stands before and which need Redis; two for a cluster, which dial.
pub(super) struct World {
    // First, so that no worker outlives what it needs.
    hosts: Vec<Process>,
    clusters: Vec<Process>,
    address: Address,
    server: Server,
    store: Store,
    counter: Counter,
    folder: TempDir,
    components: [TempDir; 2],
}

impl World {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let (store, counter) = (Store::start().await, Counter::start().await);
        let grants = format!(
            "[redis]\nurl = \"{}\"\nwithin = \"1s\"\n[components.uses-outage]\nredis = {{}}\n\
             http = [{{ to = \"{}**\", private = true }}]\n",
            store.url(),
            counter.url(""),
        );
        std::fs::write(folder.path().join("grants.toml"), grants).expect("written");
        let mut world = Self {
            hosts: Vec::new(),
            clusters: Vec::new(),
            address: Address::start().await,
            server: Server::own(Mode::Dev),
            store,
            counter,
            folder,
            components: [folder_of(&[guests::USES_OUTAGE]), folder_of(&[guests::STEPS])],
        };
        for _ in 0..WORKERS {
            let (host, cluster) = (world.host(), world.cluster());
            world.server.registered(host.address).await;
            world.server.registered(cluster.address).await;
            world.hosts.push(host);
            world.clusters.push(cluster);
        }
        world
    }

    pub(super) fn origin(&self) -> &str {
        self.server.origin()
    }

    /// Steps in a row, a step that fails once, a sleep, and writes to Redis, in turn.
    pub(super) fn events(&self) -> Make {
        let counter = self.counter.napping(Duration::from_millis(20));
        Arc::new(move |n| {
            let name = load::name(n);
            let count = counter.url(&name);
            match n % 4 {
                0 => json!({"name": "testing/five.requested", "data": {"count": count}}),
                1 => {
                    json!({"name": "testing/keeps.requested", "data": {"count": count, "name": name}})
                }
                2 => {
                    json!({"name": "testing/retried.requested", "data": {"count": count, "failures": 1}})
                }
                _ => {
                    json!({"name": "testing/slept.requested", "data": {"count": count, "wait": 300}})
                }
            }
        })
    }

    /// How many bodies ran, and how many of them had run before and had not failed by themselves.
    pub(super) fn bodies(&self, sent: &Sent) -> String {
        let mut again = 0;
        for name in sent.names() {
            let n: usize = name.trim_start_matches("event-").parse().expect("a number");
            // What fails by itself is reported each time.
            if matches!(n % 4, 0 | 3) {
                let counts = self.counter.counts(&name);
                again += counts.values().map(|count| count.saturating_sub(1)).sum::<u32>();
            }
        }
        format!("{}, {again}", self.counter.total())
    }

    /// One thing happens, and is mended.
    pub(super) async fn suffer(&mut self, what: Misfortune, time: Duration, which: u64) {
        let which = usize::try_from(which % WORKERS).expect("one of them");
        match what {
            Misfortune::EngineKilled => self.server.kill_and_restart(),
            Misfortune::EngineAway => self.server.away_for(time).await,
            Misfortune::HostKilled => {
                let old = self.hosts.remove(which);
                self.address.remove(old.address);
                old.kill();
                let new = self.host();
                self.hosts.insert(which, new);
            }
            Misfortune::ClusterKilled => {
                self.clusters.remove(which).kill();
                let new = self.cluster();
                self.clusters.insert(which, new);
            }
            Misfortune::HostHeld => held(&self.hosts[which], time).await,
            Misfortune::ClusterHeld => held(&self.clusters[which], time).await,
            Misfortune::RedisKilled => {
                self.store.kill();
                tokio::time::sleep(time).await;
                self.store.resume().await;
            }
            Misfortune::RedisHeld => {
                self.store.freeze();
                tokio::time::sleep(time).await;
                self.store.thaw();
            }
            Misfortune::Cut => self.way(Passage::Cut, time).await,
            Misfortune::Slowed => self.way(Passage::Slow(Duration::from_millis(200)), time).await,
        }
    }

    async fn way(&self, passage: Passage, time: Duration) {
        self.address.becomes(passage);
        tokio::time::sleep(time).await;
        self.address.becomes(Passage::Free);
    }

    fn host(&self) -> Process {
        let grants = self.folder.path().join("grants.toml").to_string_lossy().into_owned();
        let own = self.address.origin();
        let further = ["--role", "host", "--grants", &grants];
        let worker = self.worker(0, &further, &[("INNGEST_SERVE_ORIGIN", &own)]);
        self.address.add(worker.address);
        worker
    }

    fn cluster(&self) -> Process {
        let further =
            ["--role", "cluster", "--transport", "connect", "--allow-http", "http://127.0.0.1:*"];
        self.worker(1, &further, &[])
    }

    fn worker(&self, components: usize, further: &[&str], also: &[(&str, &str)]) -> Process {
        let components = self.components[components].path();
        let (versions, components) = (components.join("versions"), components.to_string_lossy());
        let (versions, listen) = (versions.to_string_lossy(), free_address().to_string());
        let own = [
            "worker",
            "--listen",
            &listen,
            "--components",
            &components,
            "--versions",
            &versions,
            "--watch",
            "off",
            "--memory-mib",
            "64",
            "--step-limit",
            "60s",
        ];
        let environment = [&[("INNGEST_DEV", self.server.origin())], also].concat();
        Process::start(&[&own[..], further].concat(), &environment)
    }
}

async fn held(worker: &Process, time: Duration) {
    let process = Pid::from_raw(i32::try_from(worker.id()).expect("a process")).expect("a process");
    kill_process(process, Signal::STOP).expect("a child of ours");
    tokio::time::sleep(time).await;
    kill_process(process, Signal::CONT).expect("a child of ours");
}
