//! A decoded call → an outcome: the only joint of both sides.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use protocol::call::{Call, CallError, Route};
use protocol::crypt::{self, OpenError, Sealer};
use protocol::directory::Directory;
use protocol::function::Checkpointing;
use protocol::id::{FunctionId, RunId};
use protocol::op::{ErrorObject, Retry};
use protocol::outcome::Outcome;
use protocol::replay::{Rigour, answer_from_memo};
use protocol::reply::Reply;
use protocol::signature::Verified;
use protocol::trace::TraceContext;
use runtime::{CallFailed, Component, Generation, LoadError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::options::Options;
use crate::server_api::ServerApi;
use crate::stage::Stage;
use crate::state::{self, StateError};

/// One worker: its components and its server.
#[derive(Debug)]
pub struct Worker {
    pub(crate) options: Options,
    pub(crate) generation: Generation,
    pub(crate) refused: Vec<LoadError>,
    pub(crate) started: Timestamp,
    api: ServerApi,
    directory: watch::Receiver<Arc<Directory>>,
    /// Set when the worker is about to stop: what runs is finished, and nothing new begins.
    leaving: CancellationToken,
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
    /// The server left out the run's state because it is large, and it is not to be had.
    #[error(transparent)]
    State(#[from] StateError),
    /// It holds values that this worker cannot decrypt.
    #[error(transparent)]
    Sealed(#[from] OpenError),
}

impl Worker {
    pub(crate) fn new(
        options: Options,
        generation: Generation,
        refused: Vec<LoadError>,
        api: ServerApi,
        directory: watch::Receiver<Arc<Directory>>,
        leaving: CancellationToken,
    ) -> Self {
        let started = Timestamp::now();
        Self { options, generation, refused, started, api, directory, leaving }
    }

    /// Answers one call whose sender is believed. Every transport ends here.
    ///
    /// `trace` is the trace that the call belongs to, where the transport tells one.
    pub async fn answer(
        &self,
        route: Route,
        body: &Verified<Bytes>,
        trace: Option<TraceContext>,
    ) -> Reply {
        let call = match Call::decode(route, body) {
            Ok(call) => call.traced(trace),
            Err(error) => return undecodable(&error),
        };
        let terms = call.terms();
        // What is logged meanwhile, by the guest too, names the trace.
        let trace = call.trace.as_ref().map(TraceContext::trace_id);
        let function = call.route.slug.as_str();
        let span = tracing::info_span!("call", run = %call.run, function, trace);
        match self.handle(call).instrument(span).await {
            Ok(outcome) => Reply::of(outcome, terms),
            Err(error) => {
                tracing::warn!(%error, "a call could not be handled");
                refused(500, "NotHandled", &error)
            }
        }
    }

    /// What becomes of one call.
    pub async fn handle(&self, call: Call) -> Result<Outcome, HandleError> {
        let (function, component) = self.find(&call.route.slug)?;
        let call = state::complete(&self.api, call).await?;
        let vault = self.options.vault.as_ref();
        let call = crypt::open_call(vault.map(AsRef::as_ref), call)?;
        let sealer = vault.map(|vault| Sealer::new(Arc::clone(vault), &call));
        let outcome = self.go_on(component, function, call, sealer.clone()).await;
        Ok(match sealer {
            Some(sealer) => sealer.outcome(outcome),
            None => outcome,
        })
    }

    /// Runs the function as far as it gets with a call that is complete and readable.
    async fn go_on(
        &self,
        component: &Component,
        function: &FunctionId,
        call: Call,
        sealer: Option<Sealer>,
    ) -> Outcome {
        if let Some(outcome) = answer_from_memo(&call) {
            return outcome;
        }
        let run = call.run;
        let stage = self.stage(&call, component, function, sealer);
        let _guard = stage.guard();
        let invoked = component
            .invoke(function, Arc::new(call), Arc::new(stage.clone()), Rigour::Lenient)
            .await;
        let outcome = invoked.unwrap_or_else(|failed| failed_outcome(run, failed));
        stage.close(outcome).await
    }

    /// The way to the server of one call.
    fn stage(
        &self,
        call: &Call,
        component: &Component,
        function: &FunctionId,
        sealer: Option<Sealer>,
    ) -> Stage {
        let config = component.functions().iter().find(|config| config.id == *function);
        let checkpointing = match config {
            Some(config) if self.options.checkpoints => config.checkpoint,
            _ => Checkpointing::Off,
        };
        let directory = Arc::clone(&self.directory.borrow());
        Stage::new(self.api.clone(), directory, call, checkpointing, sealer, self.leaving.clone())
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
        Some(step) => Outcome::StepFailed {
            step,
            race: failed.race,
            error,
            retry: Retry::Again,
            timing: failed.timing,
        },
        None => Outcome::Failed { error, retry: Retry::Again },
    }
}
