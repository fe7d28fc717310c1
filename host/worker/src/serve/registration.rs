//! Introspection (GET) and requests to sync (PUT).

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use jiff::Timestamp;
use protocol::header;
use protocol::introspect::{Asked, Introspection};
use protocol::signature::{SignatureError, SigningKey, Verified, verify};
use protocol::sync::{Announced, InBand, InBandRequest};
use serde::Serialize;

use super::{Shared, query_member, signature, signed_json};
use crate::handle::Worker;
use crate::server_api::SyncRequest;
use crate::sync::{RegisterError, SyncState};
use crate::{health, respond};

/// `GET`: what this worker is.
pub(super) async fn introspect(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let worker = &shared.standing.worker;
    let signature = signature(&headers);
    let verified = verify(signature, Bytes::new(), Timestamp::now(), &worker.options.trust);
    let asked = match &verified {
        Ok(verified) if verified.key().is_some() => Asked::Believed,
        Err(_) if signature.is_some() => Asked::Disbelieved,
        Ok(_) | Err(_) => Asked::Unsigned,
    };
    let functions = shared.standing.announced.borrow().functions.len();
    let body = introspection(worker, functions).body(asked);
    signed_json(StatusCode::OK, body, verified.ok().as_ref().and_then(Verified::key))
}

fn introspection(worker: &Worker, functions: usize) -> Introspection<'_> {
    let options = &worker.options;
    Introspection {
        app: &options.app,
        functions,
        capabilities: options.capabilities(),
        trust: &options.trust,
        event_key: options.event_key.as_deref(),
        api_origin: options.api_origin.as_str(),
        event_api_origin: options.event_api_origin.as_str(),
        env: options.env.as_deref(),
        serve_origin: options.serve_origin.as_ref().map(url::Url::as_str),
        serve_path: options.serve_path.as_deref(),
    }
}

/// `PUT`: a request to tell what we have, to our own server or to whoever asks and is believed.
pub(super) async fn sync(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let options = &shared.standing.worker.options;
    let Some(registrar) = &shared.registrar else {
        // Whatever we told would change the registration that our connection made.
        let message = "this worker is registered by its own connection to the server; there is nothing to sync here";
        return respond::refusal(StatusCode::CONFLICT, "Connected", message);
    };
    if registrar.has_stood_down() {
        return respond::refusal(
            StatusCode::CONFLICT,
            "StoodDown",
            RegisterError::StoodDown.to_string(),
        );
    }
    let Ok(body) = to_bytes(body, options.body_limit).await else {
        let status = StatusCode::PAYLOAD_TOO_LARGE;
        return respond::refusal(status, "TooLarge", "the body is too large");
    };
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let signature = signature(&headers);
    let verified = verify(signature, body, Timestamp::now(), &options.trust);
    if options.in_band_sync && text(header::SYNC_KIND) == Some(Kind::InBand.name()) {
        return in_band(&shared, verified);
    }
    // An unsigned request only makes us tell our own server what we have. A signature, if there is one, must fit.
    let verified = match verified {
        Ok(verified) => Some(verified),
        Err(_) if signature.is_none() => None,
        Err(error) => {
            tracing::warn!(%error, "refused a request to sync");
            return respond::unauthorized();
        }
    };
    let asked = SyncRequest {
        server_kind: text(header::SERVER_KIND).map(str::to_owned),
        deploy_id: query_member(query.as_deref().unwrap_or_default(), "deployId"),
    };
    let (status, message, modified) = match registrar.register(&asked).await {
        Ok(synced) => (StatusCode::OK, "Successfully synced.".to_owned(), synced.modified),
        Err(error) => {
            tracing::warn!(%error, "a requested sync failed");
            let status = match &error {
                RegisterError::Server(_) => StatusCode::INTERNAL_SERVER_ERROR,
                RegisterError::Owned(_) | RegisterError::StoodDown => StatusCode::CONFLICT,
            };
            (status, error.to_string(), false)
        }
    };
    let answer = Told { message, modified, refused: health::refusals(&shared.standing.worker) };
    Kind::OutOfBand.answer(status, &answer, verified.as_ref().and_then(Verified::key))
}

/// The answer to a sync that went to our own server.
#[derive(Serialize)]
struct Told {
    message: String,
    modified: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<String>,
}

/// Why a sync in band is refused.
#[derive(Serialize)]
struct Refused {
    code: &'static str,
    message: String,
}

/// The functions go to whoever asks, so that has to be somebody who shares our key.
fn in_band(shared: &Shared, verified: Result<Verified<Bytes>, SignatureError>) -> Response {
    let worker = &shared.standing.worker;
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => {
            tracing::warn!(%error, "refused a request to sync in band");
            let message = "the request is not signed with this worker's key".to_owned();
            let refused = Refused { code: "unauthorized", message };
            return Kind::InBand.answer(StatusCode::UNAUTHORIZED, &refused, None);
        }
    };
    let key = verified.key();
    let request = match InBandRequest::parse(verified.body()) {
        Ok(request) => request,
        Err(message) => {
            let refused = Refused { code: "invalid_request", message };
            return Kind::InBand.answer(StatusCode::BAD_REQUEST, &refused, key);
        }
    };
    // Whoever asks would register what it is told.
    if let SyncState::Blocked { conflicts, .. } = &*shared.standing.registration.borrow() {
        let message = RegisterError::Owned(conflicts.clone()).to_string();
        let refused = Refused { code: "function_owned_by_another_app", message };
        return Kind::InBand.answer(StatusCode::CONFLICT, &refused, key);
    }
    let asked = if key.is_some() { Asked::Believed } else { Asked::Unsigned };
    let announced: Arc<Announced> = Arc::clone(&shared.standing.announced.borrow());
    let answer = InBand::new(
        &introspection(worker, announced.functions.len()),
        asked,
        worker.options.app_version.as_deref(),
        &request.url,
        &announced,
    );
    Kind::InBand.answer(StatusCode::OK, &answer, key)
}

/// In which way a sync goes.
#[derive(Debug, Clone, Copy)]
enum Kind {
    InBand,
    OutOfBand,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::InBand => "in_band",
            Self::OutOfBand => "out_of_band",
        }
    }

    fn answer<T: Serialize>(
        self,
        status: StatusCode,
        body: &T,
        key: Option<&SigningKey>,
    ) -> Response {
        let body = serde_json::to_vec(body).expect("all keys are strings");
        let mut response = signed_json(status, body, key);
        response.headers_mut().insert(header::SYNC_KIND, HeaderValue::from_static(self.name()));
        response
    }
}
