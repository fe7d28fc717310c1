//! `runs`: the latest runs of the server.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use comfy_table::Table;
use jiff::Timestamp;
use serde::Serialize;

use super::duration;
use crate::answer;
use crate::asking::runs::{Listed, span};
use crate::asking::{self, ServerArgs};

/// Which runs are listed.
#[derive(Debug, Args)]
pub(crate) struct Runs {
    /// How many, the latest first
    #[arg(short = 'n', long, value_name = "RUNS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) count: u32,
    /// Only those of this status; several may be named
    #[arg(short, long, value_name = "STATUS", value_delimiter = ',')]
    pub(crate) status: Vec<Status>,
    /// Only those that were queued so long ago at most
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration)]
    pub(crate) since: Duration,
    /// Only those of this app
    #[arg(long, value_name = "APP")]
    pub(crate) app: Option<String>,
    /// Only those of this function, by its id without the app
    #[arg(long, value_name = "FUNCTION")]
    pub(crate) function: Option<String>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Status {
    Queued,
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    /// As the server spells it.
    fn name(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

#[derive(Serialize)]
struct Report {
    count: usize,
    runs: Vec<Listed>,
}

pub(crate) async fn run(args: Runs, json: bool) -> anyhow::Result<ExitCode> {
    let server = args.server.server()?;
    let now = Timestamp::now();
    let from = now.checked_sub(args.since)?;
    let mut query = vec![("timeField", "queuedAt".to_owned()), ("from", from.to_string())];
    query.extend(args.status.iter().map(|status| ("status", status.name().to_owned())));
    query.extend(args.app.iter().map(|app| ("appId", app.clone())));
    let most = usize::try_from(args.count)?;
    let path: Vec<&str> = match (&args.app, &args.function) {
        (Some(app), Some(function)) => vec!["v2", "apps", app, "functions", function, "runs"],
        (None, Some(_)) => {
            anyhow::bail!("--function needs --app: two apps may have functions of one id")
        }
        _ => vec!["v2", "runs"],
    };
    let told = server.list(&path, &query, most).await;
    let told = told.map_err(|error| asking::explained("list of runs", error))?;
    // An engine that knows nothing of the narrowing tells more than was asked for.
    let wanted = |run: &Listed| {
        run.queued_at.is_none_or(|at| at >= from)
            && (args.status.is_empty() || args.status.iter().any(|it| it.name() == run.status))
            && args.app.as_ref().is_none_or(|app| *app == run.app)
    };
    let runs: Vec<_> = told.iter().map(Listed::read).filter(wanted).collect();
    let report = Report { count: runs.len(), runs };
    Ok(answer::result(json, "runs", true, &report, &words(&report, &args, now)))
}

fn words(report: &Report, args: &Runs, now: Timestamp) -> String {
    if report.runs.is_empty() {
        return format!("no such runs in the last {}", span_of(args.since));
    }
    let mut table = Table::new();
    table.set_header(["run", "app", "function", "status", "queued", "took", "begun by"]);
    for run in &report.runs {
        let queued = run.queued_at.map(|at| format!("{} ago", span(now.duration_since(at))));
        table.add_row([
            run.id.clone(),
            run.app.clone(),
            run.function.clone(),
            run.status.to_lowercase(),
            queued.unwrap_or_default(),
            run.took(now).map(span).unwrap_or_default(),
            run.trigger.clone().unwrap_or_default(),
        ]);
    }
    table.to_string()
}

fn span_of(time: Duration) -> String {
    span(time.try_into().unwrap_or(jiff::SignedDuration::MAX))
}
