//! `otel`: what functions have recorded and workers have warned of, from the folder in which workers keep it (R52, R67).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer;
use crate::asking::text;
use crate::records::{self, Filter, Level, Stats};

/// What is asked of records.
#[derive(Debug, Args)]
pub(crate) struct Otel {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Records with a text in them, the newest first
    Search(Search),
    /// The latest records
    List(List),
    /// How many records there are, by level, component and action
    Stats(Narrow),
}

#[derive(Debug, Args)]
struct Search {
    /// What stands somewhere in the record, in capitals or not
    text: String,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Args)]
struct List {
    /// How many are shown
    #[arg(long, value_name = "N", default_value_t = 30)]
    limit: usize,
    #[command(flatten)]
    narrow: Narrow,
}

/// Which records.
#[derive(Debug, Args)]
struct Narrow {
    /// How many hours back
    #[arg(long, value_name = "N", default_value_t = 24)]
    hours: u64,
    /// At least so grave
    #[arg(long, value_name = "LEVEL")]
    level: Option<Level>,
    #[arg(long, value_name = "NAME")]
    component: Option<String>,
    /// `worker` for what a worker has warned of
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
    /// The id of a run
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Whether it went well
    #[arg(long, value_name = "TRUE_OR_FALSE")]
    success: Option<bool>,
    /// The folder in which the worker keeps its records
    #[arg(
        long,
        env = "SYSTEM_BUS_RECORDS",
        value_name = "DIR",
        default_value = ".system-bus/records"
    )]
    records: PathBuf,
}

impl Narrow {
    fn filter(self, text: Option<String>) -> (PathBuf, Filter) {
        let Self { hours, level, component, source, action, run, success, records } = self;
        let within = Duration::from_secs(hours.saturating_mul(3600));
        (records, Filter { text, within, level, component, source, action, run, success })
    }
}

impl Otel {
    /// What it is called in answers.
    pub(crate) fn name(&self) -> &'static str {
        match self.what {
            What::Search(_) => "otel search",
            What::List(_) => "otel list",
            What::Stats(_) => "otel stats",
        }
    }
}

pub(crate) fn run(args: Otel, json: bool) -> anyhow::Result<ExitCode> {
    let name = args.name();
    match args.what {
        What::Search(Search { text, list }) => show(name, list, Some(text), json),
        What::List(list) => show(name, list, None, json),
        What::Stats(narrow) => {
            let hours = narrow.hours;
            let (folder, filter) = narrow.filter(None);
            let stats = records::stats(&folder, &filter, SystemTime::now());
            let stats = stats.with_context(|| nothing_there(&folder))?;
            let words = counts(&stats, hours);
            Ok(answer::result(json, name, true, &json!({ "hours": hours, "stats": stats }), &words))
        }
    }
}

fn show(name: &str, list: List, text: Option<String>, json: bool) -> anyhow::Result<ExitCode> {
    let hours = list.narrow.hours;
    let (folder, filter) = list.narrow.filter(text);
    let found = records::search(&folder, &filter, list.limit, SystemTime::now());
    let (found, count) = found.with_context(|| nothing_there(&folder))?;
    let words = lines(&found, count, hours);
    let result = json!({ "count": count, "hours": hours, "records": found });
    Ok(answer::result(json, name, true, &result, &words))
}

fn nothing_there(folder: &Path) -> String {
    format!("no worker keeps records in {}; name its folder with --records", folder.display())
}

fn lines(found: &[Value], count: usize, hours: u64) -> String {
    if found.is_empty() {
        return format!("no such record in the last {hours} hours");
    }
    let mut words = String::new();
    for record in found {
        let at = i64::try_from(record["timestamp"].as_u64().unwrap_or(0)).unwrap_or(0);
        let at = Timestamp::from_millisecond(at).unwrap_or_default();
        let _ = write!(
            words,
            "{at:.3} {:5} {} {}",
            text(&record["level"]),
            text(&record["component"]),
            text(&record["action"])
        );
        if let Some(took) = record["duration_ms"].as_u64() {
            let _ = write!(words, " {took} ms");
        }
        if let Some(error) = record["error"].as_str() {
            let _ = write!(words, ": {}", runtime::legible(error));
        }
        if let Some(run) = record["metadata"]["run"].as_str() {
            let _ = write!(words, " (run {run})");
        }
        words.push('\n');
    }
    if count > found.len() {
        let _ = writeln!(words, "{} of {count}; --limit shows more", found.len());
    }
    words.trim_end().to_owned()
}

fn counts(stats: &Stats, hours: u64) -> String {
    let mut words =
        format!("{} records in the last {hours} hours, {} failed", stats.count, stats.failed);
    for (name, counts) in
        [("level", &stats.levels), ("component", &stats.components), ("action", &stats.actions)]
    {
        for (value, count) in counts {
            let _ = write!(words, "\n{name} {value}: {count}");
        }
    }
    words
}
