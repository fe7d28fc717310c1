//! An Inngest server, as an operator asks it: over its REST interfaces, so that it may be the development engine, a
//! development server, or one for use.

pub(crate) mod listening;
pub(crate) mod runs;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use protocol::signature::{Keys, Trust};
use serde_json::Value;
use url::Url;
use worker::server_api::{ApiError, ServerApi};

use crate::config::inngest::Inngest;
use crate::local::key;

/// Which server is meant: the one of `INNGEST_*` in the environment, or a development engine.
#[derive(Debug, Clone, Args)]
pub(crate) struct ServerArgs {
    /// Ask a development engine, whatever the environment says: without an address, that of `system-bus dev`
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "http://127.0.0.1:8288")]
    pub(crate) dev: Option<Url>,
    /// Where that engine keeps its state, and the key it is asked with
    #[arg(long, value_name = "DIR", default_value = ".system-bus/dev")]
    pub(crate) dev_data: PathBuf,
}

impl ServerArgs {
    /// What the environment says; none where a development engine is asked instead.
    pub(crate) fn environment(&self) -> anyhow::Result<Option<Inngest>> {
        match self.dev {
            Some(_) => Ok(None),
            None => Inngest::parse(|name| std::env::var(name).ok()).map(Some),
        }
    }

    /// A client of that server.
    pub(crate) fn server(&self) -> anyhow::Result<ServerApi> {
        let api = match (&self.dev, self.environment()?) {
            (None, Some(inngest)) => {
                let events = (inngest.event_api_origin.clone(), inngest.event_key.clone());
                let api = inngest.api_origin.clone();
                ServerApi::operating(&inngest.trust, api, events, inngest.env)?
            }
            (dev, _) => {
                let dev = dev.clone().context("an address")?;
                let trust = trust(&dev, &self.dev_data)?;
                ServerApi::operating(&trust, dev.clone(), (dev, None), None)?
            }
        };
        Ok(api)
    }
}

/// With what an engine for development is asked: the key beside its state, if it has one. Only an engine of this machine can
/// have that state, and nobody else is shown what was made of the key.
fn trust(engine: &Url, data: &Path) -> anyhow::Result<Trust> {
    let local = match engine.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    let key = if local { key::kept(data)? } else { None };
    Ok(key.map_or(Trust::Dev, |primary| Trust::Signed(Keys { primary, fallback: None })))
}

/// What a server says that does not tell of something, with what would help. `what` names that, such as `run 01J…`.
pub(crate) fn explained(what: &str, error: ApiError) -> anyhow::Error {
    match error {
        ApiError::Refused { status: 404, .. } => anyhow::anyhow!(
            "the server has no {what}, or none any more; compare the id with its list, and INNGEST_BASE_URL with its address"
        ),
        ApiError::NoKey { status } | ApiError::Unauthorized { status } => anyhow::anyhow!(
            "the server wants another key ({status}): for one of `system-bus dev`, name the folder of its state with \
             --dev URL --dev-data DIR; for another, set INNGEST_SIGNING_KEY and INNGEST_BASE_URL"
        ),
        ApiError::Refused { status: 501, message } => anyhow::anyhow!(
            "the server does not tell what is needed of {what} ({message}); a self-hosted Inngest from v1.43 on and the \
             development engine do"
        ),
        error => error.into(),
    }
}

/// A text of an answer; empty where there is none.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A value in one line of at most so many characters.
pub(crate) fn shortened(value: &Value, most: usize) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace('\n', " "),
        other => other.to_string(),
    };
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
