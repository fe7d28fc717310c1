//! `POST /api/plan`: what deploying would do, without changing anything.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use registry::Offer;
use serde::Deserialize;

use super::{Admin, answer, not_changed, refusal};
use crate::plan;

/// The largest component that is taken: what workers look at at all.
const LARGEST: usize = 128 << 20;

/// What the query may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// How many unfinished runs of each function are looked at.
    runs: Option<usize>,
    /// The name of the component in the body; without a body, what lies in the sources is planned.
    name: Option<String>,
}

pub(super) async fn plan(
    State(admin): State<Arc<Admin>>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let bad = |message: String| refusal(StatusCode::BAD_REQUEST, "bad-request", message);
    let asked = match asked {
        Ok(Query(asked)) => asked,
        Err(error) => return bad(error.body_text()),
    };
    let runs = asked.runs.unwrap_or(plan::RUNS);
    if runs > plan::MOST_RUNS {
        return bad(format!("runs={runs} is more than the {} that are looked at", plan::MOST_RUNS));
    }
    // Before anything is held: the caller may take its time.
    let offer = match offer(asked.name, &headers, body).await {
        Ok(offer) => offer,
        Err(refused) => return refused,
    };
    // Each one compiles and replays: one at a time leaves the worker to its calls.
    let Ok(_turn) = admin.worker.planning.try_lock() else {
        let message = "another plan is under way; try again in a moment";
        let mut busy = refusal(StatusCode::CONFLICT, "busy", message);
        busy.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        return busy;
    };
    match plan::plan(&admin.worker, offer, runs).await {
        Ok(plan) => answer(StatusCode::OK, plan.generation, &plan),
        Err(error) => not_changed(&error),
    }
}

/// What would be deployed.
async fn offer(name: Option<String>, headers: &HeaderMap, body: Body) -> Result<Offer, Response> {
    let bad = |message: &str| refusal(StatusCode::BAD_REQUEST, "bad-request", message);
    let too_large = || {
        let message =
            format!("the component has more than the {} MiB that workers take", LARGEST >> 20);
        refusal(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message)
    };
    let length = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > LARGEST) {
        return Err(too_large());
    }
    let bytes = to_bytes(body, LARGEST).await.map_err(|_| too_large())?;
    let Some(name) = name else {
        return if bytes.is_empty() {
            Ok(Offer::Source)
        } else {
            Err(bad("the body is a component without a name; add ?name= with the stem of its file"))
        };
    };
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
        return Err(bad("the name of a component is the stem of its file"));
    }
    if bytes.is_empty() {
        return Err(bad("the body is empty; send the component, or leave the name out"));
    }
    if headers.get(CONTENT_TYPE).is_none_or(|value| value != "application/wasm") {
        return Err(bad("a component is sent as application/wasm"));
    }
    Ok(Offer::Component { name, bytes: bytes.as_ref().into() })
}
