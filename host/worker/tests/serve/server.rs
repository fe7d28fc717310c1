//! A server that takes registrations and events, and does with them what a test tells it to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The last part of the path: for events their key.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }
}

/// How requests are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As a server does.
    Well,
    /// With this status and this message, so many times, and well from then on.
    Refusing { status: u16, message: &'static str, times: usize },
}

/// What the server left out of calls because it is large.
#[derive(Debug, Clone)]
pub(crate) struct RunState {
    /// The memos, as JSON.
    pub(crate) actions: String,
    /// The events, as JSON.
    pub(crate) batch: String,
    /// 200 when it tells them.
    pub(crate) status: u16,
    /// Who asked: the path and the bearer.
    pub(crate) asked: Vec<(String, Option<String>)>,
}

#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) registrations: Vec<Seen>,
    pub(crate) events: Vec<Seen>,
    /// The functions it has, as it tells them: `id` is the slug.
    pub(crate) functions: Vec<Value>,
    /// Those of other apps, by the app.
    pub(crate) others: BTreeMap<String, Vec<Value>>,
    /// Its runs: the page that begins after a cursor, and what it was asked with.
    pub(crate) runs: Vec<&'static str>,
    pub(crate) runs_asked: Vec<String>,
    /// The trace of every run.
    pub(crate) trace: Value,
    /// Why it refused the last registration, as it keeps it with the app.
    pub(crate) reason: Option<&'static str>,
    /// Whether it forgets the triggers of what is registered.
    pub(crate) forgetful: bool,
    /// What it left out of calls, and how it tells it.
    pub(crate) state: RunState,
    /// Steps that were stored while their function went on, one entry for each request.
    pub(crate) checkpoints: Vec<Seen>,
    /// How often it was asked which functions it has.
    pub(crate) asked: usize,
    /// Bearers it does not accept.
    pub(crate) revoked: Vec<String>,
    /// Whether it accepts nobody without one.
    pub(crate) guarded: bool,
    pub(crate) on_register: Mood,
    pub(crate) on_events: Mood,
    pub(crate) on_checkpoints: Mood,
}

type Shared = Arc<Mutex<Memory>>;

/// The server. It stops with [`Server::stop`] or with the test.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    memory: Shared,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

/// An address at which nobody listens, and nobody else will.
#[derive(Debug)]
pub(crate) struct Nobody(TcpSocket);

impl Nobody {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        Self(socket)
    }

    /// Where somebody listened who has stopped.
    fn after(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option");
        socket.bind(address).expect("a port that is free again");
        Self(socket)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::start_in_place_of(Nobody::new())
    }

    pub(crate) fn start_in_place_of(nobody: Nobody) -> Self {
        let address = nobody.address();
        // So that whoever comes after it can have the address.
        nobody.0.set_reuseaddr(true).expect("an option");
        let listener = nobody.0.listen(1024).expect("a listener");
        let memory = Arc::new(Mutex::new(Memory {
            registrations: Vec::new(),
            events: Vec::new(),
            checkpoints: Vec::new(),
            functions: Vec::new(),
            others: BTreeMap::new(),
            runs: Vec::new(),
            runs_asked: Vec::new(),
            trace: Value::Null,
            reason: None,
            forgetful: false,
            state: RunState {
                actions: "{}".to_owned(),
                batch: "[]".to_owned(),
                status: 200,
                asked: Vec::new(),
            },
            asked: 0,
            revoked: Vec::new(),
            guarded: false,
            on_register: Mood::Well,
            on_events: Mood::Well,
            on_checkpoints: Mood::Well,
        }));
        let router = Router::new()
            .route("/fn/register", post(register))
            .route("/v1/apps/{app}/functions", get(functions))
            .route("/v2/apps", get(apps))
            .route("/v2/apps/{app}", get(app))
            .route("/v2/apps/{app}/functions/{function}/runs", get(runs))
            .route("/v2/runs/{run}/trace", get(trace))
            .route("/v0/runs/{run}/{part}", get(run_state))
            .route("/e/{key}", post(events))
            .route("/v1/checkpoint/{run}/async", post(checkpoint))
            .with_state(Arc::clone(&memory));
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(stopped).await.expect("serving");
        });
        Self { address, memory, stop, serving }
    }

    /// What it knows, to look at and to change. Not to be kept across an `await`.
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().expect("no panic")
    }

    /// Goes away: whoever calls from now on reaches nobody.
    pub(crate) async fn stop(self) -> Nobody {
        self.stop.cancel();
        self.serving.await.expect("no panic");
        Nobody::after(self.address)
    }
}

impl Mood {
    /// The answer that is not the usual one, where there is one.
    fn answer(&mut self) -> Option<Response> {
        match self {
            Self::Well => None,
            Self::Refusing { times: 0, .. } => {
                *self = Self::Well;
                None
            }
            Self::Refusing { status, message, times } => {
                *times -= 1;
                let status = StatusCode::from_u16(*status).expect("a status");
                Some((status, Json(json!({ "error": message }))).into_response())
            }
        }
    }
}

/// Takes one request after the other, and breaks off in the middle of each answer.
pub(crate) async fn breaking_off() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 16 << 10]).await;
            let half = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"ids\":[";
            let _ = stream.write_all(half.as_bytes()).await;
        }
    });
    address
}

