//! `GET /api/grants`: per component what it imports, what is granted to it, what it has used of that since this worker
//! started, and the smaller grant that would have been enough.

mod smaller;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use registry::Version;
use runtime::capability::{Granted, LineUsed, Usage};
use runtime::placement::Capability;
use serde::Serialize;

use self::smaller::Smaller;
use super::{Admin, answer};

#[derive(Serialize)]
struct Shown<'g> {
    generation: u64,
    /// Since when uses are counted: what ran before, and what runs seldom, is not in the figures.
    since: Timestamp,
    /// Who counted: what other workers did for the same components is not in the figures either.
    process: u32,
    components: Vec<Component<'g>>,
    /// Components that the grants name and that are not active.
    strangers: Vec<&'g str>,
}

#[derive(Serialize)]
struct Component<'g> {
    name: &'g str,
    capabilities: Vec<Row>,
    /// Its grants, in the order of the file.
    lines: Vec<Granting>,
    /// What would have been enough; none where that is what there is.
    smaller: Option<Smaller>,
}

/// One capability of one component.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Row {
    capability: &'static str,
    imported: bool,
    granted: bool,
    /// Whether somebody has to grant it; the others reach nothing outside of the call.
    authority: bool,
    calls: u64,
    denied: u64,
    /// How often nothing came of a call although it was answered.
    lost: u64,
}

/// One line of a component's grants.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Granting {
    capability: &'static str,
    /// As it is written.
    line: String,
    /// How often it allowed something.
    calls: u64,
    /// The parts of it that are counted apart.
    parts: Vec<Part>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Part {
    name: String,
    calls: u64,
}

pub(super) async fn grants(State(admin): State<Arc<Admin>>) -> Response {
    let present = admin.worker.registry.present();
    let components = present.components();
    let mut strangers = BTreeSet::new();
    let mut shown = Vec::new();
    for (name, version) in &components {
        strangers.extend(version.component().runtime().granted().components());
        shown.push(of(name, version));
    }
    strangers.retain(|name| !components.contains_key(name));
    let shown = Shown {
        generation: present.number(),
        since: admin.worker.started,
        process: std::process::id(),
        components: shown,
        strangers: strangers.into_iter().collect(),
    };
    answer(StatusCode::OK, present.number(), &shown)
}

fn of<'g>(name: &'g str, version: &Version) -> Component<'g> {
    let component = version.component();
    let runtime = component.runtime();
    let granted = runtime.granted();
    let counts = runtime.usage().remove(name).unwrap_or_default();
    let uses = component.placement().uses();
    let imported = component.placement().capabilities();
    let authorities: BTreeSet<_> =
        uses.iter().filter(|used| used.needs_grant()).map(|used| used.capability).collect();
    let own = granted.of(name);
    let all: BTreeSet<Capability> = imported.iter().copied().chain(own).collect();
    let rows = all.into_iter().map(|capability| {
        let count = counts.of(capability);
        let authority = authorities.contains(&capability);
        Row {
            capability: capability.name(),
            imported: imported.contains(&capability),
            granted: granted.includes(name, capability)
                || (authority && runtime.is_granted(name, capability)),
            authority,
            calls: count.calls,
            denied: count.denied,
            lost: counts.lost(capability),
        }
    });
    // What every language imports is of no use to whoever writes grants.
    let rows: Vec<_> = rows.filter(|row| row.authority || row.granted || row.calls > 0).collect();
    Component {
        name,
        capabilities: rows,
        lines: lines(name, granted, &counts),
        smaller: smaller::smaller(name, granted, &imported, |capability| counts.lines(capability)),
    }
}

/// What was used of each line. Settings are left out: reading them is not counted by the line.
fn lines(component: &str, granted: &Granted, counts: &Usage) -> Vec<Granting> {
    let counted = granted.of(component).filter(|one| *one != Capability::Config);
    let lines = counted.flat_map(|capability| {
        granted.lines(component, capability).iter().zip(counts.lines(capability))
    });
    lines
        .map(|(line, LineUsed { calls, parts })| {
            let names = line.parts.iter().map(|part| part.name.clone());
            let parts = names.zip(parts).map(|(name, calls)| Part { name, calls });
            Granting {
                capability: line.capability.name(),
                line: line.written(),
                calls,
                parts: parts.collect(),
            }
        })
        .collect()
}
