//! `POST /api/rollback`: goes back to an earlier generation, of everything or of one function's component.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use protocol::id::FunctionId;
use registry::Back;
use serde::Deserialize;

use super::reload::expected;
use super::{Admin, answer, json_body, not_changed, refusal};

/// What the body may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The generation to go back to; absent, the one before the present.
    to: Option<u64>,
    /// Only the component that has this function.
    function: Option<FunctionId>,
    #[serde(default)]
    why: String,
}

pub(super) async fn rollback(
    State(admin): State<Arc<Admin>>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let bad = |message: String| refusal(StatusCode::BAD_REQUEST, "bad-request", message);
    let asked: Asked = match json_body(body).await {
        Ok(asked) => asked,
        Err(message) => return bad(message),
    };
    let expected = match expected(&headers) {
        Ok(expected) => expected,
        Err(message) => return bad(message),
    };
    let back = Back { to: asked.to, function: asked.function, why: asked.why, expected };
    let registry = Arc::clone(&admin.worker.registry);
    let gone = tokio::spawn(async move { registry.roll_back(&back).await }).await;
    match gone {
        Ok(Ok(report)) => answer(StatusCode::OK, report.generation.after, &report),
        Ok(Err(error)) => not_changed(&error),
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "panicked", error),
    }
}
