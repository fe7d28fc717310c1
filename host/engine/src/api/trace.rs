//! A run's trace: which of its steps have ended, and when.

use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::runs::{no_run, parse_second, short, shouted};
use super::second::{Problem, single};
use crate::driver::Memos;
use crate::machine::Machine;
use crate::run::Run;
use crate::run::timeline::{End, Kind, Span};

/// What a trace is to have beside the times.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Wanted {
    include_output: bool,
}

/// `GET /v2/runs/{id}/trace`: a span for the run, and one in it for each step that has ended, in the order in which they
/// did. The real server tells more of each; `hostMs` and `guestMs` are told here alone. With `includeOutput=true` each has
/// an `output`, as the real server tells it, and what calls carry for the step, to the byte, as `memo`.
pub(super) async fn of_run(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let id = parse_second(&id)?;
    let memos =
        if wanted.include_output { shared.engine.memos(id).await? } else { Memos::default() };
    let read = move |machine: &Machine| machine.run(id).map(|run| trace(run, &memos));
    let trace = shared.engine.read(read).await?;
    trace.map(|trace| single(Some(&trace))).ok_or_else(|| no_run(id))
}

fn trace(run: &Run, memos: &Memos) -> Value {
    let children = run.stack.iter().map(|step| {
        let mut child = json!({
            "id": format!("{}-{step}", run.id),
            "name": run.step_names.get(step).cloned().unwrap_or_else(|| step.to_string()),
            "status": "COMPLETED",
            "stepId": step,
            "children": [],
        });
        if let Some(at) = run.step_ends.get(step) {
            child["endedAt"] = json!(at);
        }
        if let Some(span) = run.timeline.last_of(*step) {
            describe(&mut child, span);
        }
        if let Some(memo) = memos.get(step) {
            let (failed, output) = told(memo.get());
            child["output"] = output;
            child["memo"] = json!(memo);
            if failed {
                child["status"] = json!("FAILED");
            }
        }
        child
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

/// Whether a step failed, and what it ended with, in the form of the real server: without the wrapper of results, and
/// with one around whatever is no object.
fn told(memo: &str) -> (bool, Value) {
    let memo: Value = serde_json::from_str(memo).unwrap_or_default();
    let wrapped = |name| memo.as_object().filter(|members| members.len() == 1)?.get(name);
    let failed = wrapped("error").is_some();
    let inner = wrapped("data").or_else(|| wrapped("error")).unwrap_or(&memo);
    let output = if inner.is_object() { inner.clone() } else { json!({ "data": inner }) };
    (failed, output)
}

/// Adds what the timeline has of a step that has ended.
fn describe(child: &mut Value, span: &Span) {
    let Some(ended_at) = span.ended_at else { return };
    child["name"] = json!(span.name);
    child["attempts"] = json!(span.attempt + 1);
    child["queuedAt"] = json!(span.queued_at);
    child["startedAt"] = json!(span.started_at.unwrap_or(span.queued_at));
    child["durationMs"] = json!(millis(span.lasted(ended_at)));
    // Ours alone: the real server does not tell them apart.
    child["hostMs"] = json!(millis(span.host(ended_at)));
    child["guestMs"] = json!(millis(span.guest(ended_at)));
    if let Some(End::Failed { .. }) = span.end {
        child["status"] = json!("FAILED");
    }
    if let Some(op) = step_op(span.kind) {
        child["stepOp"] = json!(op);
    }
}

/// A kind as the real server spells it.
fn step_op(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Body => "RUN",
        Kind::Sleep => "SLEEP",
        Kind::Event => "WAIT_FOR_EVENT",
        Kind::Signal => "WAIT_FOR_SIGNAL",
        Kind::Invoke => "INVOKE",
        Kind::Request => "AI_GATEWAY",
        Kind::Call | Kind::Kept => return None,
    })
}

/// Milliseconds with their fraction.
fn millis(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
