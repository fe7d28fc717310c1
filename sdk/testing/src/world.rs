//! What a test says about the world around its functions.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use protocol::step::StepName;
use serde_json::Value;
use system_bus_sdk::http::{HttpError, Request, Response};
use system_bus_sdk::{Error, Result};

use crate::path::{Path, base};

/// What a stub is asked.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Asked<'a> {
    /// The id of the function.
    pub function: &'a str,
    /// The step's id, with its key or its number.
    pub step: &'a str,
    /// How often this was tried before, from 0.
    pub attempt: u32,
    /// What `io.idempotency_key()` would be in the body.
    pub idempotency_key: &'a str,
}

impl Asked<'_> {
    /// The step's key: `7` in `charge[7]`.
    pub fn key(&self) -> Option<&str> {
        let rest = &self.step[base(self.step).len()..];
        rest.strip_prefix('[')?.rsplit_once(']').map(|(key, _)| key)
    }
}

/// What answers for a step: its result as JSON.
pub(crate) type Body = Rc<dyn Fn(&Asked<'_>) -> Result<String>>;
/// What answers for a function, by its input: its result as JSON.
pub(crate) type Callee = Rc<dyn Fn(&Value) -> Result<String>>;
/// What answers requests.
pub(crate) type Network = Rc<dyn Fn(&Request) -> Result<Response, HttpError>>;
/// What answers for a model; an error is the provider's words.
pub(crate) type Model = Rc<dyn Fn(&Value) -> Result<Value, Value>>;

#[derive(Default)]
pub(crate) struct World {
    pub(crate) stubs: Vec<(Path, Body)>,
    pub(crate) failures: Vec<(Path, u32, Error)>,
    pub(crate) durations: Vec<(Path, Duration)>,
    pub(crate) network: Option<Network>,
    pub(crate) model: Option<Model>,
    pub(crate) settings: BTreeMap<String, String>,
}

impl World {
    /// What stands in for a step. Of several the one that was given last counts.
    pub(crate) fn stub(&self, function: &str, step: &StepName) -> Option<Body> {
        let mut stubs = self.stubs.iter().rev();
        stubs.find(|(path, _)| path.means(function, step)).map(|(_, body)| Rc::clone(body))
    }

    /// How an attempt of a step fails, counted from 0, where it is to.
    pub(crate) fn failure(&self, function: &str, step: &StepName, attempt: u32) -> Option<Error> {
        let mut failures = self.failures.iter().rev();
        let (_, times, error) = failures.find(|(path, ..)| path.means(function, step))?;
        (attempt < *times).then(|| error.clone())
    }

    /// Whether something other than the function itself says how a step ends.
    pub(crate) fn answers_for(&self, function: &str, step: &StepName) -> bool {
        let failure = || self.failures.iter().any(|(path, ..)| path.means(function, step));
        self.stub(function, step).is_some() || failure()
    }

    /// How long an attempt of a step takes.
    pub(crate) fn duration(&self, function: &str, step: &StepName) -> Duration {
        let mut durations = self.durations.iter().rev();
        let found = durations.find(|(path, _)| path.means(function, step));
        found.map(|(_, time)| *time).unwrap_or_default()
    }
}
