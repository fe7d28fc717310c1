//! The state of unfinished runs: what large calls leave out.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::id::RunId;
use serde_json::json;

use super::Shared;
use super::answer::Fault;
use super::runs::parse_id;
use crate::event::Event;
use crate::machine::Machine;

/// `GET /v0/runs/{id}/actions`: what calls carry of its steps.
pub(super) async fn actions(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let id = parse_id(&id)?;
    let read = move |machine: &Machine| {
        let run = machine.run(id).filter(|run| !run.status.is_final())?;
        Some(json!(run.state()))
    };
    let state = shared.engine.read(read).await?.ok_or_else(|| gone(id))?;
    Ok(Json(state).into_response())
}

/// `GET /v0/runs/{id}/batch`: its events, without empty members.
pub(super) async fn batch(
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let id = parse_id(&id)?;
    let read = move |machine: &Machine| {
        let run = machine.run(id).filter(|run| !run.status.is_final())?;
        let events = run.events.iter().filter_map(|event| machine.event(*event));
        Some(events.map(Event::lean).collect::<Vec<_>>())
    };
    let events = shared.engine.read(read).await?.ok_or_else(|| gone(id))?;
    Ok(Json(events).into_response())
}

fn gone(id: RunId) -> Fault {
    let message = format!("runtime state is no longer available for runID: {id}");
    Fault::new(StatusCode::GONE, message)
}
