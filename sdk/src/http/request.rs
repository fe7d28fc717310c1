//! A request being built.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::{HttpError, HttpErrorKind, Response, redirect};

/// How many redirects are followed where the request does not say.
const REDIRECTS: u32 = 10;

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
    redirects: u32,
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
            redirects: REDIRECTS,
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

    /// Follows at most so many redirects; 10 without it. With 0 an answer that redirects is the answer.
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    ///
    /// async fn target(io: &Io, link: &str) -> Result<Option<String>> {
    ///     let answer = io.http().get(link).redirects(0).send().await?;
    ///     Ok(answer.header("location").map(str::to_owned))
    /// }
    /// ```
    pub fn redirects(mut self, most: u32) -> Self {
        self.redirects = most;
        self
    }

    /// Sends it, follows redirects, and reads the whole answer.
    ///
    /// An answer with an error status is an answer; see [`Response::ok`].
    ///
    /// Each redirect is a request of its own that the grants have to allow, and all of them together have the time of
    /// [`Request::timeout`]. 307 and 308 keep method and body; 303, and 301 and 302 after a POST, go on as a GET without
    /// a body. `authorization`, cookies and headers with a placeholder of a secret are left out as soon as one leads to
    /// another scheme, host or port, and stay out. After too many the error is [`HttpErrorKind::Redirects`].
    pub async fn send(mut self) -> Result<Response, HttpError> {
        if let Some(problem) = &self.problem {
            return Err(self.error(HttpErrorKind::Request, problem));
        }
        let (began, whole) = (Instant::now(), self.timeout);
        let mut followed = 0;
        loop {
            let answer = super::send(&self).await?;
            if self.redirects == 0 {
                return Ok(answer);
            }
            let Some(next) = redirect::next(&self, &answer)? else { return Ok(answer) };
            if followed == self.redirects {
                let detail = format!("{followed} were followed, and it redirects again");
                return Err(self.error(HttpErrorKind::Redirects, detail));
            }
            followed += 1;
            self = next;
            if let Some(whole) = whole {
                self.timeout = Some(whole.saturating_sub(began.elapsed()));
            }
        }
    }

    /// The same to another URL.
    pub(super) fn to(self, url: String) -> Self {
        Self { url, ..self }
    }

    /// A GET in its place, without its body and what describes it.
    pub(super) fn into_get(mut self) -> Self {
        self.keep_headers(|name, _| !name.to_ascii_lowercase().starts_with("content-"));
        Self { method: "GET".to_owned(), body: Vec::new(), ..self }
    }

    /// Leaves out the other headers.
    pub(super) fn keep_headers(&mut self, keep: impl Fn(&str, &str) -> bool) {
        self.headers.retain(|(name, value)| keep(name, value));
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
