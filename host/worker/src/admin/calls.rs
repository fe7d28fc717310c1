//! `GET /api/calls`: what runs now, and for how long (R30).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Serialize;

use super::{Admin, answer};
use crate::handle::Running;

#[derive(Serialize)]
struct Shown {
    generation: u64,
    count: usize,
    /// Those that run longest first.
    calls: Vec<Call>,
}

#[derive(Serialize)]
struct Call {
    #[serde(flatten)]
    running: Running,
    /// How long it has run, in milliseconds.
    took_ms: i64,
}

pub(super) async fn calls(State(admin): State<Arc<Admin>>) -> Response {
    let generation = admin.worker.registry.present().number();
    let now = Timestamp::now();
    let took = |running: &Running| now.as_millisecond() - running.since.as_millisecond();
    let calls = admin.worker.under_way().all().into_iter();
    let calls: Vec<_> =
        calls.map(|running| Call { took_ms: took(&running).max(0), running }).collect();
    answer(StatusCode::OK, generation, &Shown { generation, count: calls.len(), calls })
}
