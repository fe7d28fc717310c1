//! `inngest status`: how many functions each role has, when it registered last, and which ids are there twice (R56), with the
//! two checks that healing goes by.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

use crate::answer;
use crate::asking::text;
use crate::cli::status::{Part, Status, look};

#[derive(Serialize)]
struct Report {
    /// By name: `server`, and `worker` for all workers together.
    checks: BTreeMap<&'static str, Check>,
    /// How many functions the server has, of all apps.
    registered_function_count: u64,
    /// How many functions the workers have, by role.
    role_counts: BTreeMap<String, u64>,
    duplicate_function_ids: Vec<String>,
    /// The first of the workers.
    worker: Option<Worker>,
    workers: Vec<Worker>,
}

#[derive(Serialize)]
struct Check {
    ok: bool,
    detail: String,
}

/// What one worker says.
#[derive(Debug, Clone, Serialize)]
struct Worker {
    at: String,
    reachable: bool,
    ok: bool,
    status: String,
    role: String,
    app: String,
    function_count: u64,
    started_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_registration_at: Option<String>,
    detail: String,
}

impl From<&Part> for Worker {
    fn from(part: &Part) -> Self {
        let health = &part.health;
        Self {
            at: part.at.clone(),
            reachable: !health.is_null(),
            ok: part.ok,
            status: match text(&health["status"]) {
                "" => "unreachable".to_owned(),
                status => status.to_owned(),
            },
            role: text(&health["role"]).to_owned(),
            app: text(&health["app"]).to_owned(),
            function_count: health["count"].as_u64().unwrap_or(0),
            started_at: text(&health["started_at"]).to_owned(),
            last_registration_at: health["registration"]["at"].as_str().map(str::to_owned),
            detail: part.detail.clone(),
        }
    }
}

pub(super) async fn run(args: Status, json: bool) -> anyhow::Result<ExitCode> {
    let seen = look(&args).await?;
    let workers: Vec<_> = seen.workers.iter().map(Worker::from).collect();
    let mut role_counts = BTreeMap::new();
    for worker in workers.iter().filter(|worker| worker.reachable) {
        *role_counts.entry(worker.role.clone()).or_default() += worker.function_count;
    }
    let duplicates = seen.workers.iter().flat_map(|part| strings(&part.health["duplicates"]));
    let all: Vec<_> = workers.iter().map(|worker| worker.detail.as_str()).collect();
    let checks = [
        ("server", Check { ok: seen.server.ok, detail: seen.server.detail.clone() }),
        ("worker", Check { ok: workers.iter().all(|worker| worker.ok), detail: all.join("; ") }),
    ];
    let report = Report {
        checks: checks.into(),
        registered_function_count: seen.functions,
        role_counts,
        duplicate_function_ids: duplicates.collect(),
        worker: workers.first().cloned(),
        workers,
    };
    let ok = report.checks.values().all(|check| check.ok);
    Ok(answer::result(json, "inngest status", ok, &report, &words(&report)))
}

fn strings(value: &Value) -> impl Iterator<Item = String> {
    let all = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    all.map(str::to_owned)
}

fn words(report: &Report) -> String {
    let server = &report.checks["server"];
    let well = |ok| if ok { "well" } else { "NOT WELL" };
    let mut words = format!("server: {}, {}", well(server.ok), server.detail);
    for worker in &report.workers {
        let _ = write!(words, "\nworker {}: {}, {}", worker.at, well(worker.ok), worker.detail);
        if let Some(at) = &worker.last_registration_at {
            let _ = write!(words, ", registered {at}");
        }
    }
    for duplicate in &report.duplicate_function_ids {
        let _ = write!(words, "\ntwice: {duplicate}");
    }
    words
}
