//! `GET /api/functions`: the functions of this worker, and what forced each into its role (R6, R56).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use protocol::function::{DeclaredEvent, Mode, Trigger};
use protocol::id::FunctionId;
use protocol::role::Role;
use registry::{Active, Generation};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Admin, answer};
use crate::sync::SyncState;

#[derive(Serialize)]
struct Shown<'g> {
    role: Role,
    app: &'g str,
    generation: u64,
    /// How many functions have their home here.
    count: usize,
    functions: Vec<Function<'g>>,
    /// Functions of the same components and folders whose home is the other role.
    elsewhere: Vec<Function<'g>>,
    /// Functions that are registered for their unfinished runs only.
    retired: Vec<&'g FunctionId>,
    /// Function ids that are declared twice, here or in another app.
    duplicates: Vec<String>,
    registration: &'g SyncState,
}

#[derive(Serialize)]
struct Function<'g> {
    id: &'g FunctionId,
    name: &'g str,
    component: &'g str,
    home: Role,
    mode: Mode,
    /// The imports, or the pin, that keep it off a cluster; empty where nothing does.
    forced_by: Vec<String>,
    /// What starts it.
    triggers: Vec<Starts<'g>>,
    /// What its types tell of the events that start it.
    input: Vec<Takes<'g>>,
}

/// A trigger, as the server's second API tells it.
#[derive(Serialize)]
struct Starts<'g> {
    r#type: &'static str,
    value: &'g str,
}

impl<'g> Starts<'g> {
    fn of(trigger: &'g Trigger) -> Option<Self> {
        match trigger {
            Trigger::Event { event, .. } => Some(Self { r#type: "EVENT", value: event.as_str() }),
            Trigger::Cron { schedule, .. } => {
                Some(Self { r#type: "CRON", value: schedule.as_str() })
            }
            // That is an event of the server's, with a condition.
            Trigger::FailureOf(_) => None,
        }
    }
}

/// An event whose type a function names.
#[derive(Serialize)]
struct Takes<'g> {
    event: &'g str,
    /// The members of its data, in the order of the type.
    fields: &'g [String],
    /// A JSON Schema of its data.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<&'g RawValue>,
}

impl<'g> Takes<'g> {
    fn of(declared: &'g DeclaredEvent) -> Self {
        let schema = declared.schema.as_deref().and_then(|text| serde_json::from_str(text).ok());
        Self { event: &declared.event, fields: &declared.fields, schema }
    }
}

pub(super) async fn functions(State(admin): State<Arc<Admin>>) -> Response {
    let worker = &admin.worker;
    let present = worker.registry.present();
    let registration = admin.registration.borrow().clone();
    let role = worker.options.role;
    let (functions, elsewhere): (Vec<_>, Vec<_>) = all(&present).partition(|one| one.home == role);
    let shown = Shown {
        role,
        app: worker.options.app.as_str(),
        generation: present.number(),
        count: functions.len(),
        functions,
        elsewhere,
        retired: present.retired(role).map(|config| &config.id).collect(),
        duplicates: crate::health::duplicates(worker, &registration),
        registration: &registration,
    };
    answer(StatusCode::OK, present.number(), &shown)
}

fn all(present: &Generation) -> impl Iterator<Item = Function<'_>> {
    present.functions().filter_map(|(id, active)| {
        let config = active.config(id)?;
        Some(Function {
            id,
            name: &config.name,
            component: &active.component,
            home: active.base.component().home(id),
            mode: config.mode,
            forced_by: forced_by(active, id),
            triggers: config.triggers.iter().filter_map(Starts::of).collect(),
            input: config.input.iter().map(Takes::of).collect(),
        })
    })
}

/// What keeps a function off a cluster.
pub(crate) fn forced_by(active: &Active, id: &FunctionId) -> Vec<String> {
    let component = active.base.component();
    let forced = component.placement().forced();
    let forced = forced.filter(|(role, _)| *role == Role::Cluster);
    let mut forced: Vec<_> = forced.map(|(_, import)| import.to_string()).collect();
    let pinned = active.config(id).is_some_and(|config| config.role == Some(Role::Host));
    if pinned {
        forced.push("its manifest asks for a host".to_owned());
    }
    forced
}
