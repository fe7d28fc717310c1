//! An engine in this process, a worker in another, and runs that go through both.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use engine::{Data, Engine, Happening};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::{Process, folder_of, free_address};

/// How long the engine may take to hear of the worker, and a window to end.
const PATIENCE: Duration = Duration::from_mins(2);

/// An engine and its worker.
pub(crate) struct Site {
    worker: Process,
    engine: Engine,
    client: reqwest::Client,
    _folders: [TempDir; 2],
}

/// What one window showed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// From sending the event to the end of its run, median.
    pub(crate) took: Duration,
    /// Runs that ended in a second.
    pub(crate) a_second: f64,
    /// CPU time of the worker's process for a run.
    pub(crate) worker: Duration,
    /// CPU time of this process for a run.
    pub(crate) here: Duration,
}

impl Site {
    /// Starts both, and waits until the engine has the worker's functions.
    pub(crate) async fn start(transport: &str, checkpoints: bool) -> Self {
        let options = engine::Options {
            listen: free_address(),
            data: Data::Memory,
            ..engine::Options::default()
        };
        let engine = Engine::start(options).await.expect("an engine");
        let mut activity = engine.activity();
        let components = folder_of(&[guests::STEPS]);
        let state = tempfile::tempdir().expect("a folder");
        let versions = components.path().join("versions");
        let (listen, origin) = (free_address().to_string(), format!("http://{}", engine.address()));
        let args = [
            "worker",
            "--components",
            components.path().to_str().expect("text"),
            "--versions",
            versions.to_str().expect("text"),
            "--role",
            "cluster",
            "--state-dir",
            state.path().to_str().expect("text"),
            "--listen",
            &listen,
            "--app",
            "system-bus-bench",
            "--transport",
            transport,
            "--checkpoints",
            if checkpoints { "on" } else { "off" },
        ];
        let environment = [("INNGEST_DEV", origin.as_str()), ("INNGEST_EVENT_KEY", "bench")];
        let worker = Process::start(&args, &environment);
        let synced = async {
            while !matches!(
                activity.recv().await.expect("the engine lives").what,
                Happening::AppSynced { functions: 1.., .. }
            ) {}
        };
        tokio::time::timeout(PATIENCE, synced).await.expect("the worker is registered");
        Self { worker, engine, client: reqwest::Client::new(), _folders: [components, state] }
    }

    pub(crate) async fn stop(self) {
        drop(self.worker);
        self.engine.shutdown().await;
    }

    /// Makes so many runs, of which so many are under way at once.
    pub(crate) async fn runs(&self, count: usize, depth: usize) -> Measured {
        let mut activity = self.engine.activity();
        let (mut sent, mut under_way, mut took) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let (worker, here, began) = (self.worker.cpu(), cpu(), Instant::now());
        for _ in 0..depth.min(count) {
            self.send(&mut sent).await;
        }
        let mut left = count - depth.min(count);
        while took.len() < count {
            let told = tokio::time::timeout(PATIENCE, activity.recv()).await;
            let told = told.expect("the runs move").expect("none is missed");
            match (told.run, told.what) {
                (Some(run), Happening::RunScheduled { event }) => {
                    let at = sent.remove(&event.to_string()).expect("an event of ours");
                    under_way.insert(run, at);
                }
                (Some(run), Happening::RunCompleted { output }) => {
                    assert_eq!(output.get(), "[1,2,3,4,5]");
                    let at: Instant = under_way.remove(&run).expect("a run of ours");
                    took.push(at.elapsed());
                    if left > 0 {
                        left -= 1;
                        self.send(&mut sent).await;
                    }
                }
                (_, failed @ (Happening::RunFailed { .. } | Happening::CallFailed { .. })) => {
                    panic!("a run has failed: {failed:?}")
                }
                _ => {}
            }
        }
        let (elapsed, here) = (began.elapsed(), cpu().saturating_sub(here));
        let runs = u32::try_from(count).expect("few");
        took.sort_unstable();
        Measured {
            took: took[took.len() / 2],
            a_second: f64::from(runs) / elapsed.as_secs_f64(),
            worker: self.worker.cpu_since(&worker) / runs,
            here: here / runs,
        }
    }

    async fn send(&self, sent: &mut BTreeMap<String, Instant>) {
        let url = format!("http://{}/e/bench", self.engine.address());
        let event = json!({ "name": "testing/five.requested", "data": {} });
        let at = Instant::now();
        let answer = self.client.post(url).json(&event).send().await.expect("the engine answers");
        let answer: Value = answer.json().await.expect("JSON");
        let id = answer["ids"][0].as_str().unwrap_or_else(|| panic!("not sent: {answer}"));
        sent.insert(id.to_owned(), at);
    }
}

/// The CPU time that all threads of this process have used so far.
fn cpu() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().expect("time is not negative")
}
