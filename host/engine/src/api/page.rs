//! The page: runs, events, functions and generations for people, and forms to send, cancel and repeat.
//!
//! Views are made by the crate `page`; here are their routes, what they read, and who may use them.

mod events;
mod form;
mod functions;
mod guard;
mod logs;
mod run;
mod runs;
mod sending;
mod workers;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use page::document::{View, document};
use page::{Site, assets};

use super::Shared;
use crate::driver::Stopped;
use crate::entropy::Entropy;
use crate::options::Sample;

pub(crate) use workers::Workers;

/// How many rows a list shows at once.
const ROWS: usize = 50;

/// What the page needs beside the engine.
pub(crate) struct Page {
    /// What its forms carry, so that no other page can make one.
    token: String,
    /// Whether a browser must know the signing key.
    guarded: bool,
    workers: Workers,
    samples: Vec<Sample>,
}

impl Page {
    pub(crate) fn new(
        entropy: &mut dyn Entropy,
        guarded: bool,
        workers: Workers,
        samples: Vec<Sample>,
    ) -> Self {
        Self { token: format!("{:032x}", entropy.bits()), guarded, workers, samples }
    }
}

/// The routes of the page.
pub(super) fn router(shared: Shared) -> Router<Shared> {
    Router::new()
        .route("/", get(runs::list))
        .route("/runs/{id}", get(run::show))
        .route("/runs/{id}/cancel", post(run::cancel))
        .route("/runs/{id}/rerun", post(run::rerun))
        .route("/runs/{id}/steps/{step}", get(run::step))
        .route("/events", get(events::list))
        .route("/events/{id}", get(events::show))
        .route("/send", get(sending::show).post(sending::send))
        .route("/functions", get(functions::functions))
        .route("/generations", get(functions::generations))
        .route(assets::STYLE_PATH, get(async || asset("text/css; charset=utf-8", assets::STYLE)))
        .route(
            assets::SCRIPT_PATH,
            get(async || asset("text/javascript; charset=utf-8", assets::SCRIPT)),
        )
        .layer(middleware::from_fn_with_state(shared, guard::guard))
}

const SITE: fn() -> Site = || Site {
    what: "development engine".to_owned(),
    base: "",
    views: &[
        ("/", "Runs"),
        ("/events", "Events"),
        ("/send", "Send an event"),
        ("/functions", "Functions"),
        ("/generations", "Generations"),
    ],
    note: "This engine is for development, demos and tests; production needs an Inngest server.",
};

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], text)
}

/// A view as an answer.
fn shown(status: StatusCode, view: &View) -> Response {
    (status, Html(document(&SITE(), view))).into_response()
}

/// Adds what every answer of the page carries.
fn with_headers(mut response: Response) -> Response {
    for (name, value) in assets::HEADERS {
        let name = HeaderName::from_static(name);
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Why a view is not shown, or an action not done.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    message: String,
}

impl Refused {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    fn no_run(id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            format!("There is no run {id}. Ended runs are kept for a week."),
        )
    }
}

impl From<Stopped> for Refused {
    fn from(stopped: Stopped) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, stopped.to_string())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("It did not work").to_owned();
        let mut body = page::Html::new();
        body.leaf("p", &[("class", "error"), ("role", "alert")], self.message);
        body.element("p", &[], |p| {
            p.leaf("a", &[("href", "/")], "To the runs");
        });
        let view = View { title, of: "", live: false, body };
        with_headers(shown(self.status, &view))
    }
}
