//! An answer, read to its end.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::{HttpError, HttpErrorKind};

/// An answer.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers, in the order in which they came; values that are not text are left out.
    pub headers: Vec<(String, String)>,
    url: String,
    body: Vec<u8>,
}

impl Response {
    /// An answer with this status and nothing else; for tests.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), url: String::new(), body: Vec::new() }
    }

    /// With this body; for tests.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// With this value as JSON; for tests.
    ///
    /// # Panics
    ///
    /// When the value has no JSON form.
    #[must_use]
    pub fn with_json(self, value: &impl Serialize) -> Self {
        self.with_body(serde_json::to_vec(value).expect("a test's answer has a JSON form"))
    }

    /// With one header more; for tests.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn with_headers(mut self, headers: Vec<(String, String)>) -> Self {
        self.headers = headers;
        self
    }

    pub(crate) fn answered_by(mut self, url: &str) -> Self {
        url.clone_into(&mut self.url);
        self
    }

    /// Where it came from: the last URL where redirects were followed.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The first header of this name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut of_name = self.headers.iter().filter(|(given, _)| given.eq_ignore_ascii_case(name));
        of_name.next().map(|(_, value)| value.as_str())
    }

    /// The answer if its status says success; the error for the status if not.
    pub fn ok(self) -> Result<Self, HttpError> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let excerpt: String = String::from_utf8_lossy(&self.body).chars().take(200).collect();
        Err(HttpError::new(HttpErrorKind::Status(self.status), self.url, excerpt))
    }

    /// The body.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text.
    pub fn text(&self) -> Result<String, HttpError> {
        match std::str::from_utf8(&self.body) {
            Ok(text) => Ok(text.to_owned()),
            Err(problem) => Err(self.decode_error(&problem.to_string())),
        }
    }

    /// The body, decoded.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body)
            .map_err(|problem| self.decode_error(&problem.to_string()))
    }

    fn decode_error(&self, detail: &str) -> HttpError {
        HttpError::new(HttpErrorKind::Decode, &self.url, detail)
    }
}
