//! `POST /api/plan`: what the components that are there would change, without changing anything.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::{Admin, answer, not_changed, refusal};
use crate::plan;

/// What the query may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// How many unfinished runs of each function are replayed at most.
    runs: Option<usize>,
}

pub(super) async fn plan(
    State(admin): State<Arc<Admin>>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let asked = match asked {
        Ok(Query(asked)) => asked,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, "bad-request", error.body_text()),
    };
    match plan::plan(&admin.worker, asked.runs.unwrap_or(plan::RUNS)).await {
        Ok(plan) => answer(StatusCode::OK, plan.generation, &plan),
        Err(error) => not_changed(&error),
    }
}
