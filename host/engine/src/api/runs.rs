//! Runs: reading and canceling them, and the state that large calls leave out.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::id::RunId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::answer::{Fault, wrapped};
use super::events;
use crate::function::identity;
use crate::machine::Machine;
use crate::run::{Run, Status};

fn parse_id(text: &str) -> Result<RunId, Fault> {
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

/// `GET /v0/runs/{id}/actions`: the memos of an unfinished run.
pub(super) async fn actions(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let id = parse_id(&id)?;
    let read = move |machine: &Machine| {
        let memos = machine.run(id).filter(|run| !run.status.is_final())?.memos.iter();
        Some(memos.map(|(id, memo)| (*id, memo.clone())).collect::<BTreeMap<_, _>>())
    };
    let memos = shared.engine.read(read).await?.ok_or_else(|| gone(id))?;
    Ok(Json(memos).into_response())
}

/// `GET /v0/runs/{id}/batch`: the events of an unfinished run.
pub(super) async fn batch(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let id = parse_id(&id)?;
    let read = move |machine: &Machine| {
        let run = machine.run(id).filter(|run| !run.status.is_final())?;
        let events =
            run.events.iter().filter_map(|event| Some(machine.event(*event)?.body.clone()));
        Some(events.collect::<Vec<_>>())
    };
    let events = shared.engine.read(read).await?.ok_or_else(|| gone(id))?;
    Ok(Json(events).into_response())
}

/// What a list of runs may be narrowed to.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    status: Option<String>,
    app_id: Option<String>,
    function_id: Option<String>,
    limit: Option<usize>,
}

impl Filter {
    fn lets_pass(&self, run: &Run) -> bool {
        let status = |wanted: &String| shouted(run.status) == *wanted;
        let function = |wanted: &String| *wanted == run.slug || *wanted == short(run);
        self.status.as_ref().is_none_or(status)
            && self.app_id.as_ref().is_none_or(|wanted| *wanted == run.app)
            && self.function_id.as_ref().is_none_or(function)
    }
}

/// `GET /v2/runs`: the latest first.
pub(super) async fn list(
    State(shared): State<Shared>,
    Query(filter): Query<Filter>,
) -> Result<Response, Fault> {
    let limit = filter.limit.unwrap_or(40).clamp(1, 100);
    let read = move |machine: &Machine| {
        let mut runs = machine.runs().filter(|run| filter.lets_pass(run)).map(summary);
        let page: Vec<Value> = runs.by_ref().take(limit).collect();
        (page, runs.next().is_some())
    };
    let (page, more) = shared.engine.read(read).await?;
    let page = json!({
        "data": page,
        "metadata": {"fetchedAt": jiff::Timestamp::now()},
        "page": {"hasMore": more, "limit": limit},
    });
    Ok(Json(page).into_response())
}

fn summary(run: &Run) -> Value {
    let mut summary = json!({
        "id": run.id,
        "function": {"id": short(run), "name": short(run), "app": {"id": run.app}},
        "app": {"id": run.app},
        "status": shouted(run.status),
        "queuedAt": run.queued_at,
        "trigger": {"eventIds": run.events, "isBatch": false},
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
fn short(run: &Run) -> &str {
    let rest = run.slug.strip_prefix(run.app.as_str()).and_then(|rest| rest.strip_prefix('-'));
    rest.unwrap_or(&run.slug)
}

fn shouted(status: Status) -> &'static str {
    match status {
        Status::Scheduled => "QUEUED",
        Status::Running => "RUNNING",
        Status::Completed => "COMPLETED",
        Status::Failed => "FAILED",
        Status::Cancelled => "CANCELLED",
    }
}

fn missing(id: RunId) -> Fault {
    Fault::new(StatusCode::NOT_FOUND, format!("there is no run {id}"))
}

fn gone(id: RunId) -> Fault {
    let message = format!("runtime state is no longer available for runID: {id}");
    Fault::new(StatusCode::GONE, message)
}
