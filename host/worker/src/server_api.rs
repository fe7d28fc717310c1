//! HTTP out: what the worker asks of its server.

mod apps;
mod asking;
mod connect;
mod recording;
mod run;
mod runs;
mod state;

use std::time::Duration;

use protocol::event::{NewEvent, id_seed};
use protocol::id::{RunId, StepId};
use protocol::signature::{SigningKey, Trust};
use protocol::{SDK, header};
use reqwest::header::{AUTHORIZATION, USER_AGENT};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use url::Url;

pub use self::apps::SyncRequest;
pub(crate) use self::run::NotStored;
pub use self::state::STATE_LIMIT;
use crate::options::Options;

/// How long the server may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A development server takes any key, but the path needs one.
const NO_EVENT_KEY: &str = "NO_EVENT_KEY_SET";

/// How often a request that sends events is tried before its step's own retry takes over.
const SEND_TRIES: u32 = 3;

/// A client of one server.
#[derive(Debug, Clone)]
pub struct ServerApi {
    client: Client,
    api_origin: Url,
    event_api_origin: Url,
    event_key: String,
    keys: Vec<SigningKey>,
    env: Option<String>,
}

/// Why the server did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// It cannot be reached.
    #[error(
        "the server at {origin} cannot be reached: {reason}; is it running, and are INNGEST_DEV and INNGEST_BASE_URL right?"
    )]
    Unreachable {
        /// Where it should be.
        origin: String,
        /// What went wrong.
        reason: String,
    },
    /// It does not believe us.
    #[error(
        "the server refuses our key ({status}); compare INNGEST_SIGNING_KEY and INNGEST_EVENT_KEY with the server's"
    )]
    Unauthorized {
        /// 401 or 403.
        status: u16,
    },
    /// It wants a key, and we have none.
    #[error(
        "the server wants a signing key ({status}), and a worker in dev mode has none; unset INNGEST_DEV and set INNGEST_SIGNING_KEY and INNGEST_BASE_URL"
    )]
    NoKey {
        /// 401 or 403.
        status: u16,
    },
    /// It refuses.
    #[error("the server answered {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it says.
        message: String,
    },
    /// It took our functions, and has others.
    #[error(
        "the server took the registration, but {}; is another worker registering the same app?",
        _0.join("; ")
    )]
    Differs(Vec<String>),
    /// Its answer makes no sense.
    #[error("the server's answer cannot be read: {0}")]
    Answer(String),
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    ids: Vec<String>,
    error: Option<String>,
}

