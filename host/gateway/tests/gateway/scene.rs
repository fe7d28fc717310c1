//! A gateway, an event API that does what a test wants, and a sender.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use gateway::limits::Limits;
use gateway::spool::SpoolOptions;
use gateway::testing::{Known, Signed};
use gateway::{EventApi, Gateway, Options, Providers};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the event API does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Answers with this status and takes nothing.
    Ill(u16),
    /// Takes everything, and the answer is lost on the way.
    Forgetful,
}

/// The event API: what it took, by the id that it would give it.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<Taken>,
    task: JoinHandle<()>,
}

struct Taken {
    mood: Mutex<Mood>,
    events: Mutex<Vec<(String, Value)>>,
    requests: Mutex<Vec<usize>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let state = Arc::new(Taken {
            mood: Mutex::new(Mood::Well),
            events: Mutex::default(),
            requests: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/e/{key}", post(events)).with_state(Arc::clone(&state));
        let task =
            tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
        Self { address, state, task }
    }

    pub(crate) fn be(&self, mood: Mood) {
        *self.state.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// What it took, in its order: each event once for each id that it would have.
    pub(crate) fn events(&self) -> Vec<Value> {
        let events = self.state.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.iter().map(|(_, event)| event.clone()).collect()
    }

    pub(crate) fn requests(&self) -> Vec<usize> {
        self.state.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has so many.
    pub(crate) async fn has(&self, count: usize) -> Vec<Value> {
        for _ in 0..2000 {
            let events = self.events();
            if events.len() >= count {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the server has {} of {count} events", self.events().len());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn events(
    State(taken): State<Arc<Taken>>,
    headers: HeaderMap,
    body: Json<Vec<Value>>,
) -> Response {
    let mood = *taken.mood.lock().unwrap_or_else(PoisonError::into_inner);
    taken.requests.lock().unwrap_or_else(PoisonError::into_inner).push(body.len());
    if let Mood::Ill(status) = mood {
        let status = StatusCode::from_u16(status).expect("a status");
        return (status, Json(json!({"error": "not now", "ids": []}))).into_response();
    }
    let seed = headers.get("x-inngest-event-id-seed").expect("a seed").to_str().expect("text");
    let (millis, entropy) = seed.split_once(',').expect("two parts");
    let entropy =
        base64::Engine::decode(&base64::prelude::BASE64_STANDARD, entropy).expect("base64");
    let first = u32::from_be_bytes(entropy[6..].try_into().expect("four bytes"));
    let mut ids = Vec::new();
    for (at, event) in body.0.into_iter().enumerate() {
        if event["data"]["poison"] == json!(true) {
            let error = format!("event {at}: it is poison");
            return (
                StatusCode::BAD_REQUEST,
                Json(json!({"ids": ids, "status": 400, "error": error})),
            )
                .into_response();
        }
        let number = first.wrapping_add(u32::try_from(at).expect("few"));
        let id = format!("{millis}-{:?}-{number}", &entropy[..6]);
        let mut events = taken.events.lock().unwrap_or_else(PoisonError::into_inner);
        // As the real one: what comes under an id that it has, it has.
        if !events.iter().any(|(known, _)| *known == id) {
            events.push((id.clone(), event));
        }
        ids.push(id);
    }
    if mood == Mood::Forgetful {
        return (StatusCode::BAD_GATEWAY, "lost").into_response();
    }
    Json(json!({"ids": ids, "status": 200})).into_response()
}

/// A gateway of this process.
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) address: SocketAddr,
    pub(crate) secrets: Arc<Known>,
    pub(crate) folder: Arc<tempfile::TempDir>,
    gateway: Option<Gateway>,
    serving: JoinHandle<()>,
}

/// What a test wants otherwise.
pub(crate) struct Wishes {
    pub(crate) limits: Limits,
    pub(crate) proxies: usize,
    pub(crate) providers: Providers,
    pub(crate) age: Duration,
    pub(crate) bytes: u64,
}

impl Default for Wishes {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            proxies: 0,
            providers: Providers::built_in(),
            age: Duration::from_hours(1),
            bytes: 64 << 20,
        }
    }
}

impl Scene {
    pub(crate) async fn new(wishes: Wishes) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        Self::in_folder(wishes, folder, Server::start().await).await
    }

    pub(crate) async fn in_folder(
        wishes: Wishes,
        folder: Arc<tempfile::TempDir>,
        server: Server,
    ) -> Self {
        let secrets = Arc::new(Known::of(&[("github_webhook_secret", "a secret of the tests")]));
        let spool = SpoolOptions {
            bytes: wishes.bytes,
            age: wishes.age,
            ..SpoolOptions::new(folder.path().join("spool"))
        };
        let gateway = Gateway::start(Options {
            providers: wishes.providers,
            secrets: Arc::clone(&secrets) as _,
            spool,
            events: EventApi {
                origin: format!("http://{}", server.address).parse().expect("an address"),
                key: None,
                env: None,
            },
            limits: wishes.limits,
            proxies: wishes.proxies,
        })
        .await
        .expect("started");
        let router = gateway.router().merge(gateway.operators()).merge(gateway.health());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving =
            tokio::spawn(async move { axum::serve(listener, service).await.expect("served") });
        Self { server, address, secrets, folder, gateway: Some(gateway), serving }
    }

    /// The same folder with another gateway: all that is not on disk is gone.
    pub(crate) async fn again(mut self, wishes: Wishes) -> Self {
        self.serving.abort();
        drop((&mut self.serving).await);
        self.gateway.take().expect("one").shutdown().await;
        let folder = Arc::clone(&self.folder);
        let server = std::mem::replace(&mut self.server, Server::start().await);
        drop(self);
        Self::in_folder(wishes, folder, server).await
    }

    /// The status of an answer to a question.
    pub(crate) async fn status(&self, path: &str) -> u16 {
        reqwest::get(self.url(path)).await.expect("an answer").status().as_u16()
    }

    /// What a scrape would tell.
    pub(crate) fn figures(&self) -> String {
        let mut registry = prometheus_client::registry::Registry::default();
        registry.register_collector(self.gateway.as_ref().expect("one").figures());
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("written");
        text
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn post(
        &self,
        provider: &str,
        headers: &[(&str, String)],
        body: impl Into<reqwest::Body>,
    ) -> (u16, String) {
        let mut request =
            reqwest::Client::new().post(self.url(&format!("/webhooks/{provider}"))).body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("text"))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let response = reqwest::get(self.url(path)).await.expect("an answer");
        serde_json::from_str(&response.text().await.expect("text")).expect("JSON")
    }

    /// How often a provider had a verdict.
    pub(crate) async fn verdict(&self, provider: &str, verdict: &str) -> u64 {
        let state = self.get("/api/webhooks").await;
        let providers = state["providers"].as_array().expect("providers");
        let own = providers.iter().find(|own| own["name"] == json!(provider)).expect("it");
        own["counted"]["verdicts"][verdict].as_u64().unwrap_or(0)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A finished workflow run, signed.
pub(crate) fn run(id: u64, more: Value) -> (Vec<(&'static str, String)>, Vec<u8>) {
    let mut body = json!({"action": "completed", "workflow_run": {"id": id}, "repository": {"full_name": "o/r"}});
    body["workflow_run"]["conclusion"] = more;
    let signed: Signed = gateway::testing::signed("github", body.to_string().as_bytes(), 0);
    let mut headers = signed.headers;
    headers.push(("x-github-event", "workflow_run".to_owned()));
    headers.push(("x-github-delivery", format!("d-{id}")));
    (headers, signed.body)
}
