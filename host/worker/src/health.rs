//! What `GET /` says.

pub(crate) mod ready;
mod standing;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use protocol::digest::Digest;
use protocol::function::Trigger;
use protocol::role::Role;
use registry::Generation;
use serde::Serialize;

pub(crate) use self::standing::Standing;
use crate::admin::forced_by;
use crate::handle::Worker;
use crate::sync::SyncState;

#[derive(Serialize)]
struct Health<'w> {
    service: &'static str,
    status: &'static str,
    version: &'static str,
    /// The revision of the sources, where whoever built this said it (R1).
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<&'static str>,
    role: Role,
    app: &'w str,
    generation: u64,
    started_at: Timestamp,
    count: usize,
    functions: Vec<&'w str>,
    components: Vec<ComponentHealth<'w>>,
    refused: Vec<String>,
    /// What forces functions onto a host, by function: for every other one a cluster would do.
    forced: BTreeMap<&'w str, Vec<String>>,
    duplicates: Vec<String>,
    /// How many calls run, and for how many seconds the one that runs longest.
    calls: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_call_seconds: Option<i64>,
    /// Whether the server has what the present generation announces.
    registered: bool,
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

/// The JSON of `GET /`. `wanted` is the fingerprint of what the server should have.
pub(crate) fn body(worker: &Worker, registration: &SyncState, wanted: &str) -> Vec<u8> {
    let present = worker.registry.present();
    let role = worker.options.role;
    let functions: Vec<_> = present.of_role(role).map(|function| function.id.as_str()).collect();
    let components = present.components().into_iter().map(|(name, version)| ComponentHealth {
        name,
        digest: version.digest(),
        functions: version.component().functions().iter().map(|f| f.id.as_str()).collect(),
    });
    // Running but not what it should be: somebody has to look.
    let refused = refusals(worker);
    let duplicates = duplicates(worker, registration);
    let whole = refused.is_empty() && duplicates.is_empty() && present.absent().is_empty();
    let registered = registration.has(wanted);
    let fine = whole && registered;
    let oldest = worker.under_way().oldest();
    let health = Health {
        service: "system-bus",
        status: if fine { "running" } else { "degraded" },
        version: env!("CARGO_PKG_VERSION"),
        revision: option_env!("SYSTEM_BUS_REVISION").filter(|revision| !revision.is_empty()),
        role,
        app: worker.options.app.as_str(),
        generation: present.number(),
        started_at: worker.started,
        count: functions.len(),
        functions,
        components: components.collect(),
        refused,
        forced: forced(&present),
        duplicates,
        calls: worker.running(),
        oldest_call_seconds: oldest.map(|since| Timestamp::now().as_second() - since.as_second()),
        registered,
        warnings: warnings(&present),
        registration,
    };
    serde_json::to_vec(&health).expect("all keys are strings")
}

/// What forces functions onto a host (R6, R17).
fn forced(present: &Generation) -> BTreeMap<&str, Vec<String>> {
    let functions = present.functions().map(|(id, active)| (id.as_str(), forced_by(active, id)));
    functions.filter(|(_, forced)| !forced.is_empty()).collect()
}

/// Function ids that two components have, or that another app has too. Each in one sentence.
pub(crate) fn duplicates(worker: &Worker, registration: &SyncState) -> Vec<String> {
    let rejected = worker.registry.rejected().into_iter();
    let here = rejected.filter(|(_, rejected)| !rejected.duplicates.is_empty());
    let here = here.map(|(name, rejected)| format!("component {name}: {}", rejected.reason));
    let SyncState::Blocked { conflicts, .. } = registration else { return here.collect() };
    here.chain(conflicts.iter().map(ToString::to_string)).collect()
}

/// What was left out: components, and functions of components. Each in one sentence that names it.
pub(crate) fn refusals(worker: &Worker) -> Vec<String> {
    let present = worker.registry.present();
    let rejected = worker.registry.rejected().into_iter();
    let components = rejected.map(|(name, rejected)| match rejected.reason {
        reason if reason.contains(&name) => reason,
        reason => format!("component {name}: {reason}"),
    });
    let absent = present.absent().iter().map(|absent| {
        let digest = absent.digest.short();
        format!(
            "component {}: version {digest} is active and not here: {}",
            absent.component, absent.reason
        )
    });
    let trouble = worker.registry.trouble();
    let trouble = trouble.map(|error| format!("the activation log: {error}"));
    let functions = present.refused();
    let functions =
        functions.map(|(component, refused)| format!("component {component}: {refused}"));
    trouble.into_iter().chain(components).chain(absent).chain(functions).collect()
}

/// What can be served and is still not what somebody meant.
pub(crate) fn warnings(generation: &Generation) -> Vec<String> {
    let handlers =
        generation.functions().filter_map(|(id, active)| active.config(id)).flat_map(|function| {
            function.triggers.iter().filter_map(move |trigger| match trigger {
                Trigger::FailureOf(of) => Some((&function.id, of)),
                Trigger::Event { .. } | Trigger::Cron { .. } => None,
            })
        });
    let lonely = handlers.filter(|(_, of)| generation.active(of).is_none());
    let lonely = lonely
        .map(|(handler, of)| {
            format!("function {handler} handles failures of {of}, which this worker does not serve; it never runs for them")
        });
    let components = generation.components();
    let wanting = components.into_iter().flat_map(|(name, version)| {
        let ungranted = version.component().ungranted().into_iter();
        ungranted.map(move |capability| {
            format!("component {name} imports {capability}, and no grant allows it; its calls are refused: see `system-bus grants`")
        })
    });
    lonely.chain(wanting).chain(strangers(generation)).collect()
}

/// Components that the grants name and that are not here: a start refuses them, and later they may go.
fn strangers(generation: &Generation) -> Vec<String> {
    let components = generation.components();
    let named = components.values().flat_map(|version| {
        let granted = version.component().runtime().granted();
        granted.components().filter(|name| !granted.is_optional(name))
    });
    let strangers: BTreeSet<_> = named.filter(|name| !components.contains_key(name)).collect();
    let words = strangers.into_iter().map(|name| {
        format!("the grants name the component {name}, which is not active: a worker that starts without it refuses the file; say `optional = true` there, or take it out")
    });
    words.collect()
}
