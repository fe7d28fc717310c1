//! What the body of a step is given: the outside world.

pub(crate) mod reactor;

use std::rc::Rc;

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::fs::Fs;
use crate::gateway::Gateway;
use crate::http::Http;
use crate::inference::Models;
use crate::keyvalue::Keyvalue;
use crate::redis::Redis;
use crate::replay::Replay;
use crate::secrets::Secrets;
use crate::shell::Shell;
use crate::telemetry::{Record, Span};

/// The outside world, for as long as a step's body runs.
///
/// Calls joined inside one body overlap.
pub struct Io {
    replay: Rc<Replay>,
    step_id: String,
    input: Option<String>,
}

impl Io {
    pub(crate) fn new(replay: &Rc<Replay>, step: u32, input: Option<String>) -> Self {
        Self { step_id: replay.numbered_id(step), replay: Rc::clone(replay), input }
    }

    /// A client for HTTP. A component that never calls this does not import HTTP.
    pub fn http(&self) -> Http {
        Http::new()
    }

    /// Begins a record of an action, such as `probe.redis`. A component that never calls this (or
    /// [`Ctx::record`](crate::Ctx::record)) does not import telemetry.
    pub fn record(&self, action: impl Into<String>) -> Record {
        Record::of(action)
    }

    /// Begins a span beneath the step's own; it ends when it is dropped.
    pub fn span(&self, name: &str) -> Span {
        Span::begin(name)
    }

    /// Files, in the folders that the operator grants. A component that never calls this does not
    /// import them.
    pub fn fs(&self) -> Fs {
        Fs::new()
    }

    /// Secrets that the operator grants, none of which this code gets to see. A component that
    /// never calls this does not import them.
    pub fn secrets(&self) -> Secrets {
        Secrets::new()
    }

    /// A plain setting; see [`Ctx::config`](crate::Ctx::config).
    pub fn config(&self, key: &str) -> Option<String> {
        crate::config::setting(key)
    }

    /// The operator's Redis server. A component that never calls this does not import Redis.
    pub fn redis(&self) -> Redis {
        Redis::new()
    }

    /// Values by key, in the buckets that the operator grants. A component that never calls this does
    /// not import them.
    pub fn keyvalue(&self) -> Keyvalue {
        Keyvalue::new()
    }

    /// Telling people. A component that never calls this does not import the gateway.
    pub fn gateway(&self) -> Gateway {
        Gateway::new()
    }

    /// Language models, as far as the operator grants them. A component that never calls this does
    /// not import them.
    pub fn inference(&self) -> Models {
        Models::new()
    }

    /// Programs that the operator grants. A component that never runs one does not import this.
    pub fn shell(&self) -> Shell {
        Shell::new()
    }

    /// The same in every attempt of this step and on every host, and different for every other
    /// step: what services that take an idempotency key should be given.
    pub fn idempotency_key(&self) -> String {
        format!("{}:{}", self.replay.facts.run_id, self.step_id)
    }

    /// The id of this step, with its key.
    pub fn step_id(&self) -> &str {
        &self.step_id
    }

    /// How often this was tried before, from 0.
    pub fn attempt(&self) -> u32 {
        self.replay.facts.attempt
    }

    /// The arguments with which an operator asked for this step to be run again, if that is why it
    /// runs: a JSON array, so take a tuple.
    ///
    /// Fails for good when they do not fit.
    pub fn edited_input<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let Some(json) = &self.input else { return Ok(None) };
        serde_json::from_str(json).map(Some).map_err(|problem| {
            let message = format!(
                "the edited input of step `{}` does not fit `{}`: {problem}",
                self.step_id,
                std::any::type_name::<T>()
            );
            Error::stop(message).named("InputDecodeError")
        })
    }
}

impl std::fmt::Debug for Io {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Io").field("step_id", &self.step_id).finish_non_exhaustive()
    }
}
