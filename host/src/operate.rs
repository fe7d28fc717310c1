//! A running worker, as an operator reaches it: over its routes under `/api`.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use url::Url;

use crate::cli::Reach;

/// How long a worker may take to compile and load what is new.
const PATIENCE: Duration = Duration::from_mins(10);

/// The token of operators, where there is one.
pub(crate) fn admin_token() -> Option<String> {
    std::env::var("SYSTEM_BUS_ADMIN_TOKEN").ok().filter(|token| !token.is_empty())
}

/// A running worker.
pub(crate) struct Operated {
    worker: Url,
    token: Option<String>,
    client: reqwest::Client,
}

/// What a worker answers to what it does not do.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It did it.
    Done(Value),
    /// It is at another generation than the one expected.
    Conflict(String),
    /// It is busy.
    Busy(String),
    /// It refuses, or fails.
    Refused(String),
}

impl Operated {
    pub(crate) fn new(reach: &Reach) -> anyhow::Result<Self> {
        let token = admin_token();
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { worker: reach.worker.clone(), token, client })
    }

    /// A request to one of its routes, with the token if there is one.
    pub(crate) fn request(&self, method: Method, path: &str) -> anyhow::Result<RequestBuilder> {
        let url = self.worker.join(path).with_context(|| format!("{}{path}", self.worker))?;
        let request = self.client.request(method, url);
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    /// Sends a request, and reads what came of it.
    pub(crate) async fn ask(&self, request: RequestBuilder) -> anyhow::Result<Answer> {
        let response = request.send().await.with_context(|| {
            format!("no worker answers at {}; name it with --worker, or start one", self.worker)
        })?;
        let status = response.status();
        let webhooks = response.url().path().starts_with("/api/webhooks");
        let text = response.text().await?;
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            // Every answer of a worker names its generation, and one of a gateway says that all is well.
            if body["generation"].is_null() && body["ok"] != true {
                bail!("what answers at {} is no worker; name one with --worker", self.worker);
            }
            return Ok(Answer::Done(body));
        }
        let said = body["message"].as_str().map_or_else(|| text.trim().to_owned(), str::to_owned);
        let said = if said.is_empty() { status.to_string() } else { said };
        Ok(match status {
            StatusCode::PRECONDITION_FAILED => Answer::Conflict(said),
            StatusCode::CONFLICT => Answer::Busy(said),
            StatusCode::NOT_FOUND if webhooks && body["name"] == "NotFound" => {
                Answer::Refused(format!(
                    "the worker at {} takes no webhooks: start it with --webhooks on, or name the gateway's address with --worker",
                    self.worker
                ))
            }
            _ => Answer::Refused(format!("the worker at {} refuses: {said}", self.worker)),
        })
    }

    /// A route that only tells something.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        match self.ask(self.request(Method::GET, path)?).await? {
            Answer::Done(body) => Ok(body),
            Answer::Conflict(said) | Answer::Busy(said) | Answer::Refused(said) => bail!(said),
        }
    }
}
