//! One delivery: limits, the body, the proof, the events, the spool. In that order.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::trace::Trace;
use super::{answer, refusal, text};
use crate::Shared;
use crate::delivery::{Delivery, Headers};
use crate::provider::{Provider, Trust};
use crate::shape::{self, Read, ShapeError, Shaped};
use crate::spool::{Entry, Kept, SpoolError};
use crate::verify::{Verified, believed, verify};

/// The one answer to whatever is not believed.
const REFUSED: &str = "the delivery could not be verified";
/// When to come again while the spool is full, or its disk fails.
const LATER: Duration = Duration::from_secs(30);

/// `GET /webhooks`.
pub(super) async fn providers(State(shared): State<Arc<Shared>>) -> Response {
    let names: Vec<&str> = shared.providers.iter().map(|provider| provider.name.as_str()).collect();
    answer(StatusCode::OK, &json!({ "ok": true, "providers": names }))
}

/// `GET /webhooks/{provider}`.
pub(super) async fn challenge(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let Some(provider) = shared.providers.get(&name) else { return unknown() };
    let from = shared.address(peer.ip(), &headers);
    if let Err(too_much) = shared.meter().take(shared.began.elapsed(), &name, from) {
        shared.counters.verdict(&name, &format!("limited-{}", too_much.word()));
        let error = "too many requests";
        return refusal(StatusCode::TOO_MANY_REQUESTS, error, Some(too_much.later()));
    }
    if let Some((kind, body)) = provider.challenge(&query, &*shared.secrets) {
        shared.counters.verdict(&name, "handshake");
        return text(StatusCode::OK, kind, body);
    }
    let error = "deliveries are sent with POST";
    let mut response = refusal(StatusCode::METHOD_NOT_ALLOWED, error, None);
    response.headers_mut().insert(axum::http::header::ALLOW, HeaderValue::from_static("POST"));
    response
}

fn unknown() -> Response {
    refusal(StatusCode::NOT_FOUND, "there is no such provider", None)
}

/// `POST /webhooks/{provider}`.
pub(super) async fn deliver(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(provider) = shared.providers.get(&name) else { return unknown() };
    let from = shared.address(peer.ip(), &headers);
    let span = tracing::info_span!("delivery", provider = name.as_str());
    let trace = Trace::of(&headers, &span);
    let outcome = take(&shared, provider, from, &headers, body, &trace).instrument(span.clone());
    let outcome = outcome.await;
    span.set_attribute("verdict", outcome.verdict.clone());
    shared.counters.verdict(&name, &outcome.verdict);
    let mut response = outcome.response;
    if let Ok(value) = HeaderValue::try_from(&trace.id) {
        response.headers_mut().insert(HeaderName::from_static("x-trace-id"), value);
    }
    response
}

/// What became of a delivery.
struct Outcome {
    verdict: String,
    response: Response,
}

impl Outcome {
    fn new(verdict: impl Into<String>, response: Response) -> Self {
        Self { verdict: verdict.into(), response }
    }

    fn refused(verdict: impl Into<String>, status: StatusCode, error: &str) -> Self {
        Self::new(verdict, refusal(status, error, None))
    }

    fn later(verdict: impl Into<String>, status: StatusCode, error: &str, later: Duration) -> Self {
        Self::new(verdict, refusal(status, error, Some(later)))
    }
}

async fn take(
    shared: &Shared,
    provider: &Provider,
    from: IpAddr,
    headers: &HeaderMap,
    body: Body,
    trace: &Trace,
) -> Outcome {
    let name = provider.name.as_str();
    if let Err(too_much) = shared.meter().take(shared.began.elapsed(), name, from) {
        let verdict = format!("limited-{}", too_much.word());
        return Outcome::later(
            verdict,
            StatusCode::TOO_MANY_REQUESTS,
            "too many deliveries",
            too_much.later(),
        );
    }
    let Some(_turn) = shared.turns.enter(from) else {
        return Outcome::later(
            "limited-at-once",
            StatusCode::SERVICE_UNAVAILABLE,
            "too many deliveries at once",
            Duration::from_secs(1),
        );
    };
    let body = match read(shared, headers, body).await {
        Ok(body) => body,
        Err(outcome) => {
            // Whoever is slow holds a place that others could have.
            if outcome.response.status() == StatusCode::REQUEST_TIMEOUT {
                shared.meter().refused(shared.began.elapsed(), from);
            }
            return outcome;
        }
    };
    let delivery = Delivery {
        headers: Headers::new(
            headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())),
        ),
        body,
        at: Timestamp::now(),
        from,
    };
    let verified = match &provider.trust {
        Trust::Everybody => Ok(believed(&delivery)),
        Trust::Signed(checks) => verify(checks, &delivery, &*shared.secrets),
    };
    let verified = match verified {
        Ok(verified) => verified,
        Err(refused) => {
            shared.meter().refused(shared.began.elapsed(), from);
            tracing::warn!(provider = name, %from, trace = trace.id, bytes = delivery.body.len(), "a delivery was refused: {refused}");
            return Outcome::refused(
                format!("refused-{}", refused.word()),
                StatusCode::UNAUTHORIZED,
                REFUSED,
            );
        }
    };
    match events(provider, verified) {
        Ok(Found::Echo(words)) => {
            Outcome::new("handshake", text(StatusCode::OK, "text/plain; charset=utf-8", words))
        }
        Ok(Found::Events(events)) if events.is_empty() => {
            let note = "nothing of what this provider sends is meant by it";
            Outcome::new(
                "ignored",
                answer(StatusCode::OK, &json!({ "ok": true, "events": 0, "note": note })),
            )
        }
        Ok(Found::Events(events)) => keep(shared, provider, &delivery, events, trace).await,
        Err(error) => {
            tracing::warn!(
                provider = name,
                trace = trace.id,
                sha256 = delivery.sha256(),
                bytes = delivery.body.len(),
                "a delivery was believed and cannot be used: {error}"
            );
            Outcome::refused("failed", StatusCode::BAD_REQUEST, &error.to_string())
        }
    }
}

