//! Signals: handed to the run that waits for one.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::Shared;
use super::answer::Fault;
use crate::op::null;

#[derive(Deserialize)]
struct Signal {
    #[serde(default)]
    signal: String,
    data: Option<Box<RawValue>>,
}

/// `POST /v1/signals`: the run that waited for it, or 404 when none did.
pub(super) async fn send(State(shared): State<Shared>, body: Bytes) -> Result<Response, Fault> {
    let refused = |problem: String| Fault::new(StatusCode::BAD_REQUEST, problem);
    let sent: Signal = serde_json::from_slice(&body)
        .map_err(|error| refused(format!("the signal cannot be read: {error}")))?;
    if sent.signal.is_empty() {
        return Err(refused("the signal has no name; set `signal`".to_owned()));
    }
    let waited = shared.engine.signal(sent.signal, sent.data.unwrap_or_else(null)).await?;
    let run = waited.ok_or_else(|| Fault::new(StatusCode::NOT_FOUND, "No signal found"))?;
    Ok(Json(json!({"data": {"run_id": run}})).into_response())
}