async fn register(
    State(memory): State<Shared>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut memory = memory.lock().expect("no panic");
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let bearer = headers.get("authorization").map(|bearer| bearer.to_str().expect("text"));
    let revoked = bearer.is_some_and(|bearer| {
        memory.revoked.iter().any(|revoked| bearer == format!("Bearer {revoked}"))
    });
    let unknown = memory.guarded && bearer.is_none();
    memory.registrations.push(Seen {
        path: "register".to_owned(),
        query,
        headers,
        body: body.clone(),
    });
    if revoked || unknown {
        return (StatusCode::UNAUTHORIZED, "Authentication failed").into_response();
    }
    if let Some(answer) = memory.on_register.answer() {
        return answer;
    }
    let functions = body["functions"].as_array().expect("functions");
    let forgetful = memory.forgetful;
    let held = |function: &Value| {
        let triggers = if forgetful { json!([]) } else { function["triggers"].clone() };
        json!({ "id": function["id"], "config": { "triggers": triggers } })
    };
    memory.functions = functions.iter().map(held).collect();
    Json(json!({"ok": true, "modified": true})).into_response()
}

async fn functions(State(memory): State<Shared>, Path(app): Path<String>) -> Json<Value> {
    let mut memory = memory.lock().expect("no panic");
    if app != crate::call::APP {
        return Json(memory.others.get(&app).cloned().unwrap_or_default().into());
    }
    memory.asked += 1;
    Json(memory.functions.clone().into())
}

/// All apps, one to a page.
async fn apps(State(memory): State<Shared>, RawQuery(query): RawQuery) -> Json<Value> {
    let memory = memory.lock().expect("no panic");
    let all: Vec<&str> =
        std::iter::once(crate::call::APP).chain(memory.others.keys().map(String::as_str)).collect();
    let query = query.unwrap_or_default();
    let after = query.split('&').find_map(|member| member.strip_prefix("cursor="));
    let at =
        after.and_then(|after| all.iter().position(|app| *app == after)).map_or(0, |at| at + 1);
    let page = json!({"hasMore": at + 1 < all.len(), "cursor": all[at], "limit": 1});
    Json(json!({"data": [{"id": all[at], "functionCount": 1}], "page": page}))
}

/// The runs of any function, two to a page.
async fn runs(
    State(memory): State<Shared>,
    Path((app, function)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Json<Value> {
    let mut memory = memory.lock().expect("no panic");
    let query = query.unwrap_or_default();
    memory.runs_asked.push(format!("{app} {function} {query}"));
    let after = query.split('&').find_map(|member| member.strip_prefix("cursor="));
    let at = after.and_then(|after| memory.runs.iter().position(|run| *run == after));
    let begin = at.map_or(0, |at| at + 1);
    let end = (begin + 2).min(memory.runs.len());
    let page = &memory.runs[begin..end];
    let data: Vec<Value> = page.iter().map(|run| json!({"id": run, "status": "RUNNING"})).collect();
    let more = end < memory.runs.len();
    Json(json!({"data": data, "page": {"hasMore": more, "cursor": page.last(), "limit": 2}}))
}

async fn trace(State(memory): State<Shared>, Path(run): Path<String>) -> Response {
    let trace = memory.lock().expect("no panic").trace.clone();
    if trace.is_null() {
        return (StatusCode::NOT_FOUND, Json(json!({"errors": []}))).into_response();
    }
    Json(json!({"data": {"runId": run, "rootSpan": trace}, "metadata": {}})).into_response()
}

async fn app(State(memory): State<Shared>, Path(app): Path<String>) -> Json<Value> {
    let memory = memory.lock().expect("no panic");
    Json(json!({"data": {"id": app, "latestSync": {"error": memory.reason}}, "metadata": {}}))
}

async fn run_state(
    State(memory): State<Shared>,
    Path((run, part)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let mut memory = memory.lock().expect("no panic");
    let bearer = headers.get("authorization").map(|bearer| bearer.to_str().expect("text"));
    let revoked = bearer.is_some_and(|bearer| {
        memory.revoked.iter().any(|revoked| bearer == format!("Bearer {revoked}"))
    });
    let bearer = bearer.map(str::to_owned);
    memory.state.asked.push((format!("{run}/{part}"), bearer));
    if revoked {
        return (StatusCode::UNAUTHORIZED, "Authentication failed").into_response();
    }
    let status = StatusCode::from_u16(memory.state.status).expect("a status");
    if status != StatusCode::OK {
        return (status, Json(json!({"error": "runtime state is no longer available"})))
            .into_response();
    }
    let told = if part == "actions" { &memory.state.actions } else { &memory.state.batch };
    told.clone().into_response()
}

async fn events(
    State(memory): State<Shared>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut memory = memory.lock().expect("no panic");
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let count = body.as_array().expect("events").len();
    memory.events.push(Seen { path, query: None, headers, body });
    if let Some(answer) = memory.on_events.answer() {
        return answer;
    }
    let ids: Vec<_> = (0..count).map(|n| format!("01M81GXWDSDGCZ96C9KR1PCRG{n}")).collect();
    Json(json!({"ids": ids, "status": 200})).into_response()
}

async fn checkpoint(
    State(memory): State<Shared>,
    Path(path): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut memory = memory.lock().expect("no panic");
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    memory.checkpoints.push(Seen { path, query: None, headers, body });
    memory.on_checkpoints.answer().unwrap_or_else(|| StatusCode::OK.into_response())
}
