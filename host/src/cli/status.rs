//! `status`: whether the server and the workers are well, in one look.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use comfy_table::Table;
use serde::Serialize;
use serde_json::Value;
use url::Url;
use worker::server_api::ServerApi;

use crate::answer;
use crate::asking::{ServerArgs, text};

/// How long a worker may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is looked at.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// A worker's address; several may be named
    #[arg(
        long,
        env = "SYSTEM_BUS_WORKER",
        value_name = "URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:3111"
    )]
    pub(crate) worker: Vec<Url>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// How all parts are.
#[derive(Serialize)]
pub(super) struct Seen {
    pub(super) server: Part,
    pub(super) workers: Vec<Part>,
    /// How many functions the server has.
    #[serde(skip)]
    pub(super) functions: u64,
}

/// How a part is.
#[derive(Serialize)]
pub(super) struct Part {
    pub(super) at: String,
    pub(super) ok: bool,
    pub(super) detail: String,
    /// What a worker tells of itself.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(super) health: Value,
}

pub(crate) async fn run(args: Status, json: bool) -> anyhow::Result<ExitCode> {
    let report = look(&args).await?;
    let ok = report.server.ok && report.workers.iter().all(|worker| worker.ok);
    Ok(answer::result(json, "status", ok, &report, &words(&report)))
}

/// Looks at all parts.
pub(super) async fn look(args: &Status) -> anyhow::Result<Seen> {
    let server = args.server.server()?;
    let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
    let workers = args.worker.iter().map(|worker| health(&client, worker));
    let ((server, functions), workers) =
        tokio::join!(ask(&server), futures::future::join_all(workers));
    Ok(Seen { server, workers, functions })
}

/// The server is well where it answers a question that needs its key.
async fn ask(server: &ServerApi) -> (Part, u64) {
    let at = server.origin().origin().ascii_serialization();
    let (ok, detail, functions) = match server.list(&["v2", "apps"], &[], 100).await {
        Ok(apps) => {
            let functions: u64 = apps.iter().filter_map(|app| app["functionCount"].as_u64()).sum();
            (true, format!("{} apps, {functions} functions", apps.len()), functions)
        }
        Err(error) => (false, error.to_string(), 0),
    };
    (Part { at, ok, detail, health: Value::Null }, functions)
}

async fn health(client: &reqwest::Client, worker: &Url) -> Part {
    let at = worker.to_string().trim_end_matches('/').to_owned();
    let asked = async {
        let answer = client.get(worker.clone()).send().await?;
        answer.error_for_status()?.json::<Value>().await
    };
    match asked.await {
        Ok(health) if health["service"] == "system-bus" => {
            let ok = health["status"] == "running";
            Part { at, ok, detail: how(&health), health }
        }
        Ok(_) => {
            let detail = "what answers there is no worker; name one with --worker".to_owned();
            Part { at, ok: false, detail, health: Value::Null }
        }
        Err(error) => {
            let detail = format!("no worker answers there: {}", error.without_url());
            Part { at, ok: false, detail, health: Value::Null }
        }
    }
}

/// What a worker tells of itself, in one line.
fn how(health: &Value) -> String {
    let mut parts = vec![format!(
        "{} of app {}, {} functions, generation {}, registration {}",
        text(&health["role"]),
        text(&health["app"]),
        health["count"],
        health["generation"],
        text(&health["registration"]["state"]),
    )];
    if let Some(oldest) = health["oldest_call_seconds"].as_i64() {
        parts.push(format!("{} calls run, one for {oldest} s", health["calls"]));
    }
    for name in ["refused", "duplicates", "warnings"] {
        let all = health[name].as_array().into_iter().flatten();
        parts.extend(all.filter_map(Value::as_str).map(str::to_owned));
    }
    if let Some(error) = health["registration"]["error"].as_str() {
        parts.push(error.to_owned());
    }
    parts.join("; ")
}

fn words(report: &Seen) -> String {
    let mut table = Table::new();
    table.set_header(["part", "at", "well", "detail"]);
    let server = std::iter::once(("server", &report.server));
    for (name, part) in server.chain(report.workers.iter().map(|worker| ("worker", worker))) {
        let well = if part.ok { "yes" } else { "NO" };
        table.add_row([name, &part.at, well, &part.detail]);
    }
    table.to_string()
}
