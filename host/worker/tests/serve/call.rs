//! Requests as the server makes them, and the answers to them.

use jiff::{SignedDuration, Timestamp};
use protocol::header;
use protocol::id::StepId;
use protocol::signature::{Keys, Trust, verify};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::{Value, json};

use crate::secrets::{self, EVENT_DATA, FALLBACK, PRIMARY};

pub(crate) const APP: &str = "bus";
pub(crate) const RUN: &str = "01M81GXW71CEV7JQT6T4T8NAKZ";

/// A call to a function. `memos` are names and stored values, in the order of completion.
#[derive(Debug, Clone)]
pub(crate) struct CallTo<'c> {
    pub(crate) function: &'c str,
    pub(crate) data: Value,
    pub(crate) memos: &'c [(&'c str, Value)],
    pub(crate) target: Option<&'c str>,
    pub(crate) attempt: u32,
    pub(crate) run: &'c str,
    pub(crate) use_api: bool,
    /// Whether the server says by what it knows this dispatch, so that steps can be stored meanwhile.
    pub(crate) dispatched: bool,
}

/// Attempts that every call here has.
pub(crate) const ATTEMPTS: u32 = 3;

impl<'c> CallTo<'c> {
    pub(crate) fn new(function: &'c str) -> Self {
        Self {
            function,
            data: json!({}),
            memos: &[],
            target: None,
            attempt: 0,
            run: RUN,
            use_api: false,
            dispatched: false,
        }
    }

    pub(crate) fn query(&self) -> String {
        let target = self.target.map_or("step".to_owned(), |name| StepId::hash(name).to_string());
        format!("fnId={APP}-{}&stepId={target}", self.function)
    }

    pub(crate) fn body(&self) -> String {
        let hash = |name: &str| StepId::hash(name).to_string();
        let steps: serde_json::Map<String, Value> =
            self.memos.iter().map(|(name, memo)| (hash(name), memo.clone())).collect();
        let stack: Vec<_> = self.memos.iter().map(|(name, _)| hash(name)).collect();
        let mut data = self.data.clone();
        data["secret"] = EVENT_DATA.into();
        let event =
            json!({"data": data, "id": "e1", "name": "testing/asked", "ts": 1_795_347_640_000_u64});
        let mut call = json!({
            "ctx": {
                "attempt": self.attempt, "disable_immediate_execution": self.target.is_some(),
                "max_attempts": ATTEMPTS, "run_id": self.run, "stack": {"current": stack.len(), "stack": stack},
                "step_id": "step", "use_api": self.use_api,
            },
            "event": event, "events": [event], "steps": steps, "use_api": self.use_api, "version": 2,
        });
        if self.dispatched {
            call["ctx"]["fn_id"] = "7c1f0000-0000-8000-8000-000000000000".into();
            call["ctx"]["qi_id"] = "ODEyMzo6ZGVmYXVsdA==".into();
            call["ctx"]["request_id"] = "01M81GXWDSDGCZ96C9KR1PCRGR".into();
            call["ctx"]["generation_id"] = 3.into();
        }
        call.to_string()
    }

    pub(crate) fn request(&self) -> Request {
        Request::post(&self.query(), self.body())
    }
}

/// Any request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Path and query, from the worker's endpoint on.
    pub(crate) path: String,
    pub(crate) body: Vec<u8>,
    pub(crate) headers: HeaderMap,
}

impl Request {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), body: Vec::new(), headers: HeaderMap::new() }
    }

    pub(crate) fn get() -> Self {
        Self::new(Method::GET, "/api/inngest")
    }

    pub(crate) fn put(body: &str) -> Self {
        let body = body.as_bytes().to_vec();
        Self { body, ..Self::new(Method::PUT, "/api/inngest") }
            .with("content-type", "application/json")
    }

    pub(crate) fn post(query: &str, body: impl Into<Vec<u8>>) -> Self {
        let path = format!("/api/inngest?{query}");
        Self { body: body.into(), ..Self::new(Method::POST, &path) }
            .with("content-type", "application/json")
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().expect("a header's value"));
        self
    }

    /// Signed with a key, now.
    pub(crate) fn signed(self, key: &str) -> Self {
        self.signed_at(key, SignedDuration::ZERO)
    }

    /// Signed with a key, so long from now.
    pub(crate) fn signed_at(self, key: &str, away: SignedDuration) -> Self {
        let signature = secrets::key(key).sign(&self.body, Timestamp::now() + away);
        self.with(header::SIGNATURE, &signature)
    }
}

/// An answer. Every one says which SDK wrote it; otherwise the server takes it for somebody else's.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await.expect("a whole body");
        let answer = Self { status, headers, body };
        assert_eq!(answer.header(header::SDK), Some(protocol::SDK), "{answer:?}");
        answer
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header(CONTENT_TYPE.as_str()), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Whether to try again, and after how many seconds.
    pub(crate) fn retry(&self) -> (Option<&str>, Option<&str>) {
        (self.header(header::NO_RETRY), self.header(header::RETRY_AFTER))
    }

    /// Which of our keys signed it.
    pub(crate) fn signer(&self) -> Option<&'static str> {
        let signature = self.header(header::SIGNATURE)?;
        let fits = |text: &&str| {
            let trust = Trust::Signed(Keys { primary: secrets::key(text), fallback: None });
            verify(Some(signature), &self.body, Timestamp::now(), &trust).is_ok()
        };
        Some([PRIMARY, FALLBACK].into_iter().find(fits).expect("a signature with a key of ours"))
    }

    /// The ops it reports, each as its code and its step.
    pub(crate) fn ops(&self) -> Vec<(String, String)> {
        assert_eq!(self.status, 206, "{self:?}");
        let text = |op: &Value, key: &str| op[key].as_str().expect("text").to_owned();
        let ops = self.json();
        let ops = ops.as_array().expect("ops");
        ops.iter().map(|op| (text(op, "op"), text(op, "displayName"))).collect()
    }

    /// The only op it reports.
    pub(crate) fn op(&self) -> Value {
        assert_eq!(self.ops().len(), 1, "{self:?}");
        self.json()[0].clone()
    }
}
