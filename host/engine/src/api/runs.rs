//! Runs: reading, canceling and repeating them.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use protocol::id::RunId;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Shared;
use super::answer::{Fault, wrapped};
use super::events;
use super::second::{Problem, single};
use crate::function::identity;
use crate::machine::{FromStep, Machine, Rerun, RerunError};
use crate::run::{Run, Status};

/// A run's id from a path.
pub(super) fn parse_id(text: &str) -> Result<RunId, Fault> {
    let parsed: Result<RunId, _> = text.parse();
    parsed.map_err(|error| Fault::new(StatusCode::BAD_REQUEST, error.to_string()))
}

fn shown(machine: &Machine, run: &Run) -> Value {
    let function = machine.app(&run.app).and_then(|app| app.function(&run.slug));
    let uuid = function.map_or_else(
        || identity(&["function", &run.app, &run.slug]),
        |function| function.uuid.clone(),
    );
    json!({
        "run_id": run.id,
        "run_started_at": run.started_at.unwrap_or(run.queued_at),
        "function_id": uuid,
        "function_slug": run.slug,
        "function_version": 1,
        "environment_id": "00000000-0000-4000-b000-000000000000",
        "event_id": run.events.first(),
        "status": run.status,
        "ended_at": run.ended_at,
        "output": run.output,
    })
}

/// `GET /v1/runs/{id}`.
pub(super) async fn one(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let id = parse_id(&id)?;
    let read = move |machine: &Machine| machine.run(id).map(|run| shown(machine, run));
    let run = shared.engine.read(read).await?;
    run.map(|run| wrapped(&run)).ok_or_else(|| missing(id))
}

/// `GET /v1/events/{id}/runs`.
pub(super) async fn of_event(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let id = events::parse_id(&id)?;
    let read = move |machine: &Machine| -> Vec<Value> {
        machine.runs_of(id).map(|run| shown(machine, run)).collect()
    };
    Ok(wrapped(&shared.engine.read(read).await?))
}

/// `DELETE /v1/runs/{id}` and `DELETE /v0/runs/{id}`.
pub(super) async fn cancel(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<StatusCode, Fault> {
    let id = parse_id(&id)?;
    match shared.engine.cancel(id).await? {
        None => Err(missing(id)),
        Some(status) if status.is_final() => {
            let message = format!("the run {id} has already ended: {status:?}");
            Err(Fault::new(StatusCode::CONFLICT, message))
        }
        Some(_) => Ok(StatusCode::NO_CONTENT),
    }
}

/// `POST /v2/runs/{id}/cancel`.
pub(super) async fn stop(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = parse_second(&id)?;
    let conflict = |code, message: String| Err(Problem::new(StatusCode::CONFLICT, code, message));
    match shared.engine.cancel(id).await? {
        None => Err(no_run(id)),
        Some(Status::Cancelled) => {
            conflict("run_already_cancelled", format!("the run {id} has been cancelled already"))
        }
        Some(status) if status.is_final() => {
            conflict("run_already_ended", format!("the run {id} has already ended: {status:?}"))
        }
        Some(_) => Ok(single(Some(&json!({"runId": id})))),
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Again {
    from_step: Option<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    step_id: String,
    input: Option<Box<RawValue>>,
}

/// `POST /v2/runs/{id}/rerun`: the new run, from the beginning or from a step, perhaps with edited arguments.
pub(super) async fn again(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, Problem> {
    let run = parse_second(&id)?;
    let refused =
        |problem: String| Problem::new(StatusCode::BAD_REQUEST, "invalid_request", problem);
    let asked: Again = if body.is_empty() {
        Again::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| refused(error.to_string()))?
    };
    let from = asked.from_step.map(|Step { step_id: step, input }| FromStep { step, input });
    let array = |input: &RawValue| input.get().trim_start().starts_with('[');
    if from.as_ref().and_then(|from| from.input.as_deref()).is_some_and(|input| !array(input)) {
        return Err(refused("fromStep.input is no array of arguments".to_owned()));
    }
    match shared.engine.rerun(Rerun { run, from }).await? {
        Ok(new) => Ok(single(Some(&json!({"runId": new})))),
        Err(RerunError::NoRun(id)) => Err(no_run(id)),
        Err(error @ RerunError::NoStep { .. }) => Err(refused(error.to_string())),
    }
}

/// `GET /v2/runs/{id}`.
pub(super) async fn summarized(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = parse_second(&id)?;
    let run = shared.engine.read(move |machine| machine.run(id).map(summary)).await?;
    run.map(|run| single(Some(&run))).ok_or_else(|| no_run(id))
}

pub(super) fn parse_second(text: &str) -> Result<RunId, Problem> {
    text.parse().map_err(|error: protocol::id::IdError| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid_request", error.to_string())
    })
}

pub(super) fn no_run(id: RunId) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", format!("there is no run {id}"))
}

pub(super) fn summary(run: &Run) -> Value {
    let mut summary = json!({
        "id": run.id,
        "function": {"id": short(run), "name": short(run), "app": {"id": run.app}},
        "app": {"id": run.app},
        "status": shouted(run.status),
        "queuedAt": run.queued_at,
        "trigger": {"eventIds": run.events, "isBatch": run.events.len() > 1},
        "output": run.output,
    });
    for (key, value) in [("startedAt", json!(run.started_at)), ("endedAt", json!(run.ended_at))] {
        if !value.is_null() {
            summary[key] = value;
        }
    }
    if let Some(cron) = &run.cron {
        summary["trigger"]["cronSchedule"] = json!(cron);
    }
    summary
}

/// The slug without its app.
pub(super) fn short(run: &Run) -> &str {
    let rest = run.slug.strip_prefix(run.app.as_str()).and_then(|rest| rest.strip_prefix('-'));
    rest.unwrap_or(&run.slug)
}

pub(super) fn shouted(status: Status) -> &'static str {
    match status {
        Status::Scheduled => "QUEUED",
        Status::Running => "RUNNING",
        Status::Completed => "COMPLETED",
        Status::Failed => "FAILED",
        Status::Cancelled => "CANCELLED",
        Status::Skipped => "SKIPPED",
    }
}

fn missing(id: RunId) -> Fault {
    Fault::new(StatusCode::NOT_FOUND, format!("there is no run {id}"))
}
