//! A decoded call → an outcome: the only joint of both sides.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use protocol::call::{Call, CallError, Route};
use protocol::id::{FunctionId, RunId};
use protocol::op::{ErrorObject, Retry, Timing};
use protocol::outcome::Outcome;
use protocol::replay::{Sending, answer_from_memo};
use protocol::reply::Reply;
use protocol::signature::Verified;
use runtime::{CallFailed, Component, Ending, Generation, LoadError};

use crate::options::Options;
use crate::server_api::ServerApi;

/// One worker: its components and its server.
#[derive(Debug)]
pub struct Worker {
    pub(crate) options: Options,
    pub(crate) generation: Generation,
    pub(crate) refused: Vec<LoadError>,
    pub(crate) started: Timestamp,
    api: ServerApi,
}

/// Why a call cannot be handed to a component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandleError {
    /// No component has this function.
    #[error(
        "this worker has no function {slug:?}; it serves {known}. Load the component that has it, or sync again"
    )]
    UnknownFunction {
        /// What the server asked for.
        slug: String,
        /// What there is.
        known: String,
    },
    /// The server left out the run's state because it is large.
    #[error(
        "the run's state is larger than one call carries, and this worker cannot fetch it; return references to large values instead of the values"
    )]
    LargeState,
}

impl Worker {
    pub(crate) fn new(
        options: Options,
        generation: Generation,
        refused: Vec<LoadError>,
        api: ServerApi,
    ) -> Self {
        Self { options, generation, refused, started: Timestamp::now(), api }
    }

    /// Answers one call whose sender is believed. Every transport ends here.
    pub async fn answer(&self, route: Route, body: &Verified<Bytes>) -> Reply {
        let call = match Call::decode(route, body) {
            Ok(call) => call,
            Err(error) => return undecodable(&error),
        };
        let attempt = call.attempt;
        match self.handle(call).await {
            Ok(outcome) => Reply::of(outcome, attempt),
            Err(error) => {
                tracing::warn!(%error, "a call could not be handled");
                refused(500, "NotHandled", &error)
            }
        }
    }

    /// What becomes of one call.
    pub async fn handle(&self, call: Call) -> Result<Outcome, HandleError> {
        let (function, component) = self.find(&call.route.slug)?;
        if call.use_api {
            return Err(HandleError::LargeState);
        }
        if let Some(outcome) = answer_from_memo(&call) {
            return Ok(outcome);
        }
        let run = call.run;
        Ok(match component.invoke(function, Arc::new(call)).await {
            Ok(Ending::Outcome(outcome)) => outcome,
            Ok(Ending::Send(sending)) => self.send(run, sending).await,
            Err(failed) => failed_outcome(run, failed),
        })
    }

    fn find(&self, slug: &str) -> Result<(&FunctionId, &Arc<Component>), HandleError> {
        let function = self.options.app.function_of(slug);
        function.and_then(|function| self.generation.find(function)).ok_or_else(|| {
            let known: Vec<_> = self
                .generation
                .functions()
                .map(|function| self.options.app.slug(&function.id))
                .collect();
            let known = if known.is_empty() { "none at all".to_owned() } else { known.join(", ") };
            HandleError::UnknownFunction { slug: slug.chars().take(300).collect(), known }
        })
    }

    /// Carries out a step that sends events.
    async fn send(&self, run: RunId, Sending { step, events }: Sending) -> Outcome {
        let start = Timestamp::now();
        let began = std::time::Instant::now();
        let sent = self.api.send_events(&events, run, step.id).await;
        let timing = Some(Timing { start, took: began.elapsed() });
        let ids = sent.and_then(|ids| {
            serde_json::value::to_raw_value(&serde_json::json!({ "ids": ids }))
                .map_err(|error| crate::server_api::ApiError::Answer(error.to_string()))
        });
        match ids {
            Ok(data) => Outcome::StepRan { step, data, timing },
            Err(error) => {
                tracing::warn!(step = step.name, %run, %error, "events could not be sent");
                let error = ErrorObject::new("SendEventError", error.to_string());
                Outcome::StepFailed { step, error, retry: Retry::Again, timing }
            }
        }
    }
}

/// The reply to what is not a call.
pub(crate) fn undecodable(error: &CallError) -> Reply {
    tracing::warn!(%error, "a call could not be decoded");
    let class = match error {
        CallError::NoFunction | CallError::BadTarget(_) => "BadQuery",
        CallError::Malformed(_) => "BadBody",
    };
    refused(400, class, error)
}

fn refused(status: u16, class: &str, error: &dyn std::fmt::Display) -> Reply {
    Reply::refused(status, &ErrorObject::new(class, error.to_string()))
}

/// A call that failed without the guest saying so: the failure of the step whose body ran, or of the function.
///
/// It is tried again while attempts remain: other code may be loaded by then.
fn failed_outcome(run: RunId, failed: CallFailed) -> Outcome {
    tracing::warn!(%run, error = %failed, "a call failed");
    let error = failed.error_object();
    match failed.step {
        Some(step) => {
            Outcome::StepFailed { step, error, retry: Retry::Again, timing: failed.timing }
        }
        None => Outcome::Failed { error, retry: Retry::Again },
    }
}
