//! How a run ended, and what happened on the way.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::event::{FAILED, Outgoing};
use crate::log::Level;

/// How a run ended, and what happened on the way.
#[derive(Debug)]
pub struct Ended {
    /// What the function ended with.
    pub result: Result<Value>,
    /// The steps that ended, in that order, with their keys; a repeated id counts up as on the
    /// server (`a`, `a:1`).
    pub steps: Vec<String>,
    /// The events that were sent.
    pub events: Vec<SentEvent>,
    /// The signals that were sent, with their data.
    pub signals: Vec<(String, Value)>,
    /// The lines that were logged, those outside of bodies once per call.
    pub lines: Vec<Line>,
    /// How often the function was called.
    pub calls: u32,
    /// How long the run took in virtual time.
    pub took: Duration,
    pub(super) attempts: BTreeMap<String, u32>,
    pub(super) function: &'static str,
    pub(super) event: Value,
}

impl Ended {
    /// The function's result.
    ///
    /// # Panics
    ///
    /// When the function failed, or its result is of another type.
    #[track_caller]
    pub fn output<T: DeserializeOwned>(&self) -> T {
        match &self.result {
            Ok(value) => serde_json::from_value(value.clone()).expect("the result is of that type"),
            Err(error) => panic!("the function failed: {error:?}"),
        }
    }

    /// The error with which the function failed.
    ///
    /// # Panics
    ///
    /// When it did not.
    #[track_caller]
    pub fn error(&self) -> &Error {
        self.result.as_ref().expect_err("the function did not fail")
    }

    /// How often the body of a step ran or was stood in for.
    pub fn attempts(&self, step: &str) -> u32 {
        self.attempts.get(step).copied().unwrap_or_default()
    }

    /// The event that the server sends about a run that failed: what a failure handler is called
    /// with.
    ///
    /// # Panics
    ///
    /// When the function did not fail.
    #[track_caller]
    pub fn failure(&self) -> Outgoing {
        let error: Value = serde_json::from_str(&self.error().to_json()).expect("it is JSON");
        let data = json!({
            "function_id": format!("test-{}", self.function), "run_id": super::server::RUN,
            "error": error, "event": self.event, "events": [self.event],
        });
        Outgoing::named(FAILED, &data)
    }
}

/// An event that a function sent.
#[derive(Clone, Debug, PartialEq)]
pub struct SentEvent {
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Value,
    /// The id that the function gave it.
    pub id: Option<String>,
}

/// A line that a function logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// The module that logged it.
    pub context: String,
    /// What it says.
    pub message: String,
}
