//! The shape of a function's options, decoded as strictly as the real server does.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::duration;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Declared {
    pub(super) concurrency: Option<Concurrency>,
    pub(super) throttle: Option<Throttle>,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) idempotency: Option<String>,
    pub(super) debounce: Option<Debounce>,
    pub(super) batch_events: Option<Batch>,
    pub(super) priority: Option<Priority>,
    pub(super) cancel: Option<Vec<Cancel>>,
    pub(super) timeouts: Option<Timeouts>,
    pub(super) singleton: Option<Singleton>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Concurrency {
    Steps(u64),
    One(Limit),
    Several(Vec<Limit>),
    Apart(Apart),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Apart {
    #[serde(default, rename = "fn")]
    pub(super) runs: Vec<Limit>,
    #[serde(default)]
    pub(super) step: Vec<Limit>,
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the wire")]
pub(super) struct Limit {
    pub(super) limit: u64,
    pub(super) key: Option<String>,
    #[serde(default)]
    pub(super) scope: Scope,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scope {
    #[default]
    Fn,
    Env,
    Account,
}

#[derive(Deserialize)]
pub(super) struct Throttle {
    pub(super) limit: u64,
    #[serde(deserialize_with = "period")]
    pub(super) period: Duration,
    #[serde(default)]
    pub(super) burst: u64,
    pub(super) key: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RateLimit {
    pub(super) limit: u64,
    pub(super) period: String,
    pub(super) key: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Debounce {
    pub(super) period: String,
    pub(super) timeout: Option<String>,
    pub(super) key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Batch {
    pub(super) max_size: usize,
    pub(super) timeout: String,
    pub(super) key: Option<String>,
    #[serde(rename = "if")]
    pub(super) condition: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Priority {
    pub(super) run: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Cancel {
    pub(super) event: String,
    #[serde(rename = "if")]
    pub(super) condition: Option<String>,
    pub(super) timeout: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Timeouts {
    pub(super) start: Option<String>,
    pub(super) finish: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Singleton {
    #[serde(default)]
    pub(super) mode: Mode,
    pub(super) key: Option<String>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    #[default]
    Skip,
    Cancel,
}

fn period<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    let unreadable = || serde::de::Error::custom(format!("period {text:?} is no duration"));
    duration::parse(&text).ok_or_else(unreadable)
}
