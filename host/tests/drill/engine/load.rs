//! Sends events, each until the engine has said that it is taken in.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::PATIENCE;
use crate::counter::Counter;

/// How many send at a time.
const SENDERS: usize = 8;

/// Events on their way.
pub(crate) struct Load {
    events: usize,
    senders: JoinSet<Vec<usize>>,
    progress: Arc<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    /// The next event to be sent.
    next: AtomicUsize,
    taken: AtomicUsize,
    /// Requests without an answer.
    repeated: AtomicUsize,
}

/// Events that were taken in.
#[derive(Debug)]
pub(crate) struct Sent {
    numbers: Vec<usize>,
    repeated: usize,
}

/// An event by its number, without its id.
pub(crate) type Make = Arc<dyn Fn(usize) -> Value + Send + Sync>;

/// What each sender needs.
#[derive(Clone)]
struct Sender {
    client: reqwest::Client,
    url: String,
    events: usize,
    make: Make,
    pace: Option<Duration>,
    began: Instant,
    progress: Arc<Progress>,
}

/// What the bodies of an event's run report themselves as, and its key: sent twice, it starts one run.
pub(crate) fn name(n: usize) -> String {
    format!("event-{n}")
}

impl Load {
    /// Begins to send. The bodies report to `counter` where there is one. With a pace one event is due after another.
    pub(crate) fn start(
        origin: &str,
        events: usize,
        counter: Option<&Counter>,
        pace: Option<Duration>,
    ) -> Self {
        let counter = counter.cloned();
        let make = move |n| {
            let mut data = json!({});
            if let Some(counter) = &counter {
                data["count"] = counter.url(&name(n)).into();
            }
            json!({"name": "testing/five.requested", "data": data})
        };
        Self::of(origin, events, pace, Arc::new(make))
    }

    /// The same with events of any kind; the id of each is its name by its number, [`name`].
    pub(crate) fn of(origin: &str, events: usize, pace: Option<Duration>, make: Make) -> Self {
        let progress = Arc::new(Progress::default());
        let sender = Sender {
            client: reqwest::Client::new(),
            url: format!("{origin}/e/drill"),
            events,
            make,
            pace,
            began: Instant::now(),
            progress: Arc::clone(&progress),
        };
        let senders = (0..SENDERS).map(|_| sender.clone().send_all()).collect();
        Self { events, senders, progress }
    }

    /// Whether everything has been taken in.
    pub(crate) fn is_sent(&self) -> bool {
        self.progress.taken.load(Ordering::Relaxed) == self.events
    }

    /// Waits until it has.
    pub(crate) async fn all_sent(self) -> Sent {
        let numbers = self.senders.join_all().await.into_iter().flatten().collect();
        Sent { numbers, repeated: self.progress.repeated.load(Ordering::Relaxed) }
    }
}

impl Sender {
    /// Sends what nobody else has begun to send; the numbers of what was taken in.
    async fn send_all(self) -> Vec<usize> {
        let mut sent = Vec::new();
        loop {
            let n = self.progress.next.fetch_add(1, Ordering::Relaxed);
            if n >= self.events {
                return sent;
            }
            if let Some(pace) = self.pace {
                let due = self.began + pace * u32::try_from(n).expect("not that many");
                tokio::time::sleep_until(due.into()).await;
            }
            self.until_taken_in(n).await;
            sent.push(n);
            self.progress.taken.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sends an event until the engine has answered with an id.
    async fn until_taken_in(&self, n: usize) {
        let mut event = (self.make)(n);
        event["id"] = name(n).into();
        let begun = Instant::now();
        loop {
            if self.once(&event).await.is_some() {
                return;
            }
            self.progress.repeated.fetch_add(1, Ordering::Relaxed);
            assert!(begun.elapsed() < PATIENCE, "the engine takes nothing in any more");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn once(&self, event: &Value) -> Option<String> {
        let answer = self.client.post(&self.url).json(event).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        answer["ids"][0].as_str().map(str::to_owned)
    }
}

impl Sent {
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// How many requests had no answer, and were made again.
    pub(crate) fn repeated(&self) -> usize {
        self.repeated
    }

    /// What the runs of these events report as.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.numbers.iter().copied().map(name)
    }
}
