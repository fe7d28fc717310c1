//! A request being built.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::{HttpError, HttpErrorKind, Response};

/// A request; see [`Http`](crate::http::Http).
///
/// Nothing is checked before [`Request::send`], which reports whatever was wrong.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    timeout: Option<Duration>,
    silence: Option<Duration>,
    problem: Option<String>,
}

impl Request {
    pub(crate) fn new(method: String, url: String) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            body: Vec::new(),
            timeout: None,
            silence: None,
            problem: None,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to this value as JSON, and says so in a header.
    pub fn json(self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => self.header("content-type", "application/json").body(body),
            Err(problem) => {
                Self { problem: Some(format!("the body has no JSON form: {problem}")), ..self }
            }
        }
    }

    /// Gives the whole exchange this much time, up to the last byte of the answer. Without it the
    /// host's own limits hold.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = Some(time);
        self
    }

    /// How long a server that took the connection may say nothing. When it does, the error is
    /// [`HttpErrorKind::Silent`]: something listens there, unlike after [`HttpErrorKind::Timeout`].
    pub fn silence(mut self, time: Duration) -> Self {
        self.silence = Some(time);
        self
    }

    /// Sends it and reads the whole answer.
    ///
    /// An answer with an error status is an answer; see [`Response::ok`].
    pub async fn send(self) -> Result<Response, HttpError> {
        if let Some(problem) = &self.problem {
            return Err(self.error(HttpErrorKind::Request, problem));
        }
        super::send(self).await
    }

    /// The method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The headers, as they were given.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The body.
    pub fn body_bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body, decoded; for tests that answer requests.
    pub fn body_json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body)
            .map_err(|problem| self.error(HttpErrorKind::Decode, problem.to_string()))
    }

    /// The time given to it.
    pub fn time(&self) -> Option<Duration> {
        self.timeout
    }

    /// How long the server may say nothing.
    pub fn longest_silence(&self) -> Option<Duration> {
        self.silence
    }

    /// An error of this request.
    pub(crate) fn error(&self, kind: HttpErrorKind, detail: impl Into<String>) -> HttpError {
        HttpError::new(kind, &self.url, detail)
    }
}
