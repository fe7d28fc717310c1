//! Typesense, which holds the telemetry, and what is read off it.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use system_bus_sdk::{Error, Io, Result};

use crate::resolve::address;
use crate::settings::Settings;

/// The secret with the key.
const KEY: &str = "typesense_api_key";
/// How long a search may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The collection of records.
pub(crate) const RECORDS: &str = "otel_events";

/// What the telemetry says about one thing.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Signal {
    /// What people call it.
    pub name: String,
    /// What it says.
    pub state: State,
    /// The same in words.
    pub detail: String,
    /// The numbers that it comes from.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub figures: Value,
}

/// What a signal says.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is not looked at.
    Disabled,
    /// It could not be looked at, which says nothing.
    Unavailable,
    /// All is well.
    Normal,
    /// Somebody has to know.
    Escalated,
}

impl Signal {
    pub(crate) fn disabled(name: &str) -> Self {
        Self::of(name, State::Disabled, "the operator has not switched it on")
    }

    pub(crate) fn of(name: &str, state: State, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), state, detail: detail.into(), figures: Value::Null }
    }

    /// Whether anything is known.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self.state, State::Normal | State::Escalated)
    }
}

/// Typesense, as a step reaches it.
pub(crate) struct Typesense<'a> {
    pub(crate) io: &'a Io,
    pub(crate) settings: &'a Settings,
}

impl Typesense<'_> {
    /// Searches in the first of its places that answers.
    pub(crate) async fn search(&self, collection: &str, query: &[(&str, &str)]) -> Result<Value> {
        let mut path = format!("/collections/{}/documents/search", encoded(collection));
        for (position, (name, value)) in query.iter().enumerate() {
            let before = if position == 0 { '?' } else { '&' };
            let _ = write!(path, "{before}{name}={}", encoded(value));
        }
        let key = outside::token(self.io, KEY)?;
        let mut problem = Error::retry("nobody says where Typesense is");
        for place in &self.settings.typesense {
            let base = address(self.io, self.settings, place).await;
            let request = self.io.http().get(format!("{base}{path}")).redirects(0);
            match request.header("X-TYPESENSE-API-KEY", &key).timeout(PATIENCE).send().await {
                Err(error) => problem = error.into(),
                // What says so by a status is there: another place would say the same.
                Ok(answer) => return Ok(answer.ok()?.json()?),
            }
        }
        Err(problem)
    }

    /// How many records there are.
    pub(crate) async fn count(&self, filter: &str) -> Result<u64> {
        let query = [("q", "*"), ("query_by", "action"), ("filter_by", filter), ("per_page", "0")];
        let found = self.search(RECORDS, &query).await?;
        found["found"].as_u64().ok_or_else(|| Error::retry("Typesense counts nothing"))
    }
}

/// A text as part of a query.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
