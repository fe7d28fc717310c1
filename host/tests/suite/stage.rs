//! Where the functions of one guest are tried: a server, a worker, and a counter that their bodies report to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::way::Way;
use crate::counter::Counter;
use crate::process::{Process, folder_of, free_address};
use crate::server::{Ended, Server};

/// A stage for the functions of one guest.
pub(crate) struct Stage {
    worker: Process,
    pub(crate) counter: Counter,
    pub(crate) server: Server,
    /// The functions that were tried.
    tried: Mutex<BTreeSet<String>>,
    runs: AtomicU32,
    _components: tempfile::TempDir,
}

/// What was tried on a stage.
#[allow(dead_code, reason = "a test passes or fails; a drill has figures")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tally {
    /// Functions tried.
    pub(crate) functions: usize,
    /// Runs that were asked for and ended.
    pub(crate) runs: u32,
    /// Bodies of steps that ran and reported it, each as often as it did.
    pub(crate) bodies: u32,
}

impl Stage {
    /// Starts a worker with a guest in this way.
    pub(crate) async fn start(guest: &str, way: Way, server: Server) -> Self {
        let counter = Counter::start().await;
        let components = folder_of(&[guest]);
        let further = [&["--step-limit", "60s"], &way.arguments()[..]].concat();
        let worker = server.worker_with(&components, free_address(), &further).await;
        let (tried, runs) = (Mutex::default(), AtomicU32::new(0));
        Self { worker, counter, server, tried, runs, _components: components }
    }

    /// Asks for a run of a function; the event's id.
    pub(crate) async fn ask(&self, function: &str, mut data: Value) -> String {
        self.tries(function);
        data["count"] = self.counter.url(function).into();
        self.server.send(&format!("testing/{function}.requested"), &data).await
    }

    /// Notes a function that is not asked for by an event of its own.
    pub(crate) fn tries(&self, function: &str) {
        self.tried.lock().expect("no panic").insert(function.to_owned());
    }

    /// A run of a function, to its end.
    pub(crate) async fn run(&self, function: &str, data: Value) -> Ended {
        self.ended(&self.ask(function, data).await).await
    }

    /// The end of the run that an event starts.
    pub(crate) async fn ended(&self, event: &str) -> Ended {
        self.any_ended(&[event.to_owned()]).await
    }

    /// The end of the one run that several events start together.
    pub(crate) async fn any_ended(&self, events: &[String]) -> Ended {
        let ended = self.server.any_ended(events).await;
        self.runs.fetch_add(1, Ordering::Relaxed);
        ended
    }

    /// A run that completes with this result, and these bodies, each so often.
    pub(crate) async fn completes(
        &self,
        function: &str,
        data: Value,
        result: Value,
        bodies: &[(&str, u32)],
    ) {
        assert_eq!(self.run(function, data).await.result(), result, "{function}");
        for (body, times) in bodies {
            // What the run set going may still be under way.
            self.counter.reached(function, body, *times).await;
        }
        self.bodies(function, bodies);
    }

    /// So often each body of a function has run, and no other.
    pub(crate) fn bodies(&self, function: &str, bodies: &[(&str, u32)]) {
        let expected: BTreeMap<String, u32> =
            bodies.iter().map(|(body, times)| ((*body).to_owned(), *times)).collect();
        assert_eq!(self.counter.counts(function), expected, "{function}");
    }

    /// A run that fails with an error of this name, which says this.
    pub(crate) async fn fails(&self, function: &str, name: &str, message: &str) {
        let ended = self.run(function, json!({})).await;
        assert_eq!(ended.status, "Failed", "{function}");
        let output = ended.output.to_string();
        assert!(output.contains(name) && output.contains(message), "{function}: {output}");
    }

    /// Does something again and again until a run has ended: what it does may come before the run waits for it.
    pub(crate) async fn until_ended(&self, event: &str, mut act: impl AsyncFnMut()) -> Ended {
        let acting = async {
            loop {
                act().await;
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
        };
        tokio::select! {
            ended = self.ended(event) => ended,
            () = acting => unreachable!("it acts for ever"),
        }
    }

    /// What was tried. Fails when the worker has a function that was not, apart from these.
    pub(crate) async fn tally(self, apart_from: &[&str]) -> Tally {
        let health = self.server.health(self.worker.address).await;
        let mut left: BTreeSet<String> =
            serde_json::from_value(health["functions"].clone()).expect("names");
        assert!(!left.is_empty(), "the worker has functions: {health}");
        let tried = self.tried.into_inner().expect("no panic");
        left.retain(|function| !tried.contains(function) && !apart_from.contains(&&**function));
        assert!(left.is_empty(), "these functions were not tried: {left:?}");
        Tally { functions: tried.len(), runs: self.runs.into_inner(), bodies: self.counter.total() }
    }
}
