//! A worker's side of a call: grants, a runtime with all providers, and a server that stores every step.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;
use protocol::call::{Call, Route};
use protocol::directory::Directory;
use protocol::id::{FunctionId, StepId};
use protocol::op::{ErrorObject, Op, Retry};
use protocol::outcome::Outcome;
use protocol::replay::{Rigour, Sending};
use protocol::signature::{Trust, verify};
use runtime::capability::Granted;
use runtime::{Backstage, Compiler, Component, Limits, Provider, Runtime, Stored};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// The run of calls that name no other.
pub(crate) const RUN: &str = "01M81GXW71CEV7JQT6T4T8NAKZ";

/// A component and what it may use.
pub(crate) struct Site {
    pub(crate) runtime: Runtime,
    pub(crate) component: Arc<Component>,
}

impl Site {
    /// The guest at this path, in a runtime with these providers.
    pub(crate) async fn new(guest: &str, providers: Vec<Arc<dyn Provider>>) -> Self {
        Self::within(Limits::default(), guest, providers).await
    }

    /// The same with other limits.
    pub(crate) async fn within(
        limits: Limits,
        guest: &str,
        providers: Vec<Arc<dyn Provider>>,
    ) -> Self {
        Self::load(limits, guest, providers, Granted::default()).await
    }

    /// The same where the uses of what is granted are counted line by line.
    pub(crate) async fn granting(
        guest: &str,
        providers: Vec<Arc<dyn Provider>>,
        granted: Granted,
    ) -> Self {
        Self::load(Limits::default(), guest, providers, granted).await
    }

    async fn load(
        limits: Limits,
        guest: &str,
        providers: Vec<Arc<dyn Provider>>,
        granted: Granted,
    ) -> Self {
        // Compiled once for all tests, and kept from one run of them to the next.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        let cache = runtime::Cache::open(&folder, 256 << 20).expect("a cache");
        let compilation = runtime::Compilation::new(Compiler::InProcess, Some(cache));
        let runtime = Runtime::with_providers(limits, Vec::new(), compilation, providers);
        let runtime = runtime.expect("an engine").granting(granted);
        let bytes = std::fs::read(guest).expect("a built guest");
        let name = Path::new(guest).file_stem().expect("a name").to_string_lossy();
        let component = Component::load(&runtime, &name, bytes).await.expect("a component");
        Self { runtime, component }
    }

    /// Runs a function from its top to its end, each of its steps in this one call; answers in words: `done …`,
    /// `STEP failed with NAME: MESSAGE (POLICY)`, or what the host had to say.
    pub(crate) async fn run(&self, function: &str, data: Value) -> String {
        self.run_as(RUN, function, data).await
    }

    /// The same for another run.
    pub(crate) async fn run_as(&self, run: &str, function: &str, data: Value) -> String {
        self.run_call(function, call(run, &data)).await
    }

    /// The same for a call.
    pub(crate) async fn run_call(&self, function: &str, call: Arc<Call>) -> String {
        self.run_on(Server { stores: true }, function, call).await
    }

    /// Runs one step at most: the server stores nothing before the call ends.
    pub(crate) async fn run_once(&self, function: &str, call: Arc<Call>) -> String {
        self.run_on(Server { stores: false }, function, call).await
    }

    async fn run_on(&self, server: Server, function: &str, call: Arc<Call>) -> String {
        let function: FunctionId = function.parse().expect("an id");
        match self.component.invoke(&function, call, Arc::new(server), Rigour::Lenient).await {
            Ok(Outcome::Done(data)) => format!("done {data}"),
            Ok(Outcome::StepFailed { step, error, retry, .. }) => {
                format!("{} failed with {}: {} ({retry:?})", step.name, error.name, error.message)
            }
            Ok(Outcome::Failed { error, retry }) => {
                format!("failed with {}: {} ({retry:?})", error.name, error.message)
            }
            Ok(other) => format!("{other:?}"),
            Err(failed) => format!("{}: {failed}", failed.fault.class()),
        }
    }
}

/// A call with this event data and no memos.
pub(crate) fn call(run: &str, data: &Value) -> Arc<Call> {
    made(run, data, &[])
}

/// A call whose run has these steps behind it: names and values, in the order of completion.
pub(crate) fn replayed(run: &str, memos: &[(&str, Value)]) -> Arc<Call> {
    made(run, &json!({}), memos)
}

fn made(run: &str, data: &Value, memos: &[(&str, Value)]) -> Arc<Call> {
    let stack: Vec<_> = memos.iter().map(|(name, _)| StepId::hash(name).to_string()).collect();
    let values = memos.iter().map(|(_, value)| json!({ "data": value }));
    let steps: Map<String, Value> = stack.iter().cloned().zip(values).collect();
    let event =
        json!({"name": "testing/asked", "id": "e1", "ts": 1_795_347_640_000_u64, "data": data});
    let body = json!({
        "ctx": {
            "run_id": run, "attempt": 0, "max_attempts": 5,
            "stack": {"current": stack.len(), "stack": stack},
        },
        "event": event, "events": [event], "steps": steps, "version": 2,
    });
    let body = Bytes::from(body.to_string());
    let verified = verify(None, body, Timestamp::UNIX_EPOCH, &Trust::Dev).expect("trusted");
    let route = Route { slug: "f".to_owned(), target: None };
    Arc::new(Call::decode(route, &verified).expect("a call"))
}

/// Stores every step, so that a function goes on to its end in one call; or none.
struct Server {
    stores: bool,
}

#[async_trait]
impl Backstage for Server {
    fn directory(&self) -> Arc<Directory> {
        Arc::new(Directory::new("app".parse().expect("an id")))
    }

    async fn send(&self, _sending: &Sending) -> Result<Box<RawValue>, (ErrorObject, Retry)> {
        Err((ErrorObject::new("SendEventError", "there is no server here"), Retry::Never))
    }

    fn stores(&self) -> bool {
        self.stores
    }

    async fn store(&self, _step: Op) -> Stored {
        Stored::Kept
    }
}
