//! `refresh`: has workers tell their server anew what they have, and says what has changed there.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use serde_json::Value;
use url::Url;
use worker::server_api::{ApiError, ServerApi};

use crate::answer;
use crate::asking::{self, ServerArgs, text};

/// How long a worker may take: it waits for its server.
const PATIENCE: Duration = Duration::from_secs(40);
/// How many functions of an app are looked at.
const MOST: usize = 10_000;

/// Which workers are meant.
#[derive(Debug, Args)]
pub(crate) struct Refresh {
    /// A worker's address; several may be named, one for each role
    #[arg(
        long,
        env = "SYSTEM_BUS_WORKER",
        value_name = "URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:3111"
    )]
    pub(crate) worker: Vec<Url>,
    /// The path at which workers are asked
    #[arg(long, env = "INNGEST_SERVE_PATH", value_name = "PATH", default_value = "/api/inngest")]
    pub(crate) path: String,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Serialize)]
struct Report {
    workers: Vec<Refreshed>,
}

/// What came of one worker.
#[derive(Serialize)]
struct Refreshed {
    worker: String,
    app: String,
    /// `refreshed` where the server has other functions now, `clean` where it has the same, `failed`.
    action: &'static str,
    /// How many functions of the app the server has.
    functions: usize,
    added: Vec<String>,
    removed: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(crate) async fn run(args: Refresh, json: bool) -> anyhow::Result<ExitCode> {
    let server = args.server.server()?;
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let mut report = Report { workers: Vec::new() };
    for worker in &args.worker {
        report.workers.push(refresh(&server, &client, worker, &args.path).await?);
    }
    let ok = report.workers.iter().all(|one| one.error.is_none());
    Ok(answer::result(json, "refresh", ok, &report, &words(&report)))
}

async fn refresh(
    server: &ServerApi,
    client: &reqwest::Client,
    worker: &Url,
    path: &str,
) -> anyhow::Result<Refreshed> {
    let at = worker.to_string().trim_end_matches('/').to_owned();
    let nobody = || format!("no worker answers at {at}; name it with --worker, or start one");
    let health = client.get(worker.clone()).send().await.with_context(nobody)?;
    let health: Value = health.json().await.with_context(nobody)?;
    let app = text(&health["app"]).to_owned();
    if health["service"] != "system-bus" || app.is_empty() {
        bail!("what answers at {at} is no worker; name one with --worker");
    }
    let explained = |error| asking::explained(&format!("app {app}"), error);
    let before = functions(server, &app).await.map_err(explained)?;
    let asked = client.put(worker.join(path)?).send().await.with_context(nobody)?;
    let status = asked.status();
    let said: Value = asked.json().await.unwrap_or_default();
    let error = (!status.is_success()).then(|| match text(&said["message"]) {
        "" => format!("the worker answers {status}; is --path right?"),
        message => message.to_owned(),
    });
    let after = functions(server, &app).await.map_err(explained)?;
    let added: Vec<_> = after.difference(&before).cloned().collect();
    let removed: Vec<_> = before.difference(&after).cloned().collect();
    let action = match &error {
        Some(_) => "failed",
        None if added.is_empty() && removed.is_empty() => "clean",
        None => "refreshed",
    };
    Ok(Refreshed { worker: at, app, action, functions: after.len(), added, removed, error })
}

/// The functions that the server has for an app.
async fn functions(server: &ServerApi, app: &str) -> Result<BTreeSet<String>, ApiError> {
    let all = server.list(&["v2", "apps", app, "functions"], &[], MOST).await?;
    Ok(all.iter().map(|function| text(&function["id"]).to_owned()).collect())
}

fn words(report: &Report) -> String {
    let mut words = String::new();
    for Refreshed { worker, app, action, functions, added, removed, error } in &report.workers {
        let _ = writeln!(words, "{app} at {worker}: {action}, {functions} functions");
        for (mark, names) in [("+", added), ("-", removed)] {
            for name in names {
                let _ = writeln!(words, "  {mark} {name}");
            }
        }
        if let Some(error) = error {
            let _ = writeln!(words, "  {error}");
        }
    }
    words.trim_end().to_owned()
}
