//! What is shared between calls, and its place in the runtime.

use std::sync::Arc;

use http::HeaderValue;
use protocol::id::RunId;
use protocol::step::StepName;
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

/// Sends the requests of all components, each where its grants say.
pub struct Provider {
    shared: Arc<Shared>,
}

/// What is shared between calls.
pub(crate) struct Shared {
    grants: Arc<Grants>,
    pub(crate) connector: Connector,
    pub(crate) pools: Pools,
}

impl Provider {
    /// Names are looked up as every program of this machine does it.
    pub fn new(grants: Arc<Grants>) -> Self {
        Self::with_resolver(grants, Arc::new(SystemResolver))
    }

    /// The same, with a say in how names are looked up.
    pub fn with_resolver(grants: Arc<Grants>, resolver: Arc<dyn Resolver>) -> Self {
        let connector = Connector::new(resolver);
        Self { shared: Arc::new(Shared { grants, connector, pools: Pools::default() }) }
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
        let caller = state.caller()?;
        let exchange = Exchange {
            shared: Arc::clone(&self.shared),
            component: Arc::clone(&caller.component),
            idempotency: idempotency_key(caller.run, state.step().as_ref()),
            audit: state.audit(),
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

/// The same in every attempt of a step, and different for every other one: what the SDK calls by the same name. A step whose
/// name cannot stand in a header is named by its hash.
fn idempotency_key(run: RunId, step: Option<&StepName>) -> HeaderValue {
    let name = step.map(|step| match step.index {
        0 => step.name.clone(),
        index => format!("{}:{index}", step.name),
    });
    let key = format!("{run}:{}", name.unwrap_or_default());
    HeaderValue::from_bytes(key.as_bytes()).unwrap_or_else(|_| {
        let hash = step.map(|step| step.id.to_string()).unwrap_or_default();
        HeaderValue::from_str(&format!("{run}:{hash}")).expect("a run and a hash are plain text")
    })
}

#[cfg(test)]
mod tests {
    use protocol::id::StepId;

    use super::*;

    #[test]
    fn each_step_has_its_own_key() {
        let run: RunId = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().expect("a run");
        for (name, index, expected) in [
            ("charge", 0, "01M81GXW71CEV7JQT6T4T8NAKZ:charge"),
            ("charge", 2, "01M81GXW71CEV7JQT6T4T8NAKZ:charge:2"),
            ("größe", 0, "01M81GXW71CEV7JQT6T4T8NAKZ:größe"),
        ] {
            let step = StepName { id: StepId::hash(name), name: name.to_owned(), index };
            assert_eq!(idempotency_key(run, Some(&step)).as_bytes(), expected.as_bytes());
        }
        let step = StepName { id: StepId::hash("a\nb"), name: "a\nb".to_owned(), index: 0 };
        let key = idempotency_key(run, Some(&step));
        assert_eq!(key.to_str().ok(), Some(&*format!("{run}:{}", StepId::hash("a\nb"))));
    }
}
