//! What became of each event: by the runs that the server has.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};
use serde_json::Value;

use crate::engine::load::Sent;

/// How many requests are under way at a time.
const READERS: usize = 8;

/// The runs of all events.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) completed: usize,
    pub(super) failed: usize,
    /// Events without a run, events with more than one, and runs without an end.
    pub(super) without: Vec<String>,
    pub(super) twice: Vec<String>,
    pub(super) open: Vec<String>,
}

impl Found {
    pub(super) async fn read(origin: &str, sent: &Sent) -> Self {
        let client = reqwest::Client::new();
        let mut ids = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = read(&client, &format!("{origin}/v2/runs?limit=100{cursor}")).await;
            let runs = page["data"].as_array().expect("runs").iter();
            ids.extend(runs.filter_map(|run| run["id"].as_str().map(str::to_owned)));
            match page["page"]["cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let details = stream::iter(ids).map(|id| {
            let client = &client;
            async move {
                let run = read(client, &format!("{origin}/v1/runs/{id}")).await["data"].take();
                let event = run["event_id"].as_str().expect("an event").to_owned();
                let event = read(client, &format!("{origin}/v1/events/{event}")).await;
                (id, run, event["data"]["id"].as_str().unwrap_or_default().to_owned())
            }
        });
        let mut details = details.buffer_unordered(READERS);
        let (mut found, mut runs) = (Self::default(), BTreeMap::<String, usize>::new());
        while let Some((id, run, event)) = details.next().await {
            *runs.entry(event).or_default() += 1;
            match run["status"].as_str() {
                Some("Completed") => found.completed += 1,
                Some("Failed") => found.failed += 1,
                _ => found.open.push(id),
            }
        }
        let sent: BTreeSet<_> = sent.names().collect();
        found.without.extend(sent.iter().filter(|name| !runs.contains_key(*name)).cloned());
        found.twice.extend(runs.into_iter().filter(|(_, runs)| *runs > 1).map(|(name, _)| name));
        found
    }
}

/// It has time to come back: it may have been killed a moment ago.
async fn read(client: &reqwest::Client, url: &str) -> Value {
    crate::eventually(url, async || client.get(url).send().await.ok()?.json().await.ok()).await
}
