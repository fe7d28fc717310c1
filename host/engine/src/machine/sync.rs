//! Apps register their functions.

use jiff::Timestamp;

use super::Machine;
use super::record::{Record, Table};
use crate::activity::{Activity, Happening};
use crate::app::{App, Registration, SyncRequest};
use crate::function::Fault;

/// Why a sync is refused; what the worker is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SyncError {
    #[error("App ID required")]
    NoApp,
    /// The reason is stored with the app, as on the real server, and logged.
    #[error("At least one function is invalid")]
    Invalid,
    /// A member of a function has the wrong shape. Nothing of it is stored.
    #[error("Invalid request: {0}")]
    Undecodable(String),
}

impl Machine {
    /// Replaces the functions of an app; whether anything changed.
    pub(crate) fn sync(&mut self, request: SyncRequest, now: Timestamp) -> Result<bool, SyncError> {
        if request.app_name.trim().is_empty() {
            return Err(SyncError::NoApp);
        }
        let name = request.app_name.clone();
        let old = self.apps.get(&name).map(|app| &app.registration);
        if old.is_some_and(|old| old.error.is_none() && old.checksum == request.checksum) {
            return Ok(false);
        }
        let registration = Registration {
            name: name.clone(),
            url: request.url,
            sdk: request.sdk,
            checksum: request.checksum,
            synced_at: now,
            error: None,
            functions: request.functions.unwrap_or_default(),
        };
        match App::new(registration.clone()) {
            Ok(app) => {
                self.put(app);
                self.queue.rules_changed();
                self.restart_crons(now);
                let functions = self.apps[&name].functions.len();
                let what = Happening::AppSynced { app: name, functions };
                self.activity.push(Activity { at: now, run: None, function: None, what });
                Ok(true)
            }
            Err(Fault::Undecodable(problem)) => {
                tracing::warn!(app = %name, "the sync is refused: {problem}");
                Err(SyncError::Undecodable(problem))
            }
            Err(Fault::Invalid(fault)) => {
                tracing::warn!(app = %name, "the sync is refused: {fault}");
                self.keep_fault(registration, fault);
                Err(SyncError::Invalid)
            }
        }
    }

    /// Notes why a sync was refused; the functions of the last good one stay.
    fn keep_fault(&mut self, refused: Registration, fault: String) {
        let mut app = self.apps.remove(&refused.name).unwrap_or_else(|| App {
            registration: Registration {
                functions: Vec::new(),
                checksum: String::new(),
                ..refused
            },
            functions: Vec::new(),
        });
        app.registration.error = Some(fault);
        self.put(app);
    }

    fn put(&mut self, app: App) {
        let name = app.registration.name.clone();
        self.records.push(Record::document(Table::Apps, name.clone(), &app.registration));
        self.apps.insert(name, app);
    }
}
