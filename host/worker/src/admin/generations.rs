//! `GET /api/generations`: what is active, what was, what is still in memory, and what is on disk and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use protocol::digest::Digest;
use protocol::function::Mode;
use protocol::id::FunctionId;
use protocol::role::Role;
use registry::{Absent, Activation, Counts, Generation, Kept, Percent, Registry, Rejected};
use serde::Serialize;

use super::{Admin, answer};

/// How many lines of the log are shown.
const LINES: usize = 100;

#[derive(Serialize)]
struct Generations<'g> {
    generation: u64,
    digest: Digest,
    functions: Vec<Entry<'g>>,
    components: Vec<Component<'g>>,
    /// Versions in memory that are not active, with the calls that run on them.
    old: Vec<Old>,
    /// The versions in the versions folder.
    stored: Vec<Stored>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    absent: &'g [Absent],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    rejected: BTreeMap<String, Rejected>,
    /// The last lines of the activation log, the newest first.
    history: Vec<&'g Activation>,
}

#[derive(Serialize)]
struct Entry<'g> {
    function: &'g FunctionId,
    component: &'g str,
    digest: Digest,
    home: Role,
    mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    canary: Option<Canary>,
    #[serde(flatten)]
    counts: Counts,
}

#[derive(Serialize)]
struct Canary {
    digest: Digest,
    percent: Percent,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    runs: u64,
}

#[derive(Serialize)]
struct Component<'g> {
    name: &'g str,
    digest: Digest,
    functions: Vec<&'g FunctionId>,
    calls: usize,
}

#[derive(Serialize)]
struct Old {
    digest: Digest,
    calls: usize,
}

#[derive(Serialize)]
struct Stored {
    digest: Digest,
    bytes: u64,
    /// Why it stays; absent when it goes with the next look.
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<String>,
}

impl From<Kept> for Stored {
    fn from(kept: Kept) -> Self {
        let Kept { digest, bytes, reason } = kept;
        Self { digest, bytes, kept: reason.map(|reason| reason.to_string()) }
    }
}

pub(super) async fn generations(State(admin): State<Arc<Admin>>) -> Response {
    let registry = &admin.worker.registry;
    let present = registry.present();
    let number = present.number();
    let stored = registry.kept(Timestamp::now()).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "the versions folder cannot be listed");
        Vec::new()
    });
    let stored = stored.into_iter().map(Stored::from).collect();
    answer(StatusCode::OK, number, &shown(registry, &present, stored))
}

fn shown<'g>(registry: &Registry, present: &'g Generation, stored: Vec<Stored>) -> Generations<'g> {
    let active = present.versions();
    let held = registry.held().into_iter();
    let old = held.filter(|(digest, _)| !active.contains_key(digest));
    let components = present.components().into_iter().map(|(name, version)| Component {
        name,
        digest: version.digest(),
        functions: version.component().functions().iter().map(|function| &function.id).collect(),
        calls: version.calls(),
    });
    Generations {
        generation: present.number(),
        digest: present.digest(),
        functions: present.functions().map(|(id, _)| function(registry, present, id)).collect(),
        components: components.collect(),
        old: old.map(|(digest, calls)| Old { digest, calls }).collect(),
        stored,
        absent: present.absent(),
        rejected: registry.rejected(),
        history: present.history().all().rev().take(LINES).collect(),
    }
}

fn function<'g>(registry: &Registry, present: &'g Generation, id: &'g FunctionId) -> Entry<'g> {
    // Only ids that are active come here.
    let active = present.active(id).expect("an active function");
    let history = present.history();
    let canary = active.canary.as_ref().map(|(version, percent)| Canary {
        digest: version.digest(),
        percent: *percent,
        since: history.canary(id).map(|line| line.at),
        runs: registry.tallies().canary_runs(id),
    });
    Entry {
        function: id,
        component: &active.component,
        digest: active.base.digest(),
        home: active.base.component().home(id),
        mode: active.config(id).map(|config| config.mode).unwrap_or_default(),
        canary,
        counts: registry.tallies().counts(id),
    }
}
