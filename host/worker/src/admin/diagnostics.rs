//! `GET /api/diagnostics`: counts by role with what forces functions onto a host, the last registration, and what is there
//! twice (R17, R56), in one short answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use protocol::role::Role;
use serde::Serialize;

use super::{Admin, answer, forced_by};
use crate::health;
use crate::sync::SyncState;

#[derive(Serialize)]
struct Shown<'w> {
    role: Role,
    app: &'w str,
    generation: u64,
    started_at: Timestamp,
    /// How many functions of the active components have their home in each role.
    functions: Counts,
    /// Those of them that nothing but their imports keeps on a host, with these imports.
    host_required: BTreeMap<&'w str, Vec<String>>,
    registered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_registration_at: Option<Timestamp>,
    duplicate_function_ids: Vec<String>,
    has_duplicate_function_ids: bool,
    refused: Vec<String>,
    warnings: Vec<String>,
    /// How many calls run.
    calls: usize,
}

#[derive(Serialize)]
struct Counts {
    host: usize,
    cluster: usize,
}

pub(super) async fn diagnostics(State(admin): State<Arc<Admin>>) -> Response {
    let worker = &admin.worker;
    let present = worker.registry.present();
    let registration = admin.registration.borrow().clone();
    let count = |role| present.of_role(role).count();
    let forced = present.functions().map(|(id, active)| (id.as_str(), forced_by(active, id)));
    let duplicates = health::duplicates(worker, &registration);
    let shown = Shown {
        role: worker.options.role,
        app: worker.options.app.as_str(),
        generation: present.number(),
        started_at: worker.started,
        functions: Counts { host: count(Role::Host), cluster: count(Role::Cluster) },
        host_required: forced.filter(|(_, forced)| !forced.is_empty()).collect(),
        registered: matches!(registration, SyncState::Synced { .. }),
        last_registration_at: match registration {
            SyncState::Synced { at, .. } => Some(at),
            _ => None,
        },
        has_duplicate_function_ids: !duplicates.is_empty(),
        duplicate_function_ids: duplicates,
        refused: health::refusals(worker),
        warnings: health::warnings(&present),
        calls: worker.running(),
    };
    answer(StatusCode::OK, present.number(), &shown)
}
