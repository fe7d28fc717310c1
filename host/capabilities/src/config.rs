//! Plain settings: `wasi:config`, from the operator's file.
//!
//! What stands in `[components.NAME.config]` is what the component reads, outside of steps too: it is the same for every
//! call until the worker is started again.

use std::collections::BTreeMap;
use std::sync::Arc;

use runtime::CallState;
use runtime::capability::Offer;
use runtime::placement::Capability;

use crate::bindings::wasi::config::store::Error;
use crate::grants::Grants;

/// Every name under which settings are deployed. All have one shape.
const NAMES: [&str; 4] = [
    "wasi:config/store@0.2.0-rc.1",
    "wasi:config/store@0.2.0-draft",
    "wasi:config/store@0.2.0-draft-2024-09-27",
    "wasi:config/runtime@0.2.0-draft",
];

/// Settings, for the runtime.
#[derive(Debug)]
pub struct Provider {
    grants: Arc<Grants>,
}

impl Provider {
    /// The settings of these grants.
    pub fn new(grants: Arc<Grants>) -> Self {
        Self { grants }
    }
}

/// The settings of one component; empty where it has none.
fn settings<'g>(
    grants: &'g Grants,
    state: &CallState,
) -> wasmtime::Result<Option<&'g BTreeMap<String, String>>> {
    let component = &state.caller()?.component;
    Ok(grants.of(component).map(|grant| &grant.config))
}

impl runtime::Provider for Provider {
    fn capability(&self) -> Capability {
        Capability::Config
    }

    fn link(&self, offer: &mut Offer<'_>) -> wasmtime::Result<()> {
        for name in NAMES {
            let mut interface = offer.interface(name)?;
            let grants = Arc::clone(&self.grants);
            interface.anywhere("get", move |state: &mut CallState, (key,): (String,)| {
                let value = settings(&grants, state)?.and_then(|all| all.get(&key)).cloned();
                Ok((Ok::<_, Error>(value),))
            })?;
            let grants = Arc::clone(&self.grants);
            interface.anywhere("get-all", move |state: &mut CallState, (): ()| {
                let all = settings(&grants, state)?.cloned().unwrap_or_default();
                Ok((Ok::<_, Error>(Vec::from_iter(all)),))
            })?;
        }
        Ok(())
    }
}
