//! An HTTP server that stands in for a service: it answers as the service does, and keeps what it was asked.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::IntoResponse;
use serde_json::Value;

/// What a service was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Without the query.
    pub(crate) path: String,
    /// The query's names and values, decoded.
    pub(crate) query: BTreeMap<String, String>,
    /// By names in small letters.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// What it answers.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    kind: &'static str,
    /// One more header.
    header: Option<(&'static str, String)>,
    body: String,
}

/// A service. It answers for as long as the drill goes on.
#[derive(Clone)]
pub(crate) struct Site {
    origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Asked {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// A header's value, empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn of(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Self {
        let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let headers = headers.iter().map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        Self {
            method: method.to_string(),
            path: uri.path().to_owned(),
            query: query.into_owned().collect(),
            headers: headers.collect(),
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }
}

impl Answer {
    /// A document.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, kind: "application/json", header: None, body: body.to_string() }
    }

    /// Anything else.
    pub(crate) fn text(status: u16, kind: &'static str, body: &str) -> Self {
        Self { status, kind, header: None, body: body.to_owned() }
    }

    /// The same with a header.
    pub(crate) fn with(self, name: &'static str, value: impl Into<String>) -> Self {
        Self { header: Some((name, value.into())), ..self }
    }
}

impl Site {
    /// A service that answers so, on a free port of the loopback.
    pub(crate) fn start(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (kept, answer) = (Arc::clone(&asked), Arc::new(answer));
        let router = Router::new().fallback(
            async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
                let asked = Asked::of(&method, &uri, &headers, &body);
                kept.lock().expect("nobody panics with it").push(asked.clone());
                let Answer { status, kind, header, body } = answer(&asked);
                let status = StatusCode::from_u16(status).expect("a status");
                let mut answered = (status, [(header::CONTENT_TYPE, kind)], body).into_response();
                if let Some((name, value)) = header {
                    answered.headers_mut().insert(name, value.parse().expect("a header"));
                }
                answered
            },
        );
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin, asked }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// All that it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("nobody panics with it").clone()
    }

    /// The same for one path.
    pub(crate) fn asked_at(&self, path: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.path == path).collect()
    }
}
