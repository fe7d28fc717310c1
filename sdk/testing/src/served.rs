//! What answers calls: functions as they are written, and those that a test stands in for.

use std::marker::PhantomData;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use protocol::call::Call;
use protocol::function::{FunctionConfig, Manifest};
use protocol::outcome::Outcome;
use protocol::replay::Rigour;
use serde_json::Value;
use serde_json::value::RawValue;
use system_bus_sdk::{Function, manifest};

use crate::native;
use crate::stage::{Body, Killed, Stage, failure};
use crate::world::Callee;

/// What came of a call.
pub(crate) struct Called {
    pub(crate) outcome: Outcome,
    /// How long it took in virtual time.
    pub(crate) took: Duration,
    /// The body whose end the outcome reports.
    pub(crate) reports: Option<Body>,
}

impl Called {
    pub(crate) fn at_once(outcome: Outcome) -> Self {
        Self { outcome, took: Duration::ZERO, reports: None }
    }
}

/// A function that is served.
pub(crate) trait Served {
    /// What the engine is told of it.
    fn config(&self) -> &FunctionConfig;

    /// Whether stubs of its steps are answered without a call of it: it runs where no stub can reach.
    fn is_remote(&self) -> bool {
        false
    }

    /// Answers a call.
    fn call(&self, stage: &Rc<Stage>, call: Arc<Call>, rigour: Rigour) -> Result<Called, Killed>;
}

/// A function that runs in this process.
pub(crate) struct Native<F> {
    config: FunctionConfig,
    function: PhantomData<fn() -> F>,
}

impl<F: Function> Native<F> {
    pub(crate) fn new() -> Self {
        Self { config: config(&manifest(&[F::DECLARATION])), function: PhantomData }
    }
}

impl<F: Function> Served for Native<F> {
    fn config(&self) -> &FunctionConfig {
        &self.config
    }

    fn call(&self, stage: &Rc<Stage>, call: Arc<Call>, rigour: Rigour) -> Result<Called, Killed> {
        native::call::<F>(stage, &self.config, call, rigour)
    }
}

/// A function that the test stands in for.
pub(crate) struct StandIn {
    config: FunctionConfig,
    answer: Callee,
}

impl StandIn {
    pub(crate) fn new(id: &str, answer: Callee) -> Self {
        // It is there to be invoked; no event has this name.
        let trigger = serde_json::json!({ "event": format!("system-bus-testing/{id}.stubbed") });
        let function = serde_json::json!({ "id": id, "triggers": [trigger] });
        let manifest = serde_json::json!({ "functions": [function] });
        Self { config: config(&manifest.to_string()), answer }
    }
}

impl Served for StandIn {
    fn config(&self) -> &FunctionConfig {
        &self.config
    }

    fn call(&self, _stage: &Rc<Stage>, call: Arc<Call>, _: Rigour) -> Result<Called, Killed> {
        let mut event: Value = serde_json::from_str(call.event()).unwrap_or_default();
        let mut input = event["data"].take();
        if let Some(members) = input.as_object_mut() {
            // The server's own corner.
            members.remove("_inngest");
        }
        let outcome = match (self.answer)(&input) {
            Ok(json) => Outcome::Done(RawValue::from_string(json).expect("it was encoded")),
            Err(error) => {
                let (error, retry) = failure(&error);
                Outcome::Failed { error, retry }
            }
        };
        Ok(Called::at_once(outcome))
    }
}

/// The one function of a manifest.
fn config(manifest: &str) -> FunctionConfig {
    let parsed = Manifest::parse(manifest);
    let mut functions = parsed.unwrap_or_else(|error| panic!("no host would take it: {error}"));
    functions.functions.swap_remove(0)
}
