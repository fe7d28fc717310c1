//! `send`: an event for the server, with a word where nobody listens.

use std::fmt::Write as _;
use std::io::Read as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};
use worker::server_api::{ApiError, ServerApi};

use super::{duration, events};
use crate::answer;
use crate::asking::{self, ServerArgs, listening, shortened, text};

/// How long the server may take to begin the runs of an event.
const BEGINS: Duration = Duration::from_secs(5);
/// How often it is asked.
const PACE: Duration = Duration::from_millis(200);

/// What is sent.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// The event's name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Its data: an object of JSON, `@FILE` or `-` for the standard input
    #[arg(short, long, value_name = "JSON", default_value = "{}")]
    pub(crate) data: String,
    /// An id of its own: another event with this id begins nothing for a day
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Wait until the runs that it begins have ended, and exit with 1 where one failed
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// With --follow: how long
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Serialize)]
struct Report {
    event: String,
    id: String,
    /// The functions that it starts, each as `app/function`; none where the server does not tell.
    listening: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    /// What became of its runs, where that was waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<Vec<Ended>>,
}

#[derive(Serialize)]
struct Ended {
    id: String,
    status: String,
    output: Value,
}

pub(crate) async fn run(args: Send, json: bool) -> anyhow::Result<ExitCode> {
    let data = parse(&args.data)?;
    let server = args.server.server()?;
    let mut event = json!({"name": args.name, "data": data});
    if let Some(id) = &args.id {
        event["id"] = json!(id);
    }
    // Looked at before: whoever listens afterwards may have been deployed in between. A server that does not tell who
    // listens is no reason not to send.
    let (listening, warning) = match listening::to(&server, &args.name).await {
        Ok(all) if all.is_empty() => (Some(all), Some(nobody(&args.name))),
        Ok(all) => (Some(all), None),
        Err(error) => (None, Some(format!("whether a function listens is not known: {error}"))),
    };
    let id = server.send_event(&event).await;
    let id = id.map_err(|error| asking::explained("place for events", error))?;
    let mut report = Report { event: args.name, id, listening, warning, runs: None };
    if args.follow {
        let listens = report.listening.as_ref().is_none_or(|all| !all.is_empty());
        report.runs = Some(if listens {
            follow(&server, &report.id, args.timeout).await?
        } else {
            Vec::new()
        });
    }
    let ok = report
        .runs
        .as_ref()
        .is_none_or(|runs| !runs.is_empty() && runs.iter().all(|run| run.status == "Completed"));
    Ok(answer::result(json, "send", ok, &report, &words(&report)))
}

fn nobody(name: &str) -> String {
    format!(
        "no function of the server starts on {name}; runs that wait for it take it all the same. `system-bus functions` \
         lists those of a worker"
    )
}

/// The data of an event.
fn parse(data: &str) -> anyhow::Result<Value> {
    let text = match data.strip_prefix('@') {
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("{file} cannot be read"))?
        }
        None if data == "-" => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .context("the standard input cannot be read")?;
            text
        }
        None => data.to_owned(),
    };
    let value: Value = serde_json::from_str(&text)
        .with_context(|| "the data is no JSON; write an object such as '{\"id\": 7}', or @FILE")?;
    if !value.is_object() {
        bail!("the data is no object; write an object such as '{{\"id\": 7}}'");
    }
    Ok(value)
}

/// Waits until all runs of an event have ended.
async fn follow(server: &ServerApi, event: &str, timeout: Duration) -> anyhow::Result<Vec<Ended>> {
    let begin = tokio::time::Instant::now();
    let mut told = 0;
    loop {
        let runs = events::runs_of(server, event).await?;
        if runs.len() > told {
            told = runs.len();
            answer::progress(&format!("{told} runs have begun"));
        }
        let over = |run: &Value| run["ended_at"].as_str().is_some_and(|at| !at.is_empty());
        let waited = begin.elapsed();
        if !runs.is_empty() && runs.iter().all(over) || runs.is_empty() && waited > BEGINS {
            return Ok(ended(server, &runs).await?);
        }
        if waited > timeout {
            let left: Vec<_> =
                runs.iter().filter(|run| !over(run)).map(|run| text(&run["run_id"])).collect();
            bail!(
                "these runs of event {event} have not ended after {} s: {}; look at one with `system-bus run ID`",
                timeout.as_secs(),
                left.join(", ")
            );
        }
        tokio::time::sleep(PACE).await;
    }
}

async fn ended(server: &ServerApi, runs: &[Value]) -> Result<Vec<Ended>, ApiError> {
    let mut all = Vec::new();
    for run in runs {
        let id = text(&run["run_id"]);
        let mut run = server.ask(&["v1", "runs", id], &[]).await?["data"].take();
        let status = text(&run["status"]).to_owned();
        all.push(Ended { id: id.to_owned(), status, output: run["output"].take() });
    }
    Ok(all)
}

fn words(report: &Report) -> String {
    let mut words = format!("sent {} as {}", report.event, report.id);
    if let Some(listening) = report.listening.as_ref().filter(|all| !all.is_empty()) {
        let _ = write!(words, "; it starts {}", listening.join(", "));
    }
    if let Some(warning) = &report.warning {
        let _ = write!(words, "\nwarning: {warning}");
    }
    if report.runs.as_ref().is_some_and(Vec::is_empty) {
        words.push_str("\nno run has begun");
    }
    for run in report.runs.iter().flatten() {
        let output = shortened(&run.output, 1000);
        let _ = write!(words, "\nrun {}: {} {output}", run.id, run.status.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_an_object() {
        assert_eq!(parse(r#"{"a": 1}"#).expect("an object"), json!({"a": 1}));
        for (data, why) in [("[1]", "no object"), ("{", "no JSON"), ("@/nowhere", "cannot be read")]
        {
            let error = parse(data).expect_err(data).to_string();
            assert!(error.contains(why), "{data}: {error}");
        }
    }
}
