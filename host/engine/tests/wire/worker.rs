//! A worker whose functions are closures over the call's JSON.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use protocol::call::Route;
use protocol::id::StepId;
use protocol::signature::{Keys, SigningKey, Trust, verify};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// One call as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub slug: String,
    pub target: Option<StepId>,
    pub headers: HeaderMap,
    pub body: Value,
}

/// What a function answers.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, &'static str)>,
    pub body: Value,
}

impl Seen {
    /// The memo of a step.
    pub fn memo(&self, name: &str) -> Option<&Value> {
        self.body["steps"].get(StepId::hash(name).to_string())
    }

    pub fn attempt(&self) -> u64 {
        self.body["ctx"]["attempt"].as_u64().expect("an attempt")
    }
}

pub fn done(body: Value) -> Answer {
    Answer { status: 200, headers: Vec::new(), body }
}

pub fn ops(ops: &[Value]) -> Answer {
    Answer { status: 206, headers: Vec::new(), body: json!(ops) }
}

pub fn op(code: &str, name: &str, rest: &Value) -> Value {
    let mut op = json!({"op": code, "id": StepId::hash(name), "displayName": name, "name": name});
    for (key, value) in rest.as_object().expect("an object") {
        op[key] = value.clone();
    }
    op
}

pub fn ran(name: &str, data: &Value) -> Answer {
    ops(&[op("StepRun", name, &json!({"data": data}))])
}

type Function = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

#[derive(Clone)]
struct Shared {
    function: Function,
    calls: Arc<Mutex<Vec<Seen>>>,
    trust: Trust,
    told: Told,
}

/// What it answers at the routes for operators; nothing before it is given.
type Told = Arc<Mutex<BTreeMap<&'static str, Value>>>;

/// A worker on a real socket.
pub struct Worker {
    pub address: SocketAddr,
    calls: Arc<Mutex<Vec<Seen>>>,
    stop: CancellationToken,
    told: Told,
}

impl Worker {
    pub async fn start(
        key: Option<&SigningKey>,
        function: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::start_on("127.0.0.1:0".parse().expect("an address"), key, function).await
    }

    pub async fn start_on(
        address: SocketAddr,
        key: Option<&SigningKey>,
        function: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let calls = Arc::new(Mutex::new(Vec::new()));
        let trust = key
            .map_or(Trust::Dev, |key| Trust::Signed(Keys { primary: key.clone(), fallback: None }));
        let (function, told) = (Arc::new(function), Told::default());
        let shared = Shared { function, calls: Arc::clone(&calls), trust, told: Arc::clone(&told) };
        let router = Router::new()
            .route("/api/inngest", post(serve))
            .route("/api/{what}", get(tell))
            .layer(DefaultBodyLimit::disable())
            .with_state(shared);
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(stopped).await.expect("serving");
        });
        Self { address, calls, stop, told }
    }

    pub fn calls(&self) -> Vec<Seen> {
        self.calls.lock().expect("no panic").clone()
    }

    /// What it answers at `/api/…` from now on.
    pub fn tells(&self, what: &'static str, told: Value) {
        self.told.lock().expect("no panic").insert(what, told);
    }

    /// A function of this worker as a sync names it.
    pub fn function(&self, slug: &str, triggers: &Value, retries: u32) -> Value {
        let url = format!("http://{}/api/inngest?fnId={slug}&stepId=step", self.address);
        json!({
            "id": slug, "name": slug, "triggers": triggers,
            "steps": {"step": {"id": "step", "name": "step",
                "runtime": {"type": "http", "url": url}, "retries": {"attempts": retries}}},
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn tell(
    State(shared): State<Shared>,
    Path(what): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = query.is_some_and(|query| query.starts_with("run=01"));
    assert_eq!(asked, what == "logs", "a run is what it is asked for the logs of");
    let told = shared.told.lock().expect("no panic").get(&*what).cloned();
    told.map_or(StatusCode::NOT_FOUND.into_response(), |told| axum::Json(told).into_response())
}

async fn serve(
    State(shared): State<Shared>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let signature = headers.get(protocol::header::SIGNATURE).and_then(|s| s.to_str().ok());
    if let Err(error) = verify(signature, body.clone(), Timestamp::now(), &shared.trust) {
        return (StatusCode::UNAUTHORIZED, error.to_string()).into_response();
    }
    let route = Route::parse(&query.unwrap_or_default()).expect("a route");
    let body = serde_json::from_slice(&body).expect("JSON");
    let seen = Seen { slug: route.slug, target: route.target, headers, body };
    shared.calls.lock().expect("no panic").push(seen.clone());
    let function = Arc::clone(&shared.function);
    let answer = tokio::task::spawn_blocking(move || function(&seen)).await.expect("an answer");
    let status = StatusCode::from_u16(answer.status).expect("a status");
    let mut response = (status, axum::Json(answer.body)).into_response();
    let fixed = [("x-inngest-sdk", "test:v1"), ("x-inngest-req-version", "2")];
    for (name, value) in fixed.into_iter().chain(answer.headers) {
        response.headers_mut().insert(name, value.parse().expect("a header"));
    }
    response
}