/// The body, whole, or why it is not taken.
async fn read(shared: &Shared, headers: &HeaderMap, body: Body) -> Result<Bytes, Outcome> {
    let limits = &shared.limits;
    let too_large =
        || Outcome::refused("too-large", StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
    let told =
        headers.get(axum::http::header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if told.and_then(|told| told.parse::<usize>().ok()).is_some_and(|told| told > limits.body) {
        return Err(too_large());
    }
    match tokio::time::timeout(limits.patience, to_bytes(body, limits.body)).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(error)) => {
            let mut reason: &dyn std::error::Error = &error;
            while let Some(source) = reason.source() {
                reason = source;
            }
            if reason.to_string().contains("limit") {
                return Err(too_large());
            }
            Err(Outcome::refused("broken", StatusCode::BAD_REQUEST, "the body broke off"))
        }
        Err(_) => {
            Err(Outcome::refused("too-slow", StatusCode::REQUEST_TIMEOUT, "the body took too long"))
        }
    }
}

enum Found {
    Echo(String),
    Events(Vec<Shaped>),
}

fn events(provider: &Provider, verified: Verified<'_>) -> Result<Found, ShapeError> {
    let parsed = shape::parse(verified);
    let nothing = serde_json::Value::Null;
    // A handshake may come without a body.
    let read = Read::of(verified, parsed.as_ref().unwrap_or(&nothing));
    if let Some(words) = provider.echo(read) {
        return Ok(Found::Echo(words));
    }
    let body = parsed?;
    let read = Read::of(verified, &body);
    Ok(Found::Events(shape::shape(&provider.rules, read)?.into_iter().collect()))
}

/// Success is said only when everything is on disk.
async fn keep(
    shared: &Shared,
    provider: &Provider,
    delivery: &Delivery,
    events: Vec<Shaped>,
    trace: &Trace,
) -> Outcome {
    let (name, count) = (provider.name.as_str(), events.len());
    let mut entries = Vec::with_capacity(count);
    for event in events {
        match shape::event(name, &provider.prefix, event, delivery) {
            Ok(event) => {
                let entry = Entry::new(name, &event, delivery.at, trace.id.clone());
                entries.push(entry.within(trace.span.clone()));
            }
            Err(error) => {
                tracing::warn!(
                    provider = name,
                    trace = trace.id,
                    "a delivery was believed and cannot be used: {error}"
                );
                return Outcome::refused("failed", StatusCode::BAD_REQUEST, &error.to_string());
            }
        }
    }
    match shared.spool.put(entries, false).await {
        Ok(kept) => {
            let repeat = kept == Kept::Repeat;
            let verdict = if repeat { "repeat" } else { "accepted" };
            tracing::debug!(
                provider = name,
                trace = trace.id,
                events = count,
                repeat,
                "a delivery was accepted"
            );
            let body = json!({ "ok": true, "events": count, "repeat": repeat });
            Outcome::new(verdict, answer(StatusCode::OK, &body))
        }
        Err(error @ SpoolError::Full(_)) => {
            tracing::error!(provider = name, trace = trace.id, "a delivery was sent away: {error}");
            Outcome::later("full", StatusCode::SERVICE_UNAVAILABLE, "no room at the moment", LATER)
        }
        Err(error) => {
            tracing::error!(provider = name, trace = trace.id, "a delivery was sent away: {error}");
            Outcome::later(
                "not-kept",
                StatusCode::SERVICE_UNAVAILABLE,
                "it could not be kept",
                LATER,
            )
        }
    }
}
