//! The HTTP routes, in the shapes of the real server.

mod answer;
mod apps;
mod checkpoint;
mod connect;
mod events;
mod history;
mod lists;
mod page;
mod register;
mod runs;
mod second;
mod signals;
mod state;
mod trace;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use protocol::signature::SigningKey;

use crate::driver::Handle;
use crate::gateway::Gateway;

pub(crate) use self::page::{Page, Workers};

/// The largest request taken in: one event may have 3 MiB, and a request several.
const LARGEST_REQUEST: usize = 16 * 1024 * 1024;

/// Who may do what.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    pub(crate) signing_key: Option<SigningKey>,
    pub(crate) event_keys: Vec<String>,
    /// `dev` or `cloud`.
    pub(crate) kind: &'static str,
}

/// What every route needs.
#[derive(Clone)]
struct Shared {
    engine: Handle,
    gateway: Arc<Gateway>,
    access: Arc<Access>,
    page: Arc<Page>,
}

/// All routes.
pub(crate) fn router(engine: Handle, gateway: Arc<Gateway>, access: Access, page: Page) -> Router {
    let shared = Shared { engine, gateway, access: Arc::new(access), page: Arc::new(page) };
    let guarded = Router::new()
        .route("/fn/register", post(register::register))
        .route("/dev", get(register::dev))
        .route("/v0/connect/start", post(connect::start))
        .route("/v0/connect/flush", post(connect::flush))
        .route("/v0/connect/envs/{env}/conns", get(connect::connections))
        .route("/v1/events", get(history::events))
        .route("/v1/events/{id}", get(events::event))
        .route("/v1/events/{id}/runs", get(runs::of_event))
        .route("/v1/runs/{id}", get(runs::one).delete(runs::cancel))
        .route("/v1/apps/{app}/functions", get(apps::functions))
        .route("/v1/signals", post(signals::send))
        .route("/v1/checkpoint/{run}/async", post(checkpoint::store))
        .route("/v2/apps", get(apps::all))
        .route("/v2/apps/{app}", get(apps::one))
        .route("/v2/apps/{app}/functions", get(apps::page))
        .route("/v2/apps/{app}/functions/{function}/runs", get(lists::of_function))
        .route("/v2/runs", get(lists::all))
        .route("/v2/runs/{id}", get(runs::summarized))
        .route("/v2/runs/{id}/trace", get(trace::of_run))
        .route("/v2/runs/{id}/cancel", post(runs::stop))
        .route("/v2/runs/{id}/rerun", post(runs::again))
        .route("/v0/runs/{id}", delete(runs::cancel))
        .route("/v0/runs/{id}/actions", get(state::actions))
        .route("/v0/runs/{id}/batch", get(state::batch))
        .layer(middleware::from_fn_with_state(shared.clone(), guard));
    Router::new()
        .route("/health", get(register::health))
        .route("/e/{key}", post(events::send))
        .merge(guarded)
        .merge(page::router(shared.clone()))
        .fallback(unknown)
        .layer(DefaultBodyLimit::max(LARGEST_REQUEST))
        .layer(middleware::from_fn(refuse_pages))
        .layer(middleware::from_fn_with_state(shared.clone(), name_the_kind))
        .with_state(shared)
}

/// What the real server may have and this one does not.
async fn unknown(request: Request) -> answer::Fault {
    let message = format!(
        "the development engine has no route {} {}; use a real Inngest server for it",
        request.method(),
        request.uri().path()
    );
    answer::Fault::new(StatusCode::NOT_FOUND, message)
}

/// Lets pass whoever knows the signing key, if there is one.
async fn guard(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    if let Some(key) = &shared.access.signing_key {
        let authorization = request.headers().get(header::AUTHORIZATION);
        let token = authorization.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        if !token.is_some_and(|token| key.accepts_bearer(token)) {
            return (StatusCode::UNAUTHORIZED, "Authentication failed").into_response();
        }
    }
    next.run(request).await
}

/// Refuses requests that a browser makes for a page from elsewhere: any site could otherwise send events to the
/// engine on its visitor's machine, and so run what these events start.
async fn refuse_pages(request: Request, next: Next) -> Response {
    let origin = request.headers().get(header::ORIGIN);
    if origin.is_none_or(|origin| origin.to_str().is_ok_and(is_local)) {
        return next.run(request).await;
    }
    let message = "the development engine takes no requests from pages of other machines";
    answer::Fault::new(StatusCode::FORBIDDEN, message).into_response()
}

/// Whether an `Origin` is this machine.
pub(crate) fn is_local(origin: &str) -> bool {
    let Ok(origin) = url::Url::parse(origin) else { return false };
    match origin.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

async fn name_the_kind(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let kind = axum::http::HeaderValue::from_static(shared.access.kind);
    response.headers_mut().insert(protocol::header::SERVER_KIND, kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_machine_are_local() {
        for (origin, local) in [
            ("http://localhost:5173", true),
            ("http://127.0.0.1", true),
            ("http://[::1]:8288", true),
            ("https://example.com", false),
            ("http://localhost.example.com", false),
            ("http://192.168.1.2", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(is_local(origin), local, "{origin}");
        }
    }
}
