//! A client of the engine's API, on a bare socket: the routes are tested as bytes, not through a library.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Debug, Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub bearer: Option<String>,
}

impl Client {
    pub fn of(engine: &engine::Engine) -> Self {
        Self { address: engine.address(), bearer: None }
    }

    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let mut socket = TcpStream::connect(self.address).await.expect("the engine listens");
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
            self.address,
            body.len()
        );
        if let Some(bearer) = &self.bearer {
            head.push_str(&format!("authorization: Bearer {bearer}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        socket.write_all(format!("{head}\r\n{body}").as_bytes()).await.expect("sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        (status, body.to_owned())
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.request("GET", path, &[], "").await;
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let json = [("content-type", "application/json")];
        let (status, body) = self.request("POST", path, &json, &body.to_string()).await;
        (status, serde_json::from_str(&body).unwrap_or(Value::String(body)))
    }

    pub async fn register(&self, app: &str, functions: &[Value]) -> Value {
        // Where the first of them is called.
        let called =
            functions.first().and_then(|one| one["steps"]["step"]["runtime"]["url"].as_str());
        let url =
            called.and_then(|url| url.split('?').next()).filter(|url| url.starts_with("http:"));
        let url = url.unwrap_or("http://127.0.0.1/");
        let body = json!({"url": url, "deployType": "ping", "appName": app,
            "sdk": "test:v1", "v": "0.1", "functions": functions});
        let (status, answer) = self.post("/fn/register", &body).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Sends one event; its id.
    pub async fn send(&self, event: &Value) -> String {
        let (status, answer) = self.post("/e/key", event).await;
        assert_eq!(status, 200, "{answer}");
        answer["ids"][0].as_str().expect("an id").to_owned()
    }

    /// Waits until a run looks so; what it then looks like.
    pub async fn until(&self, path: &str, looks: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..1_000 {
            last = self.get(path).await.1;
            if looks(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{path} stays {last}");
    }

    /// Waits until the only run of an event has ended.
    pub async fn ended(&self, event: &str) -> Value {
        for _ in 0..1_000 {
            let (status, answer) = self.get(&format!("/v1/events/{event}/runs")).await;
            assert_eq!(status, 200, "{answer}");
            if !answer["data"][0]["ended_at"].is_null() {
                return answer["data"][0].clone();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the run of {event} has not ended: {:?}", self.get("/v2/runs").await);
    }
}
