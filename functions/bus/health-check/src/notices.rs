//! What people are told of a change.

use outside::{Tell, Told};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::latch::{Kind, Transition};
use crate::probes::is_critical;
use crate::report::Found;
use crate::request::Mode;

/// A change in words.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) kind: &'static str,
    pub(crate) payload: Value,
}

impl Notice {
    pub(crate) fn of(transition: &Transition, found: &Found, mode: Mode) -> Self {
        // What was critical before and is well now calls nobody out of bed.
        let is_fatal =
            transition.kind != Kind::Resolved && transition.subjects.iter().any(|s| is_critical(s));
        let (kind, level) = match (transition.kind, is_fatal) {
            (Kind::Resolved, _) => ("system.health.resolved", "info"),
            (_, true) => ("system.fatal", "fatal"),
            (_, false) => ("system.health.degraded", "warn"),
        };
        let payload = json!({
            "transition": transition.kind,
            "message": words(transition, found),
            "level": level,
            "immediateTelegram": is_fatal,
            "degraded": transition.subjects,
            "before": transition.before,
            "incident": transition.incident,
            "openedAt": transition.opened_at,
            "alerts": mode.policy().alerts,
            "details": found.details(&transition.subjects),
        });
        Self { kind, payload }
    }

    pub(crate) fn tell(self, io: &Io) -> Told {
        Tell::notify(self.kind, self.payload).by(io)
    }

    /// Its words.
    pub(crate) fn message(&self) -> &str {
        self.payload["message"].as_str().unwrap_or_default()
    }
}

fn words(transition: &Transition, found: &Found) -> String {
    let list = |names: &std::collections::BTreeSet<String>| {
        names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
    };
    match transition.kind {
        Kind::Resolved => {
            format!("All is well again. It was: {}", list(&transition.before))
        }
        kind => {
            let headline =
                if kind == Kind::Opened { "Something is wrong" } else { "Something else is wrong" };
            let mut lines = vec![format!("{headline}: {}", list(&transition.subjects))];
            for (name, detail) in found.details(&transition.subjects) {
                lines.push(format!("- {name}: {detail}"));
            }
            lines.join("\n")
        }
    }
}
