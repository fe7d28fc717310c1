//! What a connection announces: a handshake registers it, and replaces what another one has registered.

use std::sync::Arc;

use protocol::sync::{Announced, SyncPayload};

use crate::sync::Payloads;

/// One announcement, ready to be told.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) announced: Arc<Announced>,
    pub(super) payload: SyncPayload,
    pub(super) fingerprint: String,
    /// As the handshake carries it.
    pub(super) functions: Vec<u8>,
}

impl Told {
    pub(super) fn new(payloads: &Payloads, announced: Arc<Announced>) -> Self {
        let payload = payloads.of(&announced);
        let (fingerprint, functions) = (payload.fingerprint(), payload.functions_json());
        Self { announced, payload, fingerprint, functions }
    }

    /// Whether the server cannot tell the two apart.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }

    /// What may be told while others own functions of `next`: this, without what `next` gives up. None when that is
    /// nothing.
    pub(super) fn giving_up(&self, payloads: &Payloads, next: &Self) -> Option<Self> {
        let less = self.announced.giving_up(&next.announced)?;
        Some(Self::new(payloads, Arc::new(less)))
    }
}
