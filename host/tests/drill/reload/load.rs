//! Calls at a steady rate, each of a run of two steps, straight to the worker.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::Value;
use tokio::sync::{Mutex as Turn, watch};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::call::{Answer, LoneRun};
use crate::server::APP;
use crate::stage::STAYING;

/// How many runs are under way at once: enough for the rate when a call takes a tenth of a second.
const RUNS_AT_ONCE: usize = 50;

/// A load that is under way.
pub(super) struct Load {
    stop: watch::Sender<bool>,
    clients: Vec<tokio::task::JoinHandle<()>>,
    served: Arc<Mutex<Served>>,
    began: Instant,
}

/// What became of the calls.
#[derive(Debug, Default)]
pub(super) struct Served {
    pub(super) calls: usize,
    pub(super) runs: usize,
    pub(super) handed_back: usize,
    /// What calls were answered with that should have been answered with a step.
    pub(super) failed: Vec<String>,
    /// The two results of runs whose steps were run by different versions.
    pub(super) mixed: Vec<(String, String)>,
    /// The versions that ran a step.
    pub(super) versions: BTreeSet<String>,
    took: Duration,
}

impl Served {
    pub(super) fn a_second(&self) -> f64 {
        let calls = u32::try_from(self.calls).unwrap_or(u32::MAX);
        f64::from(calls) / self.took.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

impl Load {
    pub(super) fn start(worker: SocketAddr, calls_a_second: u32) -> Self {
        let (stop, stopped) = watch::channel(false);
        let served = Arc::new(Mutex::new(Served::default()));
        let mut pace = interval(Duration::from_secs(1) / calls_a_second);
        // What was late is made up for, so that the rate holds over the whole time.
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let pace = Arc::new(Turn::new(pace));
        let client = reqwest::Client::new();
        let one = |_| {
            let client = Client {
                worker,
                http: client.clone(),
                pace: Arc::clone(&pace),
                served: Arc::clone(&served),
            };
            tokio::spawn(client.run_until(stopped.clone()))
        };
        let clients = (0..RUNS_AT_ONCE).map(one).collect();
        Self { stop, clients, served, began: Instant::now() }
    }

    /// How many versions have served so far.
    pub(super) fn versions(&self) -> usize {
        self.served.lock().expect("no panic").versions.len()
    }

    /// Ends the load; what it was answered with.
    pub(super) async fn stop(self) -> Served {
        let took = self.began.elapsed();
        self.stop.send_replace(true);
        for client in join_all(self.clients).await {
            client.expect("no client panics");
        }
        let mut served = std::mem::take(&mut *self.served.lock().expect("no panic"));
        served.took = took;
        served
    }
}

struct Client {
    worker: SocketAddr,
    http: reqwest::Client,
    pace: Arc<Turn<Interval>>,
    served: Arc<Mutex<Served>>,
}

impl Client {
    async fn run_until(self, stopped: watch::Receiver<bool>) {
        while !*stopped.borrow() {
            let mut run = LoneRun::begin(self.worker, APP, STAYING);
            let Some(one) = self.step(&run, "one").await else { continue };
            run.remember("one", Value::from(format!("{one}.one")));
            let Some(two) = self.step(&run, "two").await else { continue };
            let mut served = self.served.lock().expect("no panic");
            served.runs += 1;
            if one != two {
                served.mixed.push((one.clone(), two.clone()));
            }
            served.versions.extend([one, two]);
        }
    }

    /// Has the run's next step run; by which version. None: the call has failed, which is noted.
    async fn step(&self, run: &LoneRun, step: &str) -> Option<String> {
        loop {
            self.pace.lock().await.tick().await;
            let answer = run.call(&self.http).await;
            let mut served = self.served.lock().expect("no panic");
            served.calls += 1;
            let fault = match answer {
                Ok(Answer::HandedBack) => {
                    served.handed_back += 1;
                    continue;
                }
                Ok(Answer::Ran(result)) => {
                    match result.as_str().and_then(|result| result.rsplit_once('.')) {
                        Some((version, ran)) if ran == step => return Some(version.to_owned()),
                        _ => format!("{step} ended with {result}"),
                    }
                }
                Ok(other) => format!("{step}: {other:?}"),
                Err(error) => format!("{step}: {error}"),
            };
            served.failed.push(fault);
            return None;
        }
    }
}
