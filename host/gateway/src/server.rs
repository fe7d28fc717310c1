//! HTTP in: deliveries, handshakes, and what operators ask.
//!
//! | route | what it does |
//! | --- | --- |
//! | `POST /webhooks/{provider}` | takes a delivery |
//! | `GET /webhooks/{provider}` | answers a handshake, where the provider has one |
//! | `GET /webhooks` | the names of the providers |
//! | `GET /api/webhooks` | providers, counters, the spool |
//! | `GET /api/webhooks/dead` | the dead letters |
//! | `POST /api/webhooks/dead/{letter}/replay` | sends one again |

mod deliver;
mod operators;
mod trace;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::Shared;

/// The routes for senders.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/webhooks", get(deliver::providers))
        .route("/webhooks/{provider}", post(deliver::deliver).get(deliver::challenge))
        .with_state(shared)
}

/// Whether the process lives, and whether deliveries may be sent here: while there is room for them on disk, whatever the server
/// does.
pub(crate) fn health(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/livez", get(async || answer(StatusCode::OK, &json!({ "alive": true }))))
        .route("/readyz", get(operators::readiness))
        .with_state(shared)
}

/// The routes for operators; whoever mounts them decides who they are.
pub(crate) fn operators(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/api/webhooks", get(operators::state))
        .route("/api/webhooks/dead", get(operators::dead))
        .route("/api/webhooks/dead/{letter}/replay", post(operators::replay))
        .with_state(shared)
}

/// An answer that no browser takes for anything else.
fn answer(status: StatusCode, body: &Value) -> Response {
    text(status, "application/json", body.to_string())
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body).into_response()
}

/// A refusal that says what a sender may know.
fn refusal(status: StatusCode, error: &str, later: Option<Duration>) -> Response {
    let mut response = answer(status, &json!({ "ok": false, "error": error }));
    if let Some(later) = later {
        let seconds = later.as_secs().max(1);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
