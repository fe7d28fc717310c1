//! What `GET /readyz` says: whether calls may be sent here. Other than health it does not mind a component that was refused:
//! what is active serves, and somebody has to look all the same.

use registry::Registry;
use serde::Serialize;

use crate::handle::Worker;
use crate::sync::SyncState;

/// Whether a worker is ready.
#[derive(Serialize)]
pub(crate) struct Readiness {
    pub(crate) ready: bool,
    /// The generation that serves.
    generation: u64,
    checks: [Check; 3],
}

/// One of the reasons.
#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Check {
    fn of(name: &'static str, problem: Option<String>) -> Self {
        Self { name, ok: problem.is_none(), detail: problem }
    }
}

/// Looks. `wanted` is the fingerprint of what the server should have.
pub(crate) fn look(worker: &Worker, registration: &SyncState, wanted: &str) -> Readiness {
    let checks = [
        Check::of("generation", missing(&worker.registry)),
        Check::of("log", behind(&worker.registry)),
        Check::of("registration", unregistered(registration, wanted)),
    ];
    let ready = checks.iter().all(|check| check.ok);
    Readiness { ready, generation: worker.registry.present().number(), checks }
}

/// What is active and not here.
fn missing(registry: &Registry) -> Option<String> {
    let present = registry.present();
    let absent: Vec<_> = present.absent().iter().map(|absent| absent.component.clone()).collect();
    (!absent.is_empty()).then(|| format!("active and not here: {}", absent.join(", ")))
}

/// Why the activation log is not followed.
fn behind(registry: &Registry) -> Option<String> {
    registry.trouble().map(|trouble| trouble.to_string())
}

/// Why the server would not send our calls.
fn unregistered(registration: &SyncState, wanted: &str) -> Option<String> {
    if registration.has(wanted) {
        return None;
    }
    Some(match registration {
        SyncState::Pending { error: Some(error), .. } => error.clone(),
        SyncState::Pending { error: None, .. } => "the server was not told yet".to_owned(),
        SyncState::Synced { .. } => "the server has an earlier generation".to_owned(),
        SyncState::Blocked { conflicts, .. } => {
            let all: Vec<_> = conflicts.iter().map(ToString::to_string).collect();
            format!("the server has these of another app: {}", all.join("; "))
        }
        SyncState::StoodDown { .. } => "another worker has taken over".to_owned(),
    })
}
