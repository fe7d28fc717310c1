//! The worker's handler without a component: the same wire, the same decisions and the same function, all of it native.
//!
//! What it does not do is what components cost: an instance, and everything that crosses its border.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawQuery, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::post;
use jiff::Timestamp;
use protocol::call::{Call, Route};
use protocol::directory::Directory;
use protocol::header;
use protocol::id::AppId;
use protocol::outcome::Outcome;
use protocol::replay::{Decision, Found, Replay, Rigour, Stop, answer_from_memo};
use protocol::reply::Reply;
use protocol::signature::{Trust, verify};
use serde::Deserialize;
use serde_json::Value;

use crate::serve::APP;

#[derive(Clone)]
struct Shared(Arc<(AppId, Trust)>);

/// The router of the plain server.
pub(crate) fn router(trust: Trust) -> Router {
    let app = APP.parse().expect("an id");
    Router::new()
        .route(worker::options::SERVE_PATH, post(call))
        .with_state(Shared(Arc::new((app, trust))))
}

async fn call(
    State(Shared(shared)): State<Shared>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let (app, trust) = &*shared;
    let json = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if json.is_none_or(|essence| !essence.eq_ignore_ascii_case("application/json")) {
        return empty(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let Ok(body) = to_bytes(body, worker::options::BODY_LIMIT).await else {
        return empty(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let signature = headers.get(header::SIGNATURE).and_then(|value| value.to_str().ok());
    let Ok(verified) = verify(signature, body, Timestamp::now(), trust) else {
        return empty(StatusCode::UNAUTHORIZED);
    };
    let decoded = Route::parse(query.as_deref().unwrap_or_default())
        .and_then(|route| Call::decode(route, &verified));
    let Ok(call) = decoded else { return empty(StatusCode::BAD_REQUEST) };
    let terms = call.terms();
    let outcome = match app.function_of(&call.route.slug) {
        Some("replays") => answer_from_memo(&call).or_else(|| replays(Arc::new(call), app)),
        _ => None,
    };
    let Some(outcome) = outcome else { return empty(StatusCode::INTERNAL_SERVER_ERROR) };

    let reply = Reply::of(outcome, terms);
    let mut builder =
        Response::builder().status(reply.status).header(CONTENT_TYPE, "application/json");
    for (name, value) in reply.headers() {
        builder = builder.header(name, value);
    }
    if let Some(key) = verified.key() {
        builder = builder.header(header::SIGNATURE, key.sign(&reply.body, Timestamp::now()));
    }
    builder.body(Body::from(reply.body)).expect("headers of text")
}

fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

#[derive(Deserialize)]
struct Event {
    data: Value,
}

/// The memo of one step, as in `functions/testing/guests/bench.rs`.
#[derive(Deserialize)]
#[expect(dead_code, reason = "decoding it is the work")]
struct Record {
    id: String,
    name: String,
    count: u64,
    ratio: f64,
    done: bool,
    tags: Vec<String>,
}

/// The function `replays` of `functions/testing/guests/bench.rs`, against the same decisions. None where a decision
/// is not the one that the benchmark's calls lead to.
fn replays(call: Arc<Call>, app: &AppId) -> Option<Outcome> {
    let event: Event = serde_json::from_str(call.event()).ok()?;
    let steps = event.data["steps"].as_u64().unwrap_or(0);
    let mut replay = Replay::new(call, Arc::new(Directory::new(app.clone())), Rigour::Lenient);
    let mut sum = 0;
    for n in 0..steps {
        let name = format!("item[{n}]");
        match replay.next([Found { name: &name, kind: "run", options: "" }], &[]).ok()? {
            Decision::Resolve { value: Ok(memo), .. } => {
                sum += serde_json::from_str::<Record>(memo).ok()?.count;
            }
            _ => return None,
        }
    }
    std::hint::black_box(sum);
    let both = ["a", "b"].map(|name| Found { name, kind: "run", options: "" });
    match replay.next(both, &[]).ok()? {
        Decision::Stop(Stop::Outcome(outcome)) => Some(outcome),
        _ => None,
    }
}