impl ServerApi {
    /// A client of the server that the options name.
    pub fn new(options: &Options) -> Result<Self, reqwest::Error> {
        // One TLS provider for the whole program; a second installation changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            client: Client::builder().timeout(TIMEOUT).build()?,
            api_origin: options.api_origin.clone(),
            event_api_origin: options.event_api_origin.clone(),
            event_key: options.event_key.clone().unwrap_or_else(|| NO_EVENT_KEY.to_owned()),
            keys: keys(&options.trust),
            env: options.env.clone(),
        })
    }

    /// Sends the events of a step, and answers with the server's ids for them.
    ///
    /// The ids are derived from the run and the step, so trying again sends nothing twice.
    pub async fn send_events(
        &self,
        events: &[NewEvent],
        run: RunId,
        step: StepId,
    ) -> Result<Vec<String>, ApiError> {
        let url = join(&self.event_api_origin, &format!("e/{}", self.event_key));
        let mut tried = 1;
        loop {
            let request = self
                .common(self.client.post(url.clone()))
                .header(header::EVENT_ID_SEED, id_seed(run, step))
                .json(events);
            match self.event_answer(request).await {
                Err(error) if tried < SEND_TRIES && error.is_passing() => {
                    tokio::time::sleep(Duration::from_millis(100 << tried)).await;
                    tried += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn event_answer(&self, request: RequestBuilder) -> Result<Vec<String>, ApiError> {
        let response =
            request.send().await.map_err(|error| unreachable(&self.event_api_origin, error))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| ApiError::Answer(innermost(error)))?;
        if status == StatusCode::UNAUTHORIZED {
            return Err(ApiError::Unauthorized { status: status.as_u16() });
        }
        // The server sends JSON as plain text here, for errors too.
        let sent: Result<Sent, _> = serde_json::from_str(&text);
        match sent {
            Ok(sent) if status.is_success() => Ok(sent.ids),
            Ok(Sent { error: Some(error), .. }) => {
                Err(ApiError::Refused { status: status.as_u16(), message: error })
            }
            Err(error) if status.is_success() => Err(ApiError::Answer(error.to_string())),
            _ => Err(ApiError::Refused { status: status.as_u16(), message: shortened(&text) }),
        }
    }

    /// Sends a request with the first key, and with the fallback when the server refuses that.
    async fn authorized(
        &self,
        request: impl Fn(&Client) -> RequestBuilder,
    ) -> Result<Response, ApiError> {
        let mut keys = self.keys.iter();
        let mut key = keys.next();
        loop {
            let mut attempt = self.common(request(&self.client));
            if let Some(key) = key {
                attempt = attempt.header(AUTHORIZATION, format!("Bearer {}", key.bearer()));
            }
            let response =
                attempt.send().await.map_err(|error| unreachable(&self.api_origin, error))?;
            let status = response.status();
            if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
                return Ok(response);
            }
            key = keys.next();
            if key.is_none() {
                let status = status.as_u16();
                return Err(if self.keys.is_empty() {
                    ApiError::NoKey { status }
                } else {
                    ApiError::Unauthorized { status }
                });
            }
        }
    }

    fn common(&self, request: RequestBuilder) -> RequestBuilder {
        let request = request.header(header::SDK, SDK).header(USER_AGENT, SDK);
        match &self.env {
            Some(env) => request.header(header::ENV, env),
            None => request,
        }
    }
}

impl ApiError {
    /// Whether the same request may succeed in a moment.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Differs(_) => true,
            Self::Refused { status, .. } => *status >= 500 || *status == 429,
            Self::Unauthorized { .. } | Self::NoKey { .. } | Self::Answer(_) => false,
        }
    }
}

/// The keys to be believed with, the first one first.
fn keys(trust: &Trust) -> Vec<SigningKey> {
    match trust {
        Trust::Dev => Vec::new(),
        Trust::Signed(keys) => {
            std::iter::once(&keys.primary).chain(&keys.fallback).cloned().collect()
        }
    }
}

fn unreachable(origin: &Url, error: reqwest::Error) -> ApiError {
    ApiError::Unreachable {
        origin: origin.origin().ascii_serialization(),
        reason: innermost(error),
    }
}

/// The innermost reason says it best. The address is left out: it would show the event key.
fn innermost(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut reason: &dyn std::error::Error = &error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    reason.to_string()
}

fn join(origin: &Url, path: &str) -> Url {
    let mut url = origin.clone();
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}/{path}"));
    url
}

/// The address of a path whose parts may hold any character.
fn path(origin: &Url, segments: &[&str]) -> Url {
    let mut url = origin.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

async fn read<T: serde::de::DeserializeOwned>(response: Response) -> Result<T, ApiError> {
    #[derive(Deserialize)]
    struct Message {
        error: Option<String>,
        message: Option<String>,
    }
    let status = response.status();
    let text = response.text().await.map_err(|error| ApiError::Answer(innermost(error)))?;
    if status.is_success() {
        return serde_json::from_str(&text).map_err(|error| ApiError::Answer(error.to_string()));
    }
    let message = serde_json::from_str::<Message>(&text)
        .ok()
        .and_then(|message| message.error.or(message.message))
        .unwrap_or_else(|| shortened(&text));
    Err(ApiError::Refused { status: status.as_u16(), message })
}

fn shortened(text: &str) -> String {
    text.chars().take(300).collect()
}
