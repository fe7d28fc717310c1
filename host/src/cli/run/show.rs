//! `run ID`: what a run did, step by step, and what came of it.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use jiff::{SignedDuration, Timestamp};
use protocol::id::RunId;
use serde::Serialize;
use serde_json::{Value, json};
use worker::server_api::{ApiError, ServerApi};

use super::Show;
use crate::answer;
use crate::asking::runs::{Listed, span};
use crate::asking::{self, shortened, text};

/// How long a run that is canceled may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// A run.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    run: Listed,
    /// The ids of the events that began it.
    events: Vec<Value>,
    /// Its steps, in the order in which they ended, as the server tells them.
    steps: Value,
    /// Its result, or its error.
    output: Value,
    /// Whether this command has canceled it.
    cancelled: bool,
}

pub(super) async fn run(args: Show, json: bool) -> anyhow::Result<ExitCode> {
    let Some(id) = args.id else { bail!("name a run: `system-bus runs` lists them") };
    let server = args.server.server()?;
    if args.cancel {
        cancel(&server, id).await?;
    }
    let report = look(&server, id, args.cancel).await?;
    let ok = report.run.status != "FAILED";
    Ok(answer::result(json, "run", ok, &report, &words(&report, Timestamp::now())))
}

async fn look(server: &ServerApi, id: RunId, cancelled: bool) -> anyhow::Result<Report> {
    let name = id.to_string();
    let explained = |error| asking::explained(&format!("run {id}"), error);
    let output = ("includeOutput", "true".to_owned());
    let summary = server.ask(&["v2", "runs", &name], std::slice::from_ref(&output)).await;
    let summary = summary.map_err(explained)?["data"].take();
    if summary["id"].as_str().is_none() {
        return Err(explained(ApiError::Refused { status: 404, message: String::new() }));
    }
    // The first interface tells the output as it is, and is right about what has ended.
    let told = server.ask(&["v1", "runs", &name], &[]).await.map_err(explained)?["data"].take();
    let steps = match server.ask(&["v2", "runs", &name, "trace"], &[output]).await {
        Ok(mut trace) => trace["data"]["rootSpan"]["children"].take(),
        // A run is told of without its steps where they are gone.
        Err(ApiError::Refused { .. }) => Value::Null,
        Err(error) => return Err(error.into()),
    };
    let mut run = Listed::read(&summary);
    if let Some(status @ ("Failed" | "Cancelled" | "Completed" | "Running")) =
        told["status"].as_str()
    {
        run.status = status.to_uppercase();
    }
    Ok(Report {
        run,
        events: summary["trigger"]["eventIds"].as_array().cloned().unwrap_or_default(),
        steps: if steps.is_null() { json!([]) } else { steps },
        output: told["output"].clone(),
        cancelled,
    })
}

/// Cancels a run, and waits until the server says that it has ended.
async fn cancel(server: &ServerApi, id: RunId) -> anyhow::Result<()> {
    let name = id.to_string();
    match server.tell(&["v2", "runs", &name, "cancel"], &json!({})).await {
        Ok(_) => {}
        Err(ApiError::Refused { status: 409, message }) => {
            bail!("the run {id} cannot be canceled: {message}")
        }
        Err(error) => return Err(asking::explained(&format!("run {id}"), error)),
    }
    let ended = async {
        loop {
            let run = server.ask(&["v1", "runs", &name], &[]).await?;
            if !matches!(run["data"]["status"].as_str(), Some("Running" | "Scheduled")) {
                return Ok::<_, ApiError>(());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, ended).await {
        Ok(ended) => Ok(ended?),
        Err(_) => bail!(
            "the server took the request to cancel run {id}, and says after {} s that it still runs; look again with \
             `system-bus run {id}`",
            PATIENCE.as_secs()
        ),
    }
}

fn words(report: &Report, now: Timestamp) -> String {
    let run = &report.run;
    let mut words =
        format!("{} of {}/{}: {}", run.id, run.app, run.function, run.status.to_lowercase());
    if let Some(took) = run.took(now) {
        let _ = write!(words, ", {}", span(took));
    }
    if let Some(trigger) = &run.trigger {
        let _ = write!(words, ", begun by {trigger}");
    }
    for step in report.steps.as_array().into_iter().flatten() {
        words.push('\n');
        words.push_str(&line(step));
    }
    if !report.output.is_null() {
        let name = if run.status == "FAILED" { "error" } else { "result" };
        let _ = write!(words, "\n{name}: {}", shortened(&report.output, 2000));
    }
    words
}

/// A step in one line.
fn line(step: &Value) -> String {
    let mark = match text(&step["status"]) {
        "COMPLETED" => "✓",
        "FAILED" => "✗",
        _ => "…",
    };
    let took = step["durationMs"].as_i64().or_else(|| text(&step["durationMs"]).parse().ok());
    let took = took.map(|millis| span(SignedDuration::from_millis(millis))).unwrap_or_default();
    let attempts = match step["attempts"].as_u64() {
        Some(attempts @ 2..) => format!(", {attempts} attempts"),
        _ => String::new(),
    };
    let (name, kind) = (text(&step["name"]), text(&step["stepOp"]).to_lowercase());
    let output = shortened(&step["output"], 80);
    format!("  {mark} {name} ({kind} {took}{attempts}) {output}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_in_one_line() {
        let step = json!({
            "name": "charge", "status": "COMPLETED", "stepOp": "RUN", "durationMs": 1234, "attempts": 2,
            "output": {"data": "paid\ntwice"},
        });
        let told = "  ✓ charge (run 1.2 s, 2 attempts) {\"data\":\"paid\\ntwice\"}";
        assert_eq!(line(&step), told);
        // A real server tells numbers as texts, and nothing of attempts.
        let step =
            json!({"name": "nap", "status": "RUNNING", "stepOp": "SLEEP", "durationMs": "12"});
        assert_eq!(line(&step), "  … nap (sleep 12 ms)");
    }
}
