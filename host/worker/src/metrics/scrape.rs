//! `GET /metrics`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

/// What the format is called.
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// `GET /metrics` for these, in the text format of `OpenMetrics`, which Prometheus reads. Like health it takes no token: it
/// tells the names of functions and how often they were called, and nothing that they handle.
pub fn router(collectors: Vec<Box<dyn Collector>>) -> Router {
    let mut registry = Registry::default();
    for collector in collectors {
        registry.register_collector(collector);
    }
    of(registry)
}

/// The same for a registry.
pub(super) fn of(registry: Registry) -> Router {
    Router::new().route("/metrics", get(scrape)).with_state(Arc::new(registry))
}

async fn scrape(State(registry): State<Arc<Registry>>) -> Response {
    let mut body = String::new();
    match text::encode(&mut body, &registry) {
        Ok(()) => ([(CONTENT_TYPE, OPEN_METRICS)], body).into_response(),
        // Writing to memory does not fail, and a collector of ours has no reason to.
        Err(error) => {
            tracing::error!(%error, "the figures could not be told");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
