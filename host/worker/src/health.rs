//! What `GET /` says.

use jiff::Timestamp;
use protocol::digest::Digest;
use protocol::function::Trigger;
use runtime::Generation;
use serde::Serialize;

use crate::handle::Worker;
use crate::sync::SyncState;

#[derive(Serialize)]
struct Health<'w> {
    service: &'static str,
    status: &'static str,
    version: &'static str,
    app: &'w str,
    started_at: Timestamp,
    count: usize,
    functions: Vec<&'w str>,
    components: Vec<ComponentHealth<'w>>,
    refused: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    registration: &'w SyncState,
}

#[derive(Serialize)]
struct ComponentHealth<'w> {
    name: &'w str,
    digest: Digest,
    functions: Vec<&'w str>,
}

/// The JSON of `GET /`.
pub(crate) fn body(worker: &Worker, registration: &SyncState) -> Vec<u8> {
    let functions: Vec<_> =
        worker.generation.functions().map(|function| function.id.as_str()).collect();
    let components = worker.generation.components().iter().map(|component| ComponentHealth {
        name: component.name(),
        digest: component.digest(),
        functions: component.functions().iter().map(|function| function.id.as_str()).collect(),
    });
    // Running but not what it should be: somebody has to look.
    let refused = refusals(worker);
    let fine = refused.is_empty() && matches!(registration, SyncState::Synced { .. });
    let health = Health {
        service: "system-bus",
        status: if fine { "running" } else { "degraded" },
        version: env!("CARGO_PKG_VERSION"),
        app: worker.options.app.as_str(),
        started_at: worker.started,
        count: functions.len(),
        functions,
        components: components.collect(),
        refused,
        warnings: warnings(&worker.generation),
        registration,
    };
    serde_json::to_vec(&health).expect("all keys are strings")
}

/// What was left out: components, and functions of components. Each in one sentence that names it.
pub(crate) fn refusals(worker: &Worker) -> Vec<String> {
    let functions = worker.generation.refused();
    worker
        .refused
        .iter()
        .map(ToString::to_string)
        .chain(functions.map(|(component, refused)| format!("component {component}: {refused}")))
        .collect()
}

/// What can be served and is still not what somebody meant.
pub(crate) fn warnings(generation: &Generation) -> Vec<String> {
    let handlers = generation.functions().flat_map(|function| {
        function.triggers.iter().filter_map(move |trigger| match trigger {
            Trigger::FailureOf(of) => Some((&function.id, of)),
            Trigger::Event { .. } | Trigger::Cron { .. } => None,
        })
    });
    let lonely = handlers.filter(|(_, of)| generation.find(of.as_str()).is_none());
    lonely
        .map(|(handler, of)| {
            format!("function {handler} handles failures of {of}, which this worker does not serve; it never runs for them")
        })
        .collect()
}
