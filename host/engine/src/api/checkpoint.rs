//! Checkpoints: results of steps, stored while the call that made them goes on.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::Shared;
use super::answer::Fault;
use super::runs::parse_id;
use crate::run::{Checkpoint, Refusal};

/// `POST /v1/checkpoint/{run}/async`: an empty 200 once everything is stored.
pub(super) async fn store(
    State(shared): State<Shared>,
    Path(run): Path<String>,
    body: Bytes,
) -> Result<(), Fault> {
    let run = parse_id(&run)?;
    let checkpoint: Checkpoint = serde_json::from_slice(&body).map_err(|error| {
        Fault::new(StatusCode::BAD_REQUEST, format!("the checkpoint cannot be read: {error}"))
    })?;
    shared.engine.checkpoint(run, checkpoint).await?.map_err(|refusal| {
        let status = match refusal {
            Refusal::Unusable(_) => StatusCode::BAD_REQUEST,
            Refusal::Stale(_) => StatusCode::CONFLICT,
            Refusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        };
        Fault::new(status, refusal.to_string())
    })
}
