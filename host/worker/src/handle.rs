//! A decoded call → an outcome: the only joint of both sides.

mod busy;
mod spans;
mod under_way;
mod versions;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use jiff::Timestamp;
use protocol::call::{Call, CallError, Route};
use protocol::crypt::{self, OpenError, Sealer};
use protocol::directory::Directory;
use protocol::id::{FunctionId, RunId};
use protocol::op::{ErrorObject, Retry};
use protocol::outcome::Outcome;
use protocol::reply::Reply;
use protocol::signature::Verified;
use protocol::trace::TraceContext;
use registry::{Missing, Registry};
use runtime::CallFailed;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use self::spans::Ends;
pub(crate) use self::under_way::{Running, UnderWay};
use crate::metrics::{self, Metrics};
use crate::options::Options;
use crate::server_api::ServerApi;
use crate::state::{self, StateError};

/// One worker: its components and its server.
#[derive(Debug)]
pub struct Worker {
    pub(crate) options: Options,
    pub(crate) registry: Arc<Registry>,
    pub(crate) started: Timestamp,
    api: ServerApi,
    directory: watch::Receiver<Arc<Directory>>,
    /// Set when the worker is about to stop: what runs is finished, and nothing new begins.
    leaving: CancellationToken,
    /// How many calls it has taken so far.
    taken: AtomicU64,
    /// Those of them that run now.
    under_way: UnderWay,
    metrics: Metrics,
    /// When the last calls were answered, for traces.
    ends: Ends,
    /// One plan at a time.
    pub(crate) planning: tokio::sync::Mutex<()>,
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
    /// The version that its run needs is not here, and it is its last attempt.
    #[error(transparent)]
    Missing(#[from] Missing),
}

impl Worker {
    /// Which functions it serves: those whose home is this role.
    pub(crate) fn role(&self) -> protocol::role::Role {
        self.options.role
    }

    pub(crate) fn new(
        options: Options,
        registry: Arc<Registry>,
        api: ServerApi,
        directory: watch::Receiver<Arc<Directory>>,
        leaving: CancellationToken,
    ) -> Self {
        let started = Timestamp::now();
        let (taken, under_way) = (AtomicU64::new(0), UnderWay::default());
        let (metrics, planning) = (Metrics::default(), tokio::sync::Mutex::default());
        Self {
            options,
            registry,
            started,
            api,
            directory,
            leaving,
            taken,
            under_way,
            metrics,
            ends: Ends::default(),
            planning,
        }
    }

    /// How many calls it has taken so far.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// How many calls run now.
    pub(crate) fn running(&self) -> usize {
        self.under_way.count()
    }

    /// Those calls.
    pub(crate) fn under_way(&self) -> &UnderWay {
        &self.under_way
    }

    /// What is counted of its calls.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The way to the server.
    pub(crate) fn api(&self) -> &ServerApi {
        &self.api
    }

    /// Where functions live that others invoke.
    pub(crate) fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.borrow())
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
        self.taken.fetch_add(1, Ordering::Relaxed);
        let call = match Call::decode(route, body) {
            Ok(call) => call.traced(trace),
            Err(error) => return undecodable(&error),
        };
        let began = Instant::now();
        let _running = self.under_way.enter(&call, Timestamp::now());
        let (run, terms) = (call.run, call.terms());
        // What is logged meanwhile, by the guest too, names the trace.
        let (parent, trace) = (call.trace.clone(), call.trace.as_ref().map(TraceContext::trace_id));
        let function = call.route.slug.as_str();
        // What is active now. The code that answers may be older: lines of guests have its digest.
        let generation = self.registry.present().number();
        let attempt = call.attempt.number;
        let span =
            tracing::info_span!("call", run = %call.run, function, attempt, generation, trace);
        let collected = spans::begin(&span, parent.as_ref(), &self.ends, run);
        let counted = self.function_of(&call).ok();
        let handled = self.handle(call).instrument(span.clone()).await;
        if collected {
            let outcome = handled.as_ref().map_or("not-handled", metrics::name);
            let fine = !matches!(outcome, "not-handled" | "failed" | "step-failed" | "not-found");
            spans::end(&span, outcome, fine, &self.ends, run);
        }
        drop(span);
        let counted =
            counted.as_ref().filter(|function| self.has(function)).map(FunctionId::as_str);
        self.metrics.answered(counted, terms.attempt, handled.as_ref().ok(), began.elapsed());
        match handled {
            Ok(outcome) => {
                if outcome.ends_run(terms.attempt) {
                    self.registry.run_ended(run);
                }
                Reply::of(outcome, terms)
            }
            Err(error) => {
                tracing::warn!(%error, "a call could not be handled");
                // The server fails a run whose last attempt is answered with an error, whatever part of it was asked for.
                if terms.attempt.is_last() {
                    self.registry.run_ended(run);
                }
                refused(500, "NotHandled", &error)
            }
        }
    }

    /// What becomes of one call.
    pub async fn handle(&self, call: Call) -> Result<Outcome, HandleError> {
        let function = self.function_of(&call)?;
        let call = state::complete(&self.api, call).await?;
        let vault = self.options.vault.as_ref();
        let call = crypt::open_call(vault.map(AsRef::as_ref), call)?;
        let sealer = vault.map(|vault| Sealer::new(Arc::clone(vault), &call));
        let outcome = self.go_on(&function, call, sealer.as_ref()).await?;
        Ok(match sealer {
            Some(sealer) => sealer.outcome(outcome),
            None => outcome,
        })
    }

    /// The function that a call is for.
    fn function_of(&self, call: &Call) -> Result<FunctionId, HandleError> {
        let function = self.options.app.function_of(&call.route.slug);
        let function = function.and_then(|function| function.parse().ok());
        function.ok_or_else(|| self.unknown(call))
    }

    /// Whether the function is active, here or elsewhere. What only old runs need is not: its calls are few.
    fn has(&self, function: &FunctionId) -> bool {
        self.registry.present().active(function).is_some()
    }

    fn unknown(&self, call: &Call) -> HandleError {
        let present = self.registry.present();
        let known: Vec<_> = present
            .of_role(self.options.role)
            .map(|function| self.options.app.slug(&function.id))
            .collect();
        let known = if known.is_empty() { "none at all".to_owned() } else { known.join(", ") };
        HandleError::UnknownFunction { slug: call.route.slug.chars().take(300).collect(), known }
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
    // As a value and not as it is: a guest's panic is not to begin another line.
    tracing::warn!(%run, error = failed.to_string(), "a call failed");
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
