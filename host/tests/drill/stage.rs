//! What the drills about versions play on: a server, workers that share their folders, and a counter that bodies report
//! to.

use serde_json::{Value, json};

use crate::clone::Artifact;
use crate::counter::Counter;
use crate::deploy::{Admin, Folders, Reloaded};
use crate::process::{Process, free_address};
use crate::server::{Ended, Mode, Server};

/// The name of the component that has the versions.
pub(crate) const COMPONENT: &str = "versioned";

/// The function whose runs move to the newest version that fits, and the one whose runs stay.
pub(crate) const MOVING: &str = "versioned";
pub(crate) const STAYING: &str = "versioned-pinned";

/// The stage.
pub(crate) struct Stage {
    // First, so that no worker outlives what it needs.
    pub(crate) workers: Vec<Process>,
    pub(crate) server: Server,
    pub(crate) counter: Counter,
    pub(crate) folders: Folders,
}

/// A run that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// What the counter calls it.
    pub(crate) name: String,
    /// The event that starts it.
    pub(crate) event: String,
}

impl Stage {
    /// A server with its own engine, and the first version in the folder of components.
    pub(crate) async fn start() -> Self {
        let stage = Self {
            server: Server::own(Mode::Dev),
            folders: Folders::new(),
            counter: Counter::start().await,
            workers: Vec::new(),
        };
        stage.place(&first());
        stage
    }

    /// Starts one more worker on the folders.
    pub(crate) async fn worker(&mut self, further: &[&str]) {
        let worker = self.started(further).await;
        self.workers.push(worker);
    }

    /// One more worker on the folders, once it is registered. Others may go on meanwhile.
    pub(crate) async fn started(&self, further: &[&str]) -> Process {
        let folders = self.folders.arguments();
        let mut arguments = vec!["--step-limit", "60s"];
        arguments.extend(folders.iter().map(String::as_str));
        arguments.extend_from_slice(further);
        let launch = self.server.launching(free_address(), &arguments);
        let worker = tokio::task::spawn_blocking(launch).await.expect("it starts");
        self.server.registered(worker.address).await;
        worker
    }

    /// The admin routes of a worker.
    pub(crate) fn admin(&self, worker: usize) -> Admin {
        Admin::of(self.workers[worker].address)
    }

    pub(crate) fn place(&self, version: &Artifact) {
        self.folders.place(version, COMPONENT);
    }

    /// Makes a version the active one, with every worker; returns when runs that begin now begin with it.
    pub(crate) async fn deploy(&self, version: &Artifact) -> Reloaded {
        self.place(version);
        let reloaded = self.admin(0).reload("").await;
        let verdict = reloaded.verdicts.get(COMPONENT).map(String::as_str);
        assert_eq!(verdict, Some("activated"), "{}", reloaded.body);
        let digest = protocol::digest::Digest::of(version.bytes()).to_string();
        self.has(MOVING, &digest).await;
        // What was written down takes effect a moment later, so that all who share the log know of it by then.
        let at =
            self.folders.activations().last().and_then(|line| line["at"].as_str()?.parse().ok());
        let at: jiff::Timestamp = at.expect("a line with a time");
        let left = at.duration_since(jiff::Timestamp::now());
        tokio::time::sleep(left.try_into().unwrap_or_default()).await;
        reloaded
    }

    /// Waits until every worker has this code for new runs of a function.
    pub(crate) async fn has(&self, function: &str, digest: &str) {
        for worker in 0..self.workers.len() {
            let admin = self.admin(worker);
            crate::eventually("the worker has the version", async || {
                (admin.function(function).await["digest"] == digest).then_some(())
            })
            .await;
        }
    }

    /// Asks for a run of a function that sleeps for so long in its middle.
    pub(crate) async fn ask(&self, function: &str, name: &str, nap_ms: u128) -> Asked {
        let data = json!({ "count": self.counter.url(name), "wait": nap_ms });
        let event = self.server.send(&format!("testing/{function}.requested"), &data).await;
        Asked { name: name.to_owned(), event }
    }

    /// The ends of runs.
    pub(crate) async fn ended(&self, asked: &[Asked]) -> Vec<Ended> {
        let mut all = Vec::with_capacity(asked.len());
        for one in asked {
            all.push(self.server.ended(&one.event).await);
        }
        all
    }
}

/// The version that everything begins with.
pub(crate) fn first() -> Artifact {
    Artifact::read(guests::VERSIONED)
}

/// A version with the same steps under another name.
pub(crate) fn same_as_first(version: &str) -> Artifact {
    first().version(version)
}

/// What a run returns of which each step was run by such a version, as in `["1.one", "1.two", "2.three"]`.
pub(crate) fn told(steps: &[(&str, &str)]) -> Value {
    steps.iter().map(|(version, step)| format!("{version}.{step}")).collect()
}
