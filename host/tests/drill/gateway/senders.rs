//! Who sends the deliveries: each until it was accepted, as senders do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gateway::testing::signed;
use serde_json::json;
use tokio::task::JoinSet;

use crate::PATIENCE;

/// How many send at a time.
const SENDERS: usize = 128;

/// How many deliveries a second, and how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) rate: u32,
    pub(super) seconds: u32,
}

impl Pace {
    /// All deliveries.
    pub(super) fn all(self) -> usize {
        (self.rate * self.seconds) as usize
    }
}

/// What the senders were told.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The numbers of the deliveries that were accepted.
    pub(super) accepted: Vec<u64>,
    /// How many were sent again.
    pub(super) repeated: u64,
    /// How many answers were no acceptance.
    pub(super) refused: u64,
    /// How long each request took that was accepted; sorted.
    took: Vec<Duration>,
    /// How long after it was due each was begun.
    behind: Vec<Duration>,
}

impl Told {
    pub(super) fn percentile(&self, percent: usize) -> Duration {
        let last = self.took.len().saturating_sub(1);
        self.took.get(last * percent / 100).copied().unwrap_or_default()
    }

    /// How many were begun that much later than they were due.
    pub(super) fn late(&self, than: Duration) -> usize {
        self.behind.iter().filter(|behind| **behind > than).count()
    }
}

/// Deliveries on their way.
pub(super) struct Senders(JoinSet<Told>);

impl Senders {
    pub(super) fn start(gateway: SocketAddr, pace: Pace) -> Self {
        let (next, began) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let client =
            reqwest::Client::builder().timeout(Duration::from_secs(5)).build().expect("a client");
        let send = |_| send(client.clone(), gateway, pace, Arc::clone(&next), began);
        Self((0..SENDERS).map(send).collect())
    }

    /// Waits until all were accepted.
    pub(super) async fn ended(self) -> Told {
        let mut all = Told::default();
        for told in self.0.join_all().await {
            all.accepted.extend(told.accepted);
            all.took.extend(told.took);
            all.behind.extend(told.behind);
            all.repeated += told.repeated;
            all.refused += told.refused;
        }
        all.took.sort_unstable();
        all
    }
}

/// Sends what nobody else has begun to send.
async fn send(
    client: reqwest::Client,
    gateway: SocketAddr,
    pace: Pace,
    next: Arc<AtomicU64>,
    began: Instant,
) -> Told {
    let mut told = Told::default();
    let url = format!("http://{gateway}/webhooks/github");
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= pace.all() as u64 {
            return told;
        }
        let due = began + Duration::from_secs(number) / pace.rate;
        tokio::time::sleep_until(due.into()).await;
        told.behind.push(due.elapsed());
        let body = json!({
            "action": "completed",
            "workflow_run": {"id": number, "name": "CI", "conclusion": "success", "head_branch": "main"},
            "repository": {"full_name": "owner/name"},
        });
        let signed = signed("github", body.to_string().as_bytes(), 0);
        let first = Instant::now();
        let mut tries = 0_u64;
        loop {
            let mut request = client.post(&url).body(signed.body.clone());
            for (name, value) in &signed.headers {
                request = request.header(*name, value);
            }
            let request = request
                .header("x-github-event", "workflow_run")
                .header("x-github-delivery", number.to_string());
            let sent = Instant::now();
            tries += 1;
            match request.send().await {
                Ok(answer) if answer.status().is_success() => {
                    told.accepted.push(number);
                    told.took.push(sent.elapsed());
                    told.repeated += u64::from(tries > 1);
                    break;
                }
                Ok(_) => told.refused += 1,
                // It was killed in the middle of it, or is not there yet.
                Err(_) => {}
            }
            if first.elapsed() > PATIENCE {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
