//! `GET /api/grants`: per component what it imports, what is granted to it, what it has used since this worker started, and
//! the smaller grant that would have been enough.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use registry::Version;
use runtime::placement::Capability;
use serde::Serialize;

use super::{Admin, answer};

#[derive(Serialize)]
struct Shown<'g> {
    generation: u64,
    /// Since when uses are counted: what ran before, and what runs seldom, is not in the figures.
    since: Timestamp,
    components: Vec<Component<'g>>,
    /// Components that the grants name and that are not active.
    strangers: Vec<&'g str>,
}

#[derive(Serialize)]
struct Component<'g> {
    name: &'g str,
    capabilities: Vec<Row>,
    /// What could be taken out of the grants.
    smaller: Vec<String>,
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

impl Row {
    /// What could be taken out of the grants because of this.
    fn smaller(&self, component: &str) -> Option<String> {
        let capability = self.capability;
        if !self.granted {
            return None;
        }
        if !self.imported {
            return Some(format!("{capability}: {component} does not import it; take it out"));
        }
        (self.calls == 0).then(|| {
            format!("{capability}: {component} has not used it since this worker started; take it out if it never will")
        })
    }
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
        components: shown,
        strangers: strangers.into_iter().collect(),
    };
    answer(StatusCode::OK, present.number(), &shown)
}

fn of<'g>(name: &'g str, version: &Version) -> Component<'g> {
    let component = version.component();
    let runtime = component.runtime();
    let counts = runtime.usage().remove(name).unwrap_or_default();
    let uses = component.placement().uses();
    let imported = component.placement().capabilities();
    let authorities: BTreeSet<_> =
        uses.iter().filter(|used| used.needs_grant()).map(|used| used.capability).collect();
    let own = runtime.granted().of(name);
    let all: BTreeSet<Capability> = imported.iter().copied().chain(own).collect();
    let rows = all.into_iter().map(|capability| {
        let count = counts.of(capability);
        let authority = authorities.contains(&capability);
        Row {
            capability: capability.name(),
            imported: imported.contains(&capability),
            granted: runtime.granted().includes(name, capability)
                || (authority && runtime.is_granted(name, capability)),
            authority,
            calls: count.calls,
            denied: count.denied,
            lost: counts.lost(capability),
        }
    });
    // What every language imports is of no use to whoever writes grants.
    let rows: Vec<_> = rows.filter(|row| row.authority || row.granted || row.calls > 0).collect();
    // What is allowed for every component is in no grant of this one.
    let own: BTreeSet<_> = runtime.granted().of(name).map(Capability::name).collect();
    let smaller = rows.iter().filter(|row| own.contains(row.capability));
    let smaller = smaller.filter_map(|row| row.smaller(name)).collect();
    Component { name, capabilities: rows, smaller }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_granted_and_not_needed_is_suggested_and_nothing_else() {
        let row = |imported, granted, calls| Row {
            capability: "fs",
            imported,
            granted,
            authority: true,
            calls,
            denied: 0,
            lost: 0,
        };
        for (row, words) in [
            (row(true, true, 0), Some("has not used it since")),
            (row(false, true, 0), Some("does not import it")),
            (row(true, true, 1), None),
            (row(true, false, 0), None),
        ] {
            let said = row.smaller("backup");
            assert_eq!(said.is_some(), words.is_some(), "{row:?}");
            assert!(said.unwrap_or_default().contains(words.unwrap_or_default()), "{row:?}");
        }
    }
}
