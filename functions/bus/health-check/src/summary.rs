//! The one record that says how a check went.

use std::collections::BTreeMap;

use outside::Note;
use system_bus_sdk::Io;

use crate::COMPONENT;
use crate::report::{Found, Status};
use crate::request::Mode;

/// Records what was found.
pub(crate) fn record(io: &Io, mode: Mode, event: &str, found: &Found) {
    let timings: BTreeMap<_, _> =
        found.services.iter().map(|service| (service.name.as_str(), service.ms)).collect();
    let status = found.status();
    let note = Note::of(COMPONENT, "system.health.checked")
        .with("mode", mode)
        .with("policy", mode.policy())
        .with("event", event)
        .with("status", status)
        .with("timingsMs", timings)
        .with("services", &found.services)
        .with("signals", &found.signals);
    match status {
        Status::Noop => note.done(io),
        Status::Unchecked => note.warn().done(io),
        Status::Degraded => {
            let wrong: Vec<_> = found.wrong().into_iter().collect();
            note.warn().failed(io, format!("not well: {}", wrong.join(", ")));
        }
    }
}
