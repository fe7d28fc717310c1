//! Apps register; and what the engine says about itself.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::header;
use serde_json::{Value, json};

use super::Shared;
use super::answer::Fault;
use super::apps::list;
use crate::app::{SyncRequest, uuid_of};
use crate::entropy::{Entropy, Random};
use crate::machine::SyncError;

/// `POST /fn/register`.
pub(super) async fn register(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fault> {
    let refused = |problem: String| {
        (StatusCode::BAD_REQUEST, Json(json!({"error": problem}))).into_response()
    };
    let kind = shared.access.kind;
    let expected = headers.get(header::EXPECTED_SERVER_KIND).and_then(|kind| kind.to_str().ok());
    if let Some(expected) = expected.filter(|expected| *expected != kind) {
        return Ok(refused(format!("Expected server kind {expected}, got {kind}")));
    }
    let request = match SyncRequest::parse(&body) {
        Ok(request) => request,
        Err(problem) => return Ok(refused(format!("Invalid request: {problem}"))),
    };
    let app = uuid_of(&request.app_name);
    match shared.engine.sync(request).await? {
        Ok(modified) => {
            let sync = Random::new().uuid();
            let body = json!({"ok": true, "modified": modified, "sync_id": sync, "app_id": app});
            Ok(Json(body).into_response())
        }
        Err(error @ SyncError::Undecodable(_)) => Ok(refused(error.to_string())),
        Err(error) => Err(Fault::new(StatusCode::BAD_REQUEST, error.to_string())),
    }
}

/// `GET /health`.
pub(super) async fn health() -> Json<Value> {
    Json(json!({"status": 200, "message": "OK"}))
}

/// `GET /dev`: what a development server knows.
pub(super) async fn dev(State(shared): State<Shared>) -> Result<Response, Fault> {
    if shared.access.kind != "dev" {
        let message = "this is no development server: it has a signing key";
        return Err(Fault::new(StatusCode::NOT_FOUND, message));
    }
    let body = shared.engine.read(|machine| {
        let functions: Vec<Value> = machine.apps().flat_map(list).collect();
        let apps = machine.apps().map(|app| {
            let registration = &app.registration;
            json!({"id": app.uuid(), "name": registration.name, "url": registration.url,
                "sdk": registration.sdk, "error": registration.error, "synced_at": registration.synced_at})
        });
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "authed": false,
            "startOpts": {},
            "features": {},
            "functions": functions,
            "apps": apps.collect::<Vec<_>>(),
        })
    });
    Ok(Json(body.await?).into_response())
}
