//! The step in which the server makes a request.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::executor::encode;
use crate::http::Response;
use crate::replay::Memo;
use crate::step::hosted::invalid;
use crate::step::{Kind, Step, decode};

/// A request that the server makes, as [`Ctx::fetch`](crate::Ctx::fetch) makes it. Ends with the
/// answer, whatever its status; without one the step fails with the name [`Error::FETCH`].
///
/// Nothing of ours runs meanwhile, so a slow answer costs no worker. The server repeats a request
/// that got no answer, and asks the function for it again each time: make it of the event and of
/// earlier results only.
#[derive(Debug)]
pub struct Fetch {
    url: String,
    method: Cow<'static, str>,
    headers: BTreeMap<String, String>,
    body: Result<Option<String>>,
}

impl Fetch {
    pub(crate) fn new(url: String) -> Self {
        Self { url, method: Cow::Borrowed("GET"), headers: BTreeMap::new(), body: Ok(None) }
    }
}

impl Step<Fetch> {
    /// Another method than GET.
    pub fn method(mut self, method: impl Into<Cow<'static, str>>) -> Self {
        self.asked.method = method.into();
        self
    }

    /// Makes it a POST request.
    pub fn post(self) -> Self {
        self.method("POST")
    }

    /// Adds a header. A second one of the same name takes the place of the first.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.asked.headers.insert(name.into().to_ascii_lowercase(), value.into());
        self
    }

    /// Sets the body, which is text.
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.asked.body = Ok(Some(body.into()));
        self
    }

    /// Sets the body to this value as JSON, and says so in a header.
    pub fn json(mut self, value: &(impl Serialize + ?Sized)) -> Self {
        self.asked.body = serde_json::to_string(value).map(Some).map_err(invalid);
        self.header("content-type", "application/json")
    }
}

impl Kind for Fetch {
    type Output = Response;

    fn name(&self) -> &'static str {
        "fetch"
    }

    fn options(&self) -> Result<Cow<'static, str>> {
        let body = self.body.as_ref().map_err(Error::clone)?.as_deref();
        let Self { url, method, headers, .. } = self;
        encode(&Options { url, method, headers, body }, "a request").map(Cow::Owned)
    }

    fn end(&self, stored: Memo) -> Result<Response> {
        let Answer { url, status_code, headers, body } = decode(stored)?;
        let headers = headers.into_iter().collect();
        Ok(Response::new(status_code).with_body(body).with_headers(headers).answered_by(&url))
    }
}

#[derive(Serialize)]
struct Options<'a> {
    url: &'a str,
    method: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    url: String,
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}
