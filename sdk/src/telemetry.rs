//! Records of what a function did, for whoever looks for it later.
//!
//! They need no grant. A record made outside of a step's body is kept once, although the function runs from its top in
//! every call.
//!
//! ```
//! use system_bus_sdk::prelude::*;
//!
//! # async fn example(ctx: Ctx) -> Result<()> {
//! ctx.step("probe", async |io| {
//!     let answer = io.http().get("https://api.test/health").send().await;
//!     let record = io.record("probe.api").with("url", "https://api.test/health");
//!     match &answer {
//!         Ok(_) => record.done(),
//!         Err(problem) => record.failed(problem),
//!     }
//!     Ok(answer.is_ok())
//! })
//! .await?;
//! # Ok(())
//! # }
//! ```

use std::fmt::Display;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

/// How much a record matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Of use while something is looked for; a host keeps twelve a minute of one action.
    Debug,
    /// The course of things.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed.
    Error,
    /// Something failed that everything depends on.
    Fatal,
}

/// A record that is being made; [`Record::done`] or [`Record::failed`] hands it to the host.
#[derive(Debug, Clone)]
#[must_use = "a record is kept when `done` or `failed` is called"]
pub struct Record {
    level: Option<Level>,
    component: String,
    #[cfg_attr(
        not(target_family = "wasm"),
        expect(dead_code, reason = "a native build has nobody to tell")
    )]
    action: String,
    took: Option<Duration>,
    metadata: Map<String, Value>,
}

impl Record {
    /// A record of this action, such as `probe.redis`.
    pub(crate) fn of(action: impl Into<String>) -> Self {
        Self {
            level: None,
            component: String::new(),
            action: action.into(),
            took: None,
            metadata: Map::new(),
        }
    }

    /// Who did it; the component's own name unless said otherwise.
    pub fn component(mut self, component: impl Into<String>) -> Self {
        self.component = component.into();
        self
    }

    /// How much it matters; `info`, or `error` where it failed, unless said otherwise.
    pub fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// How long it took.
    pub fn took(mut self, time: Duration) -> Self {
        self.took = Some(time);
        self
    }

    /// One more member. What cannot be written as JSON is left out.
    pub fn with(mut self, name: &str, value: impl Serialize) -> Self {
        if let Ok(value) = serde_json::to_value(value) {
            self.metadata.insert(name.to_owned(), value);
        }
        self
    }

    /// It has succeeded.
    pub fn done(self) {
        self.emit(true, None);
    }

    /// It has failed, because of this.
    pub fn failed(self, error: impl Display) {
        self.emit(false, Some(error.to_string()));
    }

    fn emit(self, success: bool, error: Option<String>) {
        let level = self.level.unwrap_or(if success { Level::Info } else { Level::Error });
        host::emit(level, self, success, error);
    }
}

/// A span beneath the step's own, until it is dropped.
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    number: u64,
}

impl Span {
    /// Begins one.
    pub(crate) fn begin(name: &str) -> Self {
        Self { number: host::begin(name) }
    }

    /// Ends it with an error.
    pub fn failed(self, error: impl Display) {
        host::end(self.number, Some(&error.to_string()));
    }
}

/// The host ignores the end of a span that has ended before.
impl Drop for Span {
    fn drop(&mut self) {
        host::end(self.number, None);
    }
}

#[cfg(target_family = "wasm")]
mod host {
    use super::{Level, Record};
    use crate::guest::bindings::system_bus::durable::telemetry;

    pub(super) fn emit(level: Level, record: Record, success: bool, error: Option<String>) {
        let level = match level {
            Level::Debug => telemetry::Level::Debug,
            Level::Info => telemetry::Level::Info,
            Level::Warn => telemetry::Level::Warn,
            Level::Error => telemetry::Level::Error,
            Level::Fatal => telemetry::Level::Fatal,
        };
        let took = record.took.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        telemetry::emit(&telemetry::Event {
            level,
            component: record.component,
            action: record.action,
            success,
            error,
            took,
            metadata: serde_json::to_string(&record.metadata).unwrap_or_default(),
        });
    }

    pub(super) fn begin(name: &str) -> u64 {
        telemetry::begin_span(name, "")
    }

    pub(super) fn end(number: u64, error: Option<&str>) {
        telemetry::end_span(number, error);
    }
}

/// In a native build nobody keeps records.
#[cfg(not(target_family = "wasm"))]
mod host {
    use super::{Level, Record};

    pub(super) fn emit(_level: Level, _record: Record, _success: bool, _error: Option<String>) {}

    pub(super) fn begin(_name: &str) -> u64 {
        0
    }

    pub(super) fn end(_number: u64, _error: Option<&str>) {}
}
