//! What became of the events, as the engine's API tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::STEPS;
use super::load::Sent;

/// How many requests are under way at a time.
const READERS: usize = 8;

/// How long nothing may end before the drill gives up.
const STANDSTILL: Duration = Duration::from_mins(3);

/// The runs of all events together.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Runs that there are, of whatever event.
    pub(crate) runs: usize,
    pub(crate) completed: usize,
    /// Steps that ended, and those of them that did so more than once.
    pub(crate) steps: usize,
    pub(crate) steps_twice: usize,
    /// From the moment in which the event was taken in to the end of the run, sorted.
    took: Vec<Duration>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// Waits until no run is left that has not ended.
pub(crate) async fn until_all_have_ended(origin: &str) {
    let client = reqwest::Client::new();
    let url = format!("{origin}/v2/runs?status=RUNNING&status=QUEUED&limit=100");
    let mut last = (Value::Null, Instant::now());
    loop {
        if let Some(page) = read(&client, &url).await {
            let left = page["data"].clone();
            if left == json!([]) {
                return;
            }
            if left != last.0 {
                last = (left, Instant::now());
            }
        }
        assert!(last.1.elapsed() < STANDSTILL, "nothing ends any more: {}", last.0);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn read(client: &reqwest::Client, url: &str) -> Option<Value> {
    client.get(url).send().await.ok()?.json().await.ok()
}

impl Found {
    /// Reads the run of each event, its steps and its times.
    pub(crate) async fn read(origin: &str, sent: &Sent) -> Self {
        let client = reqwest::Client::new();
        // An event that was sent twice has two ids, of which one started the run: so runs are read, not events.
        let mut keys: BTreeMap<String, usize> = BTreeMap::new();
        let mut found = Self::default();
        let mut cursor = None::<String>;
        let mut ids = Vec::new();
        loop {
            let after = cursor.map_or(String::new(), |cursor| format!("&cursor={cursor}"));
            let page = read(&client, &format!("{origin}/v2/runs?limit=100{after}")).await;
            let page = page.expect("a page of runs");
            let runs = page["data"].as_array().expect("runs").iter();
            ids.extend(runs.filter_map(|run| run["id"].as_str().map(str::to_owned)));
            cursor = page["page"]["cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                break;
            }
        }
        found.runs = ids.len();
        let details = stream::iter(ids).map(|id| {
            let client = &client;
            async move {
                let run = read(client, &format!("{origin}/v1/runs/{id}")).await.expect("a run");
                let trace = read(client, &format!("{origin}/v2/runs/{id}/trace")).await;
                let event = run["data"]["event_id"].as_str().expect("an event").to_owned();
                let event = read(client, &format!("{origin}/v1/events/{event}")).await;
                (run, trace.expect("a trace"), event.expect("an event"))
            }
        });
        let mut details = details.buffer_unordered(READERS);
        while let Some((run, trace, event)) = details.next().await {
            *keys.entry(event["data"]["id"].to_string()).or_default() += 1;
            found.count(&run["data"], &trace["data"]["rootSpan"], &event["data"]);
        }
        let wanted: BTreeSet<String> = sent.names().map(|name| json!(name).to_string()).collect();
        let once = keys.iter().filter(|(key, runs)| wanted.contains(*key) && **runs == 1).count();
        // What is not there exactly once did not complete as it should.
        found.completed = found.completed.min(once);
        found.took.sort_unstable();
        found
    }

    fn count(&mut self, run: &Value, span: &Value, event: &Value) {
        if run["status"] == "Completed" && run["output"] == json!([1, 2, 3, 4, 5]) {
            self.completed += 1;
        }
        let children = span["children"].as_array().map(Vec::as_slice).unwrap_or_default();
        let different: BTreeSet<_> =
            children.iter().filter_map(|child| child["stepId"].as_str()).collect();
        self.steps += children.len();
        self.steps_twice += children.len() - different.len();
        let at = |json: &Value| json.as_str()?.parse::<Timestamp>().ok();
        if let (Some(came), Some(ended)) = (at(&event["received_at"]), at(&span["endedAt"])) {
            self.took.push(Duration::try_from(ended.duration_since(came)).unwrap_or_default());
            self.first = Some(self.first.map_or(came, |first| first.min(came)));
            self.last = Some(self.last.map_or(ended, |last| last.max(ended)));
        }
    }

    /// Runs a second, from the first event to the last end.
    pub(crate) fn a_second(&self) -> f64 {
        let (Some(first), Some(last)) = (self.first, self.last) else { return 0.0 };
        let seconds = last.duration_since(first).as_secs_f64();
        f64::from(u32::try_from(self.completed).unwrap_or(u32::MAX)) / seconds.max(0.001)
    }

    /// In how long so many of a hundred runs had ended, counted from their events.
    pub(crate) fn latency(&self, share: usize) -> Duration {
        let at = (self.took.len() * share).div_ceil(100).saturating_sub(1);
        self.took.get(at).copied().unwrap_or_default()
    }

    /// In what this falls short of one completed run for each event, each step of it once.
    pub(crate) fn shortcomings(&self, scene: &str, events: usize) -> Vec<String> {
        let mut short = Vec::new();
        let mut must = |found: usize, wanted: usize, what: &str| {
            if found != wanted {
                short.push(format!("{scene}: {found} {what} instead of {wanted}"));
            }
        };
        must(self.runs, events, "runs");
        must(self.completed, events, "runs that completed, one for each event");
        must(self.steps, events * STEPS.len(), "steps that ended");
        must(self.steps_twice, 0, "steps that ended twice");
        short
    }
}
