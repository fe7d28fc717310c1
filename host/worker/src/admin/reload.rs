//! `PUT /api/reload`: takes up new components, and answers when they serve.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header::IF_MATCH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use registry::{By, Percent, Request};
use serde::Deserialize;

use super::{Admin, answer, not_changed, refusal};

/// What the query may say.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    #[serde(default)]
    dry_run: Flag,
    #[serde(default)]
    force: Flag,
    percent: Option<f64>,
    #[serde(default)]
    why: String,
}

/// `?dry_run`, `?dry_run=1` and `?dry_run=true` mean the same.
#[derive(Debug, Default, Clone, Copy)]
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "" | "1" | "true" => Ok(Self(true)),
            "0" | "false" => Ok(Self(false)),
            other => Err(serde::de::Error::custom(format!("{other:?} is not true or false"))),
        }
    }
}

pub(super) async fn reload(
    State(admin): State<Arc<Admin>>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let bad = |message: String| refusal(StatusCode::BAD_REQUEST, "bad-request", message);
    let asked = match asked {
        Ok(Query(asked)) => asked,
        Err(error) => return bad(error.body_text()),
    };
    let percent = match asked.percent.map(Percent::try_from).transpose() {
        Ok(percent) => percent,
        Err(error) => return bad(error.to_string()),
    };
    let expected = match expected(&headers) {
        Ok(expected) => expected,
        Err(message) => return bad(message),
    };
    let request = Request {
        why: asked.why,
        percent,
        expected,
        dry_run: asked.dry_run.0,
        force: asked.force.0,
        ..Request::by(By::Reload)
    };
    // Finished even when the caller goes away: half of an activation is none.
    let registry = Arc::clone(&admin.worker.registry);
    let reloaded = tokio::spawn(async move { registry.reload(&request).await }).await;
    match reloaded {
        Ok(Ok(report)) => answer(StatusCode::OK, report.generation.after, &report),
        Ok(Err(error)) => not_changed(&error),
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "panicked", error),
    }
}

/// The generation that the caller believes to be present.
pub(super) fn expected(headers: &HeaderMap) -> Result<Option<u64>, String> {
    let Some(value) = headers.get(IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let number = text.trim_matches('"').parse();
    number.map(Some).map_err(|_| {
        format!("If-Match is {text:?}; it names a generation, as the ETag of /api/generations does")
    })
}
