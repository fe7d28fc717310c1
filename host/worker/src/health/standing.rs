//! Where a worker stands with its server.

use std::sync::Arc;

use protocol::sync::Announced;
use tokio::sync::watch;

use crate::handle::Worker;
use crate::sync::{Payloads, SyncState};

/// What health, readiness and figures are told from. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) worker: Arc<Worker>,
    /// What the server was told, as far as it is known.
    pub(crate) registration: watch::Receiver<SyncState>,
    /// What it should be told.
    pub(crate) announced: watch::Receiver<Arc<Announced>>,
    pub(crate) payloads: Payloads,
}

impl Standing {
    /// What the server was told.
    pub(crate) fn registration(&self) -> SyncState {
        self.registration.borrow().clone()
    }

    /// The fingerprint of what it should have.
    pub(crate) fn wanted(&self) -> String {
        let announced = Arc::clone(&self.announced.borrow());
        self.payloads.of(&announced).fingerprint()
    }

    /// Whether it has that.
    pub(crate) fn is_registered(&self) -> bool {
        self.registration.borrow().has(&self.wanted())
    }
}
