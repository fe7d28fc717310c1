//! A run's trace: which of its steps have ended, and when.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::Shared;
use super::runs::{no_run, parse_second, short, shouted};
use super::second::{Problem, single};
use crate::machine::Machine;
use crate::run::Run;

/// `GET /v2/runs/{id}/trace`: a span for the run, and one in it for each step that has ended, in the order in which they
/// did. The real server tells more of each.
pub(super) async fn of_run(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = parse_second(&id)?;
    let read = move |machine: &Machine| machine.run(id).map(trace);
    let trace = shared.engine.read(read).await?;
    trace.map(|trace| single(Some(&trace))).ok_or_else(|| no_run(id))
}

fn trace(run: &Run) -> Value {
    let children = run.stack.iter().map(|step| {
        let mut span = json!({
            "id": format!("{}-{step}", run.id),
            "name": step,
            "status": "COMPLETED",
            "stepId": step,
            "children": [],
        });
        if let Some(at) = run.step_ends.get(step) {
            span["endedAt"] = json!(at);
        }
        span
    });
    let mut root = json!({
        "id": run.id,
        "name": short(run),
        "status": shouted(run.status),
        "queuedAt": run.queued_at,
        "children": children.collect::<Vec<_>>(),
    });
    for (key, value) in [("startedAt", json!(run.started_at)), ("endedAt", json!(run.ended_at))] {
        if !value.is_null() {
            root[key] = value;
        }
    }
    json!({"runId": run.id, "rootSpan": root})
}
