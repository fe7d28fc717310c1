//! `events`: the latest events of the server; `event ID`: one of them, and the runs that it has begun.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use comfy_table::Table;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use worker::server_api::{ApiError, ServerApi};

use super::duration;
use crate::answer;
use crate::asking::runs::span;
use crate::asking::{self, ServerArgs, shortened, text};

/// Which events are listed.
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// How many, the latest first
    #[arg(short = 'n', long, value_name = "EVENTS", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) count: u32,
    /// Only those whose names begin so
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) prefix: Option<String>,
    /// Only those that came so long ago at most
    #[arg(long, value_name = "TIME", default_value = "4h", value_parser = duration)]
    pub(crate) since: Duration,
    /// Those that the server makes itself too, such as `inngest/function.finished`
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Which event is shown.
#[derive(Debug, Args)]
pub(crate) struct Event {
    /// The server's id for it, as `send` and `events` tell it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Serialize)]
struct Report {
    count: usize,
    /// How many there are of each first part of a name.
    summary: BTreeMap<String, usize>,
    events: Vec<Came>,
}

#[derive(Serialize)]
struct Came {
    id: String,
    name: String,
    at: Option<Timestamp>,
    data: Value,
}

impl Came {
    fn read(event: &Value) -> Self {
        Self {
            id: text(&event["internal_id"]).to_owned(),
            name: text(&event["name"]).to_owned(),
            at: event["received_at"].as_str().and_then(|text| text.parse().ok()),
            data: event["data"].clone(),
        }
    }
}

pub(crate) async fn run(args: Events, json: bool) -> anyhow::Result<ExitCode> {
    let server = args.server.server()?;
    let now = Timestamp::now();
    let events = read(&server, &args, now.checked_sub(args.since)?).await;
    let events = events.map_err(|error| asking::explained("list of events", error))?;
    let mut summary = BTreeMap::new();
    for event in &events {
        let part = event.name.split_once('/').map_or(event.name.as_str(), |(part, _)| part);
        *summary.entry(part.to_owned()).or_default() += 1;
    }
    let report = Report { count: events.len(), summary, events };
    Ok(answer::result(json, "events", true, &report, &words(&report, now)))
}

async fn read(server: &ServerApi, args: &Events, since: Timestamp) -> Result<Vec<Came>, ApiError> {
    let most = usize::try_from(args.count).unwrap_or(usize::MAX);
    let mut all: Vec<Came> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let mut query = vec![("limit", "100".to_owned()), ("received_after", since.to_string())];
        query.extend(cursor.iter().map(|cursor| ("cursor", cursor.clone())));
        let page = server.ask(&["v1", "events"], &query).await?;
        let page = page["data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let wanted = |event: &Came| {
            (args.all || !event.name.starts_with("inngest/"))
                && args.prefix.as_ref().is_none_or(|prefix| event.name.starts_with(prefix))
        };
        all.extend(page.iter().map(Came::read).filter(wanted));
        let last = page.last().map(|event| text(&event["internal_id"]).to_owned());
        if all.len() >= most || page.len() < 100 || last.is_none() || last == cursor {
            all.truncate(most);
            return Ok(all);
        }
        cursor = last;
    }
}

fn words(report: &Report, now: Timestamp) -> String {
    if report.events.is_empty() {
        return "no such events".to_owned();
    }
    let mut table = Table::new();
    table.set_header(["event", "name", "came", "data"]);
    for event in &report.events {
        let came = event.at.map(|at| format!("{} ago", span(now.duration_since(at))));
        let data = shortened(&event.data, 100);
        table.add_row([event.id.clone(), event.name.clone(), came.unwrap_or_default(), data]);
    }
    table.to_string()
}

#[derive(Serialize)]
struct One {
    event: Value,
    runs: Vec<Value>,
}

pub(crate) async fn one(args: Event, json: bool) -> anyhow::Result<ExitCode> {
    let server = args.server.server()?;
    let what = format!("event {}", args.id);
    let explained = |error| asking::explained(&what, error);
    let mut event = server.ask(&["v1", "events", &args.id], &[]).await.map_err(explained)?;
    let runs = runs_of(&server, &args.id).await.map_err(explained)?;
    let report = One { event: event["data"].take(), runs };
    Ok(answer::result(json, "event", true, &report, &one_in_words(&report)))
}

/// The runs that an event has begun so far, as the first interface tells them.
pub(super) async fn runs_of(server: &ServerApi, event: &str) -> Result<Vec<Value>, ApiError> {
    let runs = server.ask(&["v1", "events", event, "runs"], &[]).await?;
    Ok(runs["data"].as_array().cloned().unwrap_or_default())
}

fn one_in_words(report: &One) -> String {
    let event = Came::read(&report.event);
    let at = event.at.map(|at| at.to_string()).unwrap_or_default();
    let mut words = format!("{} {} {at}\n{}", event.id, event.name, shortened(&event.data, 4000));
    if report.runs.is_empty() {
        words.push_str("\nno run was begun by it");
    }
    for run in &report.runs {
        let ended = run["ended_at"].as_str().is_some_and(|at| !at.is_empty());
        let status = if ended { text(&run["status"]) } else { "Running" };
        let _ = write!(words, "\nrun {}: {}", text(&run["run_id"]), status.to_lowercase());
    }
    words
}
