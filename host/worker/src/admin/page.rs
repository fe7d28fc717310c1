//! `GET /page` and what is below it: the worker's functions and generations for people. It changes nothing.
//!
//! | route | what it shows |
//! | --- | --- |
//! | `GET /page` | what `/api/functions` tells |
//! | `GET /page/generations` | what `/api/generations` tells |

use std::sync::Arc;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use page::document::{View, document};
use page::functions::{App, Function, Placed};
use page::generations::{Generations, Worker};
use page::{Site, assets};
use protocol::header;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Admin, functions, generations};

/// What a browser is asked for: the token, as the password of anybody.
pub(super) const ASKS: &str = "Basic realm=\"system-bus worker\", charset=\"UTF-8\"";

const BASE: &str = "/page";

/// What `/api/functions` tells, as far as it is shown.
#[derive(Deserialize)]
struct Told {
    app: String,
    role: String,
    functions: Vec<Placed>,
    elsewhere: Vec<Placed>,
}

/// The routes. Whoever adds them says who may use them.
pub(super) fn router() -> Router<Arc<Admin>> {
    let style = async || asset("text/css; charset=utf-8", assets::STYLE);
    let script = async || asset("text/javascript; charset=utf-8", assets::SCRIPT);
    Router::new()
        .route(BASE, get(show_functions))
        .route(&format!("{BASE}/generations"), get(show_generations))
        .route(&format!("{BASE}{}", assets::STYLE_PATH), get(style))
        .route(&format!("{BASE}{}", assets::SCRIPT_PATH), get(script))
}

/// The password of a browser as the token of a program. Only the page takes it so: a browser sends it by itself, also with
/// what another site makes it send, and here nothing can be changed.
pub(super) fn with_token(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    let password = || {
        let given = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?.trim();
        let pair = String::from_utf8(BASE64_STANDARD.decode(given).ok()?).ok()?;
        let (_, password) = pair.split_once(':')?;
        HeaderValue::try_from(format!("Bearer {password}")).ok()
    };
    if let Some(token) = password() {
        headers.insert(AUTHORIZATION, token);
    }
    headers
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(CONTENT_TYPE, kind)], text).into_response()
}

async fn show_functions(State(admin): State<Arc<Admin>>) -> Response {
    let told: Told = match read(functions::functions(State(Arc::clone(&admin))).await).await {
        Ok(told) => told,
        Err(fault) => return fault,
    };
    let shown = |slug: fn(&str, &str) -> String, placed: Placed| Function {
        slug: slug(&told.app, &placed.id),
        name: if placed.name.is_empty() { placed.id.clone() } else { placed.name.clone() },
        triggers: triggers(&admin, &placed.id),
        placed: Some(placed),
    };
    let here = |app: &str, id: &str| format!("{app}-{id}");
    let there = |_: &str, id: &str| id.to_owned();
    let mut apps = vec![App {
        name: format!("{} ({} worker)", told.app, told.role),
        functions: told.functions.iter().cloned().map(|placed| shown(here, placed)).collect(),
        ..App::default()
    }];
    if !told.elsewhere.is_empty() {
        apps.push(App {
            name: "At home in the other role".to_owned(),
            functions: told.elsewhere.iter().cloned().map(|placed| shown(there, placed)).collect(),
            ..App::default()
        });
    }
    let body = page::functions::view(&apps, BASE, false);
    answer(&View { title: "Functions".to_owned(), of: "", live: true, body })
}

/// What starts a function.
fn triggers(admin: &Admin, id: &str) -> Vec<String> {
    let present = admin.worker.registry.present();
    let found = present.functions().find(|(other, _)| other.as_str() == id);
    let config = found.and_then(|(id, active)| active.config(id));
    let triggers = config.map(|config| config.triggers.as_slice()).unwrap_or_default();
    let named = triggers.iter().map(|trigger| match trigger {
        protocol::function::Trigger::Event { event, .. } => event.to_string(),
        protocol::function::Trigger::Cron { schedule, .. } => schedule.as_str().to_owned(),
        protocol::function::Trigger::FailureOf(other) => format!("failure of {other}"),
    });
    named.collect()
}

async fn show_generations(State(admin): State<Arc<Admin>>) -> Response {
    let app = admin.worker.options.app.as_str().to_owned();
    let told: Generations = match read(generations::generations(State(admin)).await).await {
        Ok(told) => told,
        Err(fault) => return fault,
    };
    let body = page::generations::view(&[Worker { apps: vec![app], told: Ok(told) }]);
    let title = "Generations".to_owned();
    answer(&View { title, of: "/generations", live: true, body })
}

/// What a route for programs tells: the page shows nothing that they do not get.
async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Response> {
    let fault = |reason: String| {
        let message = format!("what the worker tells cannot be shown: {reason}");
        super::refusal(StatusCode::INTERNAL_SERVER_ERROR, "page", message)
    };
    let body = to_bytes(response.into_body(), usize::MAX).await;
    let body = body.map_err(|error| fault(error.to_string()))?;
    serde_json::from_slice(&body).map_err(|error| fault(error.to_string()))
}

fn answer(view: &View) -> Response {
    let site = Site {
        what: "worker".to_owned(),
        base: BASE,
        views: &[("", "Functions"), ("/generations", "Generations")],
        note: "This page changes nothing. Runs are shown by their server.",
    };
    Html(document(&site, view)).into_response()
}

/// Adds what every answer of the page carries, and what every answer of a worker does.
pub(super) fn with_headers(mut response: Response) -> Response {
    response.headers_mut().insert(header::SDK, HeaderValue::from_static(protocol::SDK));
    for (name, value) in assets::HEADERS {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
