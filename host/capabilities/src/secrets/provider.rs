//! The functions that guests import.

use std::sync::Arc;

use runtime::CallState;
use runtime::capability::{Guard, Offer};
use runtime::placement::Capability;

use super::vault::Vault;
use crate::refusal::Answer;

/// Secrets, for the runtime: placeholders for components, and the guard over what leaves a call.
#[derive(Debug)]
pub struct Provider {
    vault: Arc<Vault>,
}

impl Provider {
    /// The secrets of this vault.
    pub fn new(vault: Arc<Vault>) -> Self {
        Self { vault }
    }
}

impl runtime::Provider for Provider {
    fn capability(&self) -> Capability {
        Capability::Secrets
    }

    fn link(&self, offer: &mut Offer<'_>) -> wasmtime::Result<()> {
        let vault = Arc::clone(&self.vault);
        offer.interface("system-bus:durable/secrets")?.at_once(
            "placeholder",
            move |state: &mut CallState,
                  (name,): (String,)|
                  -> wasmtime::Result<(Answer<String>,)> {
                Ok((vault.placeholder(state, &name)?,))
            },
        )
    }

    fn guard(&self) -> Option<Arc<dyn Guard>> {
        // Where there is nothing to guard, asking costs nothing.
        (!self.vault.is_empty()).then(|| Arc::clone(&self.vault) as Arc<dyn Guard>)
    }
}
