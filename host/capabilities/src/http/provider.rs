//! What is shared between calls, and its place in the runtime.

use std::sync::Arc;

use runtime::CallState;
use runtime::capability::{Offer, Requests, SendRequest};
use runtime::placement::Capability;
use tokio::time::Instant;

use super::call::Exchange;
use super::connect::Connector;
use super::grant::Grant;
use super::pool::Pools;
use super::resolve::{Resolver, SystemResolver};
use crate::grants::Grants;
use crate::secrets::Vault;

/// Sends the requests of all components, each where its grants say.
pub struct Provider {
    shared: Arc<Shared>,
}

/// What is shared between calls.
pub(crate) struct Shared {
    grants: Arc<Grants>,
    vault: Arc<Vault>,
    pub(crate) connector: Connector,
    pub(crate) pools: Pools,
}

impl Provider {
    /// Sends what these grants allow, with the secrets of this vault in the places of their placeholders. Names are looked
    /// up as every program of this machine does it.
    pub fn new(grants: Arc<Grants>, vault: Arc<Vault>) -> Self {
        Self::with_resolver(grants, vault, Arc::new(SystemResolver))
    }

    /// The same, with a say in how names are looked up.
    pub fn with_resolver(
        grants: Arc<Grants>,
        vault: Arc<Vault>,
        resolver: Arc<dyn Resolver>,
    ) -> Self {
        let connector = Connector::new(resolver);
        Self { shared: Arc::new(Shared { grants, vault, connector, pools: Pools::default() }) }
    }
}

impl Shared {
    /// Where a component may send requests.
    pub(crate) fn grants_of(&self, component: &str) -> &[Grant] {
        self.grants.of(component).map_or(&[], |grant| &grant.http)
    }
}

impl runtime::Provider for Provider {
    fn capability(&self) -> Capability {
        Capability::Http
    }

    /// The interface is WASI's, and linked by the runtime.
    fn link(&self, _offer: &mut Offer<'_>) -> wasmtime::Result<()> {
        Ok(())
    }

    fn requests(self: Arc<Self>) -> Option<Arc<dyn Requests>> {
        Some(self)
    }
}

impl Requests for Provider {
    fn begin(&self, state: &mut CallState) -> wasmtime::Result<SendRequest> {
        let caller = state.caller()?.clone();
        let exchange = Exchange {
            shared: Arc::clone(&self.shared),
            caller,
            step: state.step(),
            filler: self.shared.vault.filler(state),
            until: Instant::now() + state.time_left(),
        };
        Ok(Box::new(move |outbound| {
            Box::new(async move {
                let response = exchange.run(outbound).await?;
                let nothing: Box<dyn Future<Output = Result<(), _>> + Send> =
                    Box::new(std::future::ready(Ok(())));
                Ok((response, nothing))
            })
        }))
    }
}
