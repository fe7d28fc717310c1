//! To the server: events in batches, each event under an id that is the same however often it is sent.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use protocol::{SDK, header};
use reqwest::header::USER_AGENT;
use reqwest::{Client, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use crate::spool::{Entry, Waiting};

/// How long the server may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Where events go.
#[derive(Debug, Clone)]
pub struct EventApi {
    /// The server's event API, such as `http://127.0.0.1:8288`.
    pub origin: Url,
    /// The event key; a development server takes any.
    pub key: Option<String>,
    /// The environment, where the server has several.
    pub env: Option<String>,
}

/// A client of the event API.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    client: Client,
    url: Url,
    origin: String,
    env: Option<String>,
}

/// What the server said to a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It has all of them, under these ids.
    Accepted(Vec<String>),
    /// It has so many of them, and will never take the next one.
    Poison {
        /// How many it has.
        accepted: usize,
        /// Why not the next one.
        why: String,
    },
    /// The batch is too large for one request.
    TooLarge(String),
    /// It may take them later.
    Later(String),
    /// It will not take anything until somebody changes something.
    NotUs(String),
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    ids: Vec<String>,
    error: Option<String>,
    status: Option<u16>,
}

impl Sender {
    pub(crate) fn new(api: &EventApi) -> Result<Self, reqwest::Error> {
        // One TLS provider for the whole program; a second installation changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut url = api.origin.clone();
        let key = api.key.as_deref().unwrap_or("NO_EVENT_KEY_SET");
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["e", key]);
        }
        Ok(Self {
            client: Client::builder().timeout(TIMEOUT).build()?,
            url,
            origin: api.origin.origin().ascii_serialization(),
            env: api.env.clone(),
        })
    }

    /// Sends a batch: entries with successive numbers that were written together.
    pub(crate) async fn send(&self, seed: [u8; 6], batch: &[Waiting]) -> Said {
        let events: Vec<&RawValue> = batch.iter().map(|waiting| &*waiting.entry.event).collect();
        let Some(first) = batch.first() else { return Said::Accepted(Vec::new()) };
        let mut request = self
            .client
            .post(self.url.clone())
            .header(header::SDK, SDK)
            .header(USER_AGENT, SDK)
            .header(header::EVENT_ID_SEED, id_seed(seed, first))
            .json(&events);
        if let [alone] = batch {
            request = request.header("traceparent", traceparent(&alone.entry));
        }
        if let Some(env) = &self.env {
            request = request.header(header::ENV, env);
        }
        match request.send().await {
            Ok(response) => {
                let status = response.status();
                match response.text().await {
                    Ok(text) => said(status, &text, batch.len()),
                    Err(error) => Said::Later(self.fault(error)),
                }
            }
            Err(error) => Said::Later(self.fault(error)),
        }
    }

    /// The innermost reason says it best. The address is left out: it would show the event key.
    fn fault(&self, error: reqwest::Error) -> String {
        let error = error.without_url();
        let mut reason: &dyn std::error::Error = &error;
        while let Some(source) = reason.source() {
            reason = source;
        }
        format!("the server at {} cannot be reached: {reason}", self.origin)
    }
}

/// What an answer means for a batch of so many.
fn said(status: StatusCode, text: &str, sent: usize) -> Said {
    let answer: Option<Answer> = serde_json::from_str(text).ok();
    let why = || {
        let error = answer.as_ref().and_then(|answer| answer.error.clone());
        let error = error.unwrap_or_else(|| text.chars().take(300).collect());
        format!("the server answered {status}: {error}")
    };
    if status.is_success() {
        return match &answer {
            Some(answer) if answer.ids.len() >= sent => Said::Accepted(answer.ids.clone()),
            _ => Said::Later(format!(
                "the server answered {status} and not with an id for each of {sent} events: {}",
                text.chars().take(300).collect::<String>()
            )),
        };
    }
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
            Said::NotUs(format!("{}; compare INNGEST_EVENT_KEY and the server's address", why()))
        }
        StatusCode::PAYLOAD_TOO_LARGE => Said::TooLarge(why()),
        // The event API tells of one bad event so, with the ids of those before it. Whatever else says so is no event
        // API, but a proxy or another server: nothing is buried for that.
        StatusCode::BAD_REQUEST => match &answer {
            Some(Answer { ids, error: Some(_), status: Some(400) }) => {
                Said::Poison { accepted: ids.len().min(sent.saturating_sub(1)), why: why() }
            }
            _ => Said::NotUs(format!("{}; is this address the server's?", why())),
        },
        _ => Said::Later(why()),
    }
}

/// The seed of the server's ids: it counts its last four bytes up for each event of a request, so with an entry's number
/// there each entry has one id, in whatever batch it is. The time of the ids is that of the first one, so entries of one
/// moment go together.
fn id_seed(seed: [u8; 6], first: &Waiting) -> String {
    let mut entropy = [0; 10];
    entropy[..6].copy_from_slice(&seed);
    let number = u32::try_from(first.number & u64::from(u32::MAX)).unwrap_or_default();
    entropy[6..].copy_from_slice(&number.to_be_bytes());
    format!("{},{}", first.moment(), BASE64_STANDARD.encode(entropy))
}

/// The trace that began when the delivery came, as W3C Trace Context writes it.
pub(crate) fn traceparent(entry: &Entry) -> String {
    let trace = &entry.trace;
    let span = entry.span.as_deref().or(trace.get(..16)).unwrap_or("0000000000000001");
    format!("00-{trace}-{span}-01")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_means() {
        let said = |status: u16, text: &str| {
            said(StatusCode::from_u16(status).expect("a status"), text, 3)
        };
        assert_eq!(
            said(200, r#"{"ids":["a","b","c"],"status":200}"#),
            Said::Accepted(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()])
        );
        for (status, text, accepted) in [
            (400, r#"{"ids":["a"],"status":400,"error":"event 1: bad"}"#, 1),
            (400, r#"{"ids":["a","b","c"],"status":400,"error":"odd"}"#, 2),
            (400, r#"{"status":400,"error":"bad"}"#, 0),
        ] {
            assert!(
                matches!(said(status, text), Said::Poison { accepted: n, .. } if n == accepted)
            );
        }
        assert!(matches!(said(200, r#"{"ids":["a"]}"#), Said::Later(_)));
        assert!(matches!(said(200, "fine"), Said::Later(_)));
        for text in ["no JSON", "{}", r#"{"error":"bad request"}"#, r#"{"ids":[],"status":400}"#] {
            assert!(matches!(said(400, text), Said::NotUs(_)), "{text}");
        }
        assert!(matches!(said(401, r#"{"error":"key"}"#), Said::NotUs(_)));
        assert!(matches!(said(404, ""), Said::NotUs(_)));
        assert!(matches!(said(413, ""), Said::TooLarge(_)));
        for status in [408, 429, 500, 502, 503] {
            assert!(matches!(said(status, ""), Said::Later(_)), "{status}");
        }
    }
}
