//! A server that speaks like `OpenAI`'s, and questions to it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{Machine, ask, site};

/// What the server does with the n-th request.
type Answer = dyn Fn(usize) -> (u16, Value) + Send + Sync;

/// A server on loopback. It ends with this.
pub(super) struct Server {
    pub(super) url: String,
    pub(super) seen: Arc<Seen>,
    task: tokio::task::JoinHandle<()>,
}

/// What it was asked.
pub(super) struct Seen {
    answer: Box<Answer>,
    wait: Duration,
    pub(super) requests: Mutex<Vec<(HeaderMap, Value)>>,
    now: AtomicUsize,
    pub(super) most: AtomicUsize,
}

impl Server {
    pub(super) async fn answering(
        wait: Duration,
        answer: impl Fn(usize) -> (u16, Value) + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::new(Seen {
            answer: Box::new(answer),
            wait,
            requests: Mutex::default(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let route = axum::routing::post(complete).with_state(Arc::clone(&seen));
        let app = axum::Router::new().route("/v1/chat/completions", route);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move { axum::serve(listener, app).await.expect("serving") });
        Self { url, seen, task }
    }

    pub(super) fn asked(&self) -> usize {
        self.seen.requests.lock().expect("unpoisoned").len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn complete(
    State(seen): State<Arc<Seen>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    let count = {
        let mut requests = seen.requests.lock().expect("unpoisoned");
        requests.push((headers, body));
        requests.len() - 1
    };
    let now = seen.now.fetch_add(1, Ordering::SeqCst) + 1;
    seen.most.fetch_max(now, Ordering::SeqCst);
    tokio::time::sleep(seen.wait).await;
    seen.now.fetch_sub(1, Ordering::SeqCst);
    let (status, answer) = (seen.answer)(count);
    (StatusCode::from_u16(status).expect("a status"), Json(answer))
}

/// An answer of such a server.
pub(super) fn says(text: &str) -> (u16, Value) {
    let choice =
        json!({"message": {"role": "assistant", "content": text}, "finish_reason": "stop"});
    let usage = json!({"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10});
    (200, json!({"model": "small-2026", "choices": [choice], "usage": usage}))
}

pub(super) fn provider(server: &Server) -> String {
    format!("[[inference.providers]]\nkind = 'openai'\nurl = '{}'\nmodel = 'small'\n", server.url)
}

#[tokio::test]
async fn an_address_is_asked_as_openai_is_with_the_operators_key() {
    let server = Server::answering(Duration::ZERO, |_| says(r#"{"urgent": true}"#)).await;
    let machine = Machine::with_pi("exit 1");
    let grants =
        format!("{}secret = 'models'\n[secrets.models]\nenv = 'MODELS'", provider(&server));
    let site = site(&machine, &grants).await;
    let schema = json!({"type": "object"});
    let question = json!({"prompt": "why", "system": "be brief", "schema": schema});
    let reply = ask(&site, question).await.expect("an answer");
    assert_eq!(
        reply,
        json!({"text": r#"{"urgent": true}"#, "data": {"urgent": true}, "model": "small-2026",
            "provider": server.url, "tokens": [7, 3], "attempt": 0})
    );
    let requests = server.seen.requests.lock().expect("unpoisoned");
    let (headers, body) = &requests[0];
    assert_eq!(headers["authorization"], "Bearer sk-very-secret");
    assert_eq!(
        *body,
        json!({
            "model": "small",
            "messages": [
                {"role": "system", "content": "be brief"}, {"role": "user", "content": "why"},
            ],
            "response_format": {"type": "json_schema",
                "json_schema": {"name": "answer", "schema": {"type": "object"}}},
        })
    );
}

#[tokio::test]
async fn what_is_no_answer_is_a_failure_and_never_holds_the_key() {
    let cut = json!({"choices": [{"message": {"content": "be"}, "finish_reason": "length"}]});
    for (answer, told) in [
        ((401, json!({"error": "bad key sk-very-secret"})), "bad key [the key]"),
        ((302, json!({})), "302"),
        ((200, json!({"choices": []})), "answered with nothing"),
        ((200, json!({"choices": [{"message": {"content": null}}]})), "answered with nothing"),
        ((200, json!("hello")), "does not answer as OpenAI does"),
        ((200, cut), "cut off"),
        ((200, says(&"a".repeat(5 << 20)).1), "larger than 4194304 bytes"),
    ] {
        let server = Server::answering(Duration::ZERO, move |_| answer.clone()).await;
        let machine = Machine::with_pi("exit 1");
        let grants = format!("{}secret = 'models'\n[secrets.models]\nenv = 'M'", provider(&server));
        let site = site(&machine, &grants).await;
        let refused = ask(&site, json!({"prompt": "why"})).await.expect_err("no answer");
        assert!(refused.contains(told), "{refused}");
        assert!(!refused.contains("sk-very-secret"), "{refused}");
    }
}

#[tokio::test]
async fn a_provider_whose_secret_has_no_value_is_not_asked() {
    let server = Server::answering(Duration::ZERO, |_| says("yes")).await;
    let machine = Machine::with_pi("exit 1");
    let grants = format!("{}secret = 'other'\n[secrets.other]\nenv = 'OTHER'", provider(&server));
    let site = site(&machine, &grants).await;
    let refused = ask(&site, json!({"prompt": "why"})).await.expect_err("no key");
    assert!(refused.contains("the secret `other` of this provider has no value"), "{refused}");
    assert_eq!(server.asked(), 0);
}
