//! The routes for operators: what is active, and how it changes.
//!
//! | route | what it does |
//! | --- | --- |
//! | `GET /api/generations` | what is active, what was, what is in memory, and what is on disk and why |
//! | `GET /api/functions` | the functions of this worker, with what forced each into its role |
//! | `GET /api/grants` | what each component imports, may use, and has used |
//! | `GET /api/logs?run=ID` | what a run has logged last |
//! | `GET /api/diagnostics` | how many functions each role has and why, the last registration, what is there twice |
//! | `GET /api/calls` | what runs now, and for how long |
//! | `PUT /api/reload` | takes up new components |
//! | `POST /api/plan` | what deploying would do, without doing it |
//! | `POST /api/rollback` | goes back to an earlier generation |
//! | `POST /api/retire` | another worker has taken over: stop registering, answer what comes, end |
//! | `GET /page` | functions and generations for people |

mod access;
mod calls;
mod diagnostics;
mod functions;
mod generations;
mod grants;
mod logs;
mod page;
mod plan;
mod reload;
mod retire;
mod rollback;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::header::{ETAG, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post, put};
use serde::Serialize;
use tokio::sync::watch;

pub use self::access::Access;
pub(crate) use self::functions::forced_by;
pub(crate) use self::retire::Retirement;
use crate::handle::Worker;
use crate::respond;
use crate::sync::{Registrar, SyncState};

/// What the routes need.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) worker: Arc<Worker>,
    pub(crate) registration: watch::Receiver<SyncState>,
    /// None where a connection registers the functions.
    pub(crate) registrar: Option<Arc<Registrar>>,
    pub(crate) retirement: Retirement,
}

/// The routes.
pub(crate) fn router(admin: Admin) -> Router {
    let access = admin.worker.options.access.clone();
    let page = page::router()
        .layer(axum::middleware::from_fn_with_state(access.clone(), access::guard_page));
    let routes = routes().into_iter();
    let guarded = routes.fold(Router::new(), |router, (path, route)| router.route(path, route));
    guarded
        .layer(axum::middleware::from_fn_with_state(access, access::guard))
        .merge(page)
        .with_state(Arc::new(admin))
}

/// The guarded routes, each with its path; `docs/openapi.json` has the same.
fn routes() -> [(&'static str, MethodRouter<Arc<Admin>>); 10] {
    [
        ("/api/generations", get(generations::generations)),
        ("/api/functions", get(functions::functions)),
        ("/api/diagnostics", get(diagnostics::diagnostics)),
        ("/api/calls", get(calls::calls)),
        ("/api/grants", get(grants::grants)),
        ("/api/logs", get(logs::logs)),
        ("/api/reload", put(reload::reload)),
        ("/api/plan", post(plan::plan)),
        ("/api/rollback", post(rollback::rollback)),
        ("/api/retire", post(retire::retire)),
    ]
}

/// The paths of the routes for operators, for whoever documents them.
#[doc(hidden)]
pub fn paths() -> Vec<&'static str> {
    routes().into_iter().map(|(path, _)| path).collect()
}

/// A refusal, for programs and people.
#[derive(Serialize)]
struct Refusal<'r> {
    ok: bool,
    error: &'r str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
}

/// An answer: JSON, with the present generation as its entity tag.
fn answer(status: StatusCode, generation: u64, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).unwrap_or_else(|_| b"{}".to_vec());
    let mut response = respond::json(status, body);
    if let Ok(tag) = HeaderValue::try_from(format!("\"{generation}\"")) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

fn refusal(status: StatusCode, error: &str, message: impl std::fmt::Display) -> Response {
    let refusal = Refusal { ok: false, error, message: message.to_string(), generation: None };
    respond::json(status, serde_json::to_vec(&refusal).unwrap_or_default())
}

/// Why a change was not made.
fn not_changed(error: &registry::ReloadError) -> Response {
    use registry::ReloadError as E;
    let (status, name) = match error {
        E::Busy => (StatusCode::CONFLICT, "busy"),
        E::Conflict { .. } => (StatusCode::PRECONDITION_FAILED, "conflict"),
        E::NoSource => (StatusCode::NOT_FOUND, "no-source"),
        E::Empty { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "empty"),
        E::Unknown(_) | E::First { .. } | E::NoFunction(_) => (StatusCode::NOT_FOUND, "unknown"),
        E::Log(_) | E::Store(_) | E::Gone { .. } => {
            (StatusCode::INTERNAL_SERVER_ERROR, "not-stored")
        }
    };
    let generation = match error {
        E::Conflict { present, .. } => Some(*present),
        _ => None,
    };
    let refusal = Refusal { ok: false, error: name, message: error.to_string(), generation };
    let mut response = respond::json(status, serde_json::to_vec(&refusal).unwrap_or_default());
    if matches!(error, E::Busy) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// A body of JSON with at most this many bytes; absent and empty bodies are the default.
async fn json_body<T: serde::de::DeserializeOwned + Default>(body: Body) -> Result<T, String> {
    let bytes = axum::body::to_bytes(body, 64 << 10).await.map_err(|error| error.to_string())?;
    if bytes.is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}
