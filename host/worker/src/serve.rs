//! HTTP in: calls (POST), introspection (GET) and sync requests (PUT) of the server, and health for everybody.

mod registration;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use jiff::Timestamp;
use protocol::call::Route;
use protocol::header;
use protocol::signature::{SigningKey, verify};
use protocol::trace::{self, TraceContext};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::drain::Drain;
use crate::handle;
use crate::health::Standing;
use crate::options::SERVE_PATH;
use crate::sync::Registrar;
use crate::{health, respond};

/// What all handlers share.
#[derive(Debug)]
struct Shared {
    standing: Standing,
    /// None where a connection registers the functions.
    registrar: Option<Arc<Registrar>>,
    drain: Drain,
}

/// The worker's routes. Without a registrar, requests to sync are refused: a connection does that.
pub(crate) fn router(
    standing: Standing,
    registrar: Option<Arc<Registrar>>,
    drain: Drain,
) -> Router {
    let path = standing.worker.options.serve_path.clone().unwrap_or_else(|| SERVE_PATH.to_owned());
    let calls = get(registration::introspect).put(registration::sync).post(call);
    with_refusals(health_routes().route(&path, calls)).with_state(Arc::new(Shared {
        standing,
        registrar,
        drain,
    }))
}

/// The only routes of a worker whose calls all come over its own connection.
pub(crate) fn health_only(standing: Standing) -> Router {
    let drain = Drain::default();
    with_refusals(health_routes()).with_state(Arc::new(Shared { standing, registrar: None, drain }))
}

fn health_routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(describe_health))
        .route("/livez", get(is_alive))
        .route("/readyz", get(is_ready))
}

/// What is answered to other paths and methods. Without our header the server takes an answer for somebody else's. The
/// router's own errors have it too; a layer for all answers would cost every call.
fn with_refusals(routes: Router<Arc<Shared>>) -> Router<Arc<Shared>> {
    routes.fallback(nothing_here).method_not_allowed_fallback(wrong_method)
}

/// Serves until it is told to stop; calls that run are answered first.
pub(crate) async fn run(listener: TcpListener, router: Router, stop: CancellationToken) {
    let listener = listener.tap_io(|stream| {
        // Replies are one write; waiting to fill a packet would only delay them.
        drop(stream.set_nodelay(true));
    });
    let served = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(stop.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "serving ended");
    }
}

async fn nothing_here() -> Response {
    respond::refusal(
        StatusCode::NOT_FOUND,
        "NotFound",
        "this worker has no such path; health is at /, /livez and /readyz",
    )
}

async fn wrong_method() -> Response {
    let message = "health takes GET, and the path for the Inngest server GET, PUT and POST";
    respond::refusal(StatusCode::METHOD_NOT_ALLOWED, "Method", message)
}

/// It answers, so it lives: whatever is wrong otherwise, an end of the process would mend nothing of it.
async fn is_alive() -> Response {
    respond::json(StatusCode::OK, br#"{"alive":true}"#.to_vec())
}

/// Whether calls may be sent here.
async fn is_ready(State(shared): State<Arc<Shared>>) -> Response {
    let Standing { worker, .. } = &shared.standing;
    let (registration, wanted) = (shared.standing.registration(), shared.standing.wanted());
    let readiness = health::ready::look(worker, &registration, &wanted);
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    respond::json(status, serde_json::to_vec(&readiness).unwrap_or_default())
}

async fn describe_health(State(shared): State<Arc<Shared>>) -> Response {
    let Standing { worker, .. } = &shared.standing;
    let (registration, wanted) = (shared.standing.registration(), shared.standing.wanted());
    respond::json(StatusCode::OK, health::body(worker, &registration, &wanted))
}

async fn call(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let worker = &shared.standing.worker;
    let limit = worker.options.body_limit;
    let Ok(body) = to_bytes(body, limit).await else {
        let message = format!(
            "the call's body is larger than this worker's limit of {limit} bytes, or broke off"
        );
        return respond::refusal(StatusCode::PAYLOAD_TOO_LARGE, "TooLarge", message);
    };
    // Nobody learns anything, or makes us do anything, before it is known who asks.
    let verified = match verify(signature(&headers), body, Timestamp::now(), &worker.options.trust)
    {
        Ok(verified) => verified,
        Err(error) => {
            tracing::warn!(%error, "refused a call");
            return respond::unauthorized();
        }
    };
    let query = query.as_deref().unwrap_or_default();
    if let Some(probe) = query_member(query, "probe") {
        return answer_probe(&probe, verified.key());
    }
    if let Some(other) = foreign_content_type(&headers) {
        let message = format!("a call's content type is application/json, not {other:?}");
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return respond::signed_refusal(status, "ContentType", message, verified.key());
    }
    let reply = match Route::parse(query) {
        Ok(route) => shared.drain.answer(worker, route, &verified, trace(&headers)).await,
        Err(error) => handle::undecodable(&error),
    };
    respond::reply(reply, verified.key())
}

/// A probe asks for something other than a call. The only one there is asks whether we believe each other, which is
/// answered by the signature.
fn answer_probe(probe: &str, key: Option<&SigningKey>) -> Response {
    if probe == "trust" {
        return signed_json(StatusCode::OK, b"{}".to_vec(), key);
    }
    let probe: String = probe.chars().take(80).collect();
    let message = format!("this worker knows no probe {probe:?}; it knows \"trust\"");
    respond::signed_refusal(StatusCode::BAD_REQUEST, "UnknownProbe", message, key)
}

/// A member of a query.
fn query_member(query: &str, name: &str) -> Option<String> {
    let mut members = url::form_urlencoded::parse(query.as_bytes());
    members.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// JSON, signed with the key that the request was signed with.
fn signed_json(status: StatusCode, body: Vec<u8>, key: Option<&SigningKey>) -> Response {
    let signature = key.map(|key| key.sign(&body, Timestamp::now()));
    let mut response = respond::json(status, body);
    if let Some(value) = signature.and_then(|signature| HeaderValue::try_from(signature).ok()) {
        response.headers_mut().insert(header::SIGNATURE, value);
    }
    response
}

fn signature(headers: &HeaderMap) -> Option<&str> {
    // A value that is not text cannot be a signature; it is read as a malformed one.
    headers.get(header::SIGNATURE).map(|value| value.to_str().unwrap_or_default())
}

/// The trace that the server's request belongs to.
fn trace(headers: &HeaderMap) -> Option<TraceContext> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    TraceContext::new(text(trace::PARENT)?, text(trace::STATE))
}

/// The content type, when it is given and is not JSON.
fn foreign_content_type(headers: &HeaderMap) -> Option<&str> {
    let given = headers.get(CONTENT_TYPE)?.to_str().unwrap_or("unreadable");
    let essence = given.split(';').next().unwrap_or_default().trim();
    (!essence.eq_ignore_ascii_case("application/json")).then_some(given)
}
