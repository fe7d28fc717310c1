//! Making calls as the server makes them, and naming what came of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use protocol::call::{Call, Route};
use protocol::id::{FunctionId, StepId};
use protocol::outcome::Outcome;
use protocol::replay::Rigour;
use protocol::signature::{Trust, verify};
use runtime::{CallFailed, Component, Limits, LoadError, Runtime};
use serde_json::{Value, json};

use crate::stage::Stage;

pub(crate) const RUN: &str = "01M81GXW71CEV7JQT6T4T8NAKZ";

/// Limits that guests break quickly, and no time limit that a busy machine breaks for them.
fn patient() -> Limits {
    Limits { memory: 64 << 20, host_call: 8 << 20, ..Limits::default() }
}

/// Time limits that run out in milliseconds.
fn tight() -> Limits {
    let (replay, step) = (Duration::from_millis(200), Duration::from_millis(400));
    Limits { replay, step, ..patient() }
}

pub(crate) fn runtime(allowed: &[&str]) -> Runtime {
    let allowed = allowed.iter().map(|text| text.parse().expect("a destination")).collect();
    Runtime::new(patient(), allowed).expect("an engine")
}

/// A runtime for guests that run out of time.
pub(crate) fn impatient() -> Runtime {
    Runtime::new(tight(), Vec::new()).expect("an engine")
}

pub(crate) async fn load(runtime: &Runtime, guest: &str) -> Result<Arc<Component>, LoadError> {
    let bytes = std::fs::read(guest).expect("a built guest");
    let name = Path::new(guest).file_stem().expect("a name").to_string_lossy();
    Component::load(runtime, &name, bytes).await
}

/// One call of a run: `memos` are names and stored values, in the order of completion.
#[derive(Default)]
pub(crate) struct Made<'m> {
    /// The name of the event; `testing/asked` unless given.
    pub(crate) event: Option<&'m str>,
    pub(crate) data: Value,
    pub(crate) memos: &'m [(&'m str, Value)],
    pub(crate) target: Option<&'m str>,
    pub(crate) planned_only: bool,
    pub(crate) attempt: u32,
    pub(crate) rigour: Rigour,
}

impl Made<'_> {
    pub(crate) fn call(&self) -> Arc<Call> {
        let steps: serde_json::Map<String, Value> = self
            .memos
            .iter()
            .map(|(name, memo)| (StepId::hash(name).to_string(), memo.clone()))
            .collect();
        // An edited input is no end of a step.
        let ended = |memo: &Value| memo.get("input").is_none();
        let stack: Vec<_> = self
            .memos
            .iter()
            .filter(|(_, memo)| ended(memo))
            .map(|(name, _)| StepId::hash(name).to_string())
            .collect();
        let name = self.event.unwrap_or("testing/asked");
        let event =
            json!({"name": name, "id": "e1", "ts": 1_795_347_640_000_u64, "data": self.data});
        let body = json!({
            "ctx": {
                "run_id": RUN, "attempt": self.attempt, "max_attempts": 5,
                "disable_immediate_execution": self.planned_only, "stack": {"current": stack.len(), "stack": stack},
            },
            "event": event, "events": [event], "steps": steps, "version": 2,
        });
        let body = Bytes::from(body.to_string());
        let verified = verify(None, body, Timestamp::UNIX_EPOCH, &Trust::Dev).expect("trusted");
        let route = Route { slug: "f".to_owned(), target: self.target.map(StepId::hash) };
        Arc::new(Call::decode(route, &verified).expect("a call"))
    }

    pub(crate) async fn to(
        &self,
        component: &Component,
        function: &str,
    ) -> Result<Outcome, CallFailed> {
        self.on(Stage::default(), component, function).await
    }

    /// The same with a stage that the test looks at.
    pub(crate) async fn on(
        &self,
        stage: Stage,
        component: &Component,
        function: &str,
    ) -> Result<Outcome, CallFailed> {
        let function: FunctionId = function.parse().expect("an id");
        component.invoke(&function, self.call(), Arc::new(stage), self.rigour).await
    }

    /// What came of it, in words.
    pub(crate) async fn told(&self, component: &Component, function: &str) -> String {
        match self.to(component, function).await {
            Ok(outcome) => words(&outcome),
            Err(failed) => format!("{}: {failed}", failed.fault.class()),
        }
    }
}

pub(crate) fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(data) => format!("done {data}"),
        Outcome::Planned(ops) => {
            let ops: Vec<_> =
                ops.iter().map(|op| format!("{} {}", op.code.name(), op.step.name)).collect();
            ops.join(", ")
        }
        Outcome::StepRan { step, data, .. } => format!("ran {} {data}", step.name),
        Outcome::StepFailed { step, error, retry, .. } => {
            format!("{} failed with {}: {} ({retry:?})", step.name, error.name, error.message)
        }
        Outcome::Failed { error, retry } => {
            format!("failed with {}: {} ({retry:?})", error.name, error.message)
        }
        Outcome::TargetNotFound { ending, .. } => format!("no target: {ending}"),
        Outcome::Fits => "fits".to_owned(),
        Outcome::Unfit(misfit) => format!("{}: {misfit}", misfit.name()),
        Outcome::Switch | Outcome::Again { .. } | Outcome::Superseded => format!("{outcome:?}"),
    }
}

/// A memo of a step that succeeded.
pub(crate) fn data(value: impl Into<Value>) -> Value {
    json!({ "data": value.into() })
}
