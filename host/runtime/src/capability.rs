//! The seam between what components import and what stands behind it.
//!
//! The runtime links the contract of steps, WASI's ambient interfaces and requests itself. Everything else comes from
//! [`Provider`]s, which its owner hands over: one for each capability, with whatever it shares between calls. A provider
//! puts its functions into the linkers through an [`Interface`], and so each of them passes one gate: outside of a step
//! body the call is refused where it stands, and inside it is counted. A provider cannot forget either.
//!
//! What a provider keeps for one call lives in [`CallState::part`], is made when it is first asked for, and goes away with
//! the instance.

mod caller;
mod gate;
mod granted;
mod guard;
mod line;
mod parts;
mod records;
mod requests;
pub(crate) mod usage;

use std::sync::Arc;

use wasmtime::component::Linker;

use crate::placement::Capability;
use crate::state::CallState;

pub use self::caller::Caller;
pub use self::gate::{Answering, Interface, Offer};
pub use self::granted::Granted;
pub(crate) use self::guard::Guards;
#[cfg(test)]
pub(crate) use self::guard::tests::{guarded, guarded_over_lines};
pub use self::guard::{Guard, Revealed, Secret};
pub use self::line::{Line, Part, Says};
pub(crate) use self::parts::Parts;
pub(crate) use self::records::Records;
pub use self::requests::{Denials, Outbound, Requests, SendRequest, Sent};
pub use self::usage::{LineUsed, Usage, Used};

/// What stands behind one capability.
pub trait Provider: Send + Sync {
    /// Which one. The table of [`crate::placement`] says which interfaces belong to it, and which roles may have it.
    fn capability(&self) -> Capability;

    /// Defines its interfaces. Called once for each role that may have them, before any component is loaded; must not
    /// block, and must not ask what is granted: that is for each call to do.
    fn link(&self, offer: &mut Offer<'_>) -> wasmtime::Result<()>;

    /// What sends outgoing requests, if this is the provider of those. Their interface is linked already.
    fn requests(self: Arc<Self>) -> Option<Arc<dyn Requests>> {
        None
    }

    /// A run of some component has ended for good, or was given up: what was kept for it can go.
    fn run_ended(&self, _run: protocol::id::RunId) {}

    /// Knows what must not leave a call, where this provider hands out such things. Asked for once.
    fn guard(&self) -> Option<Arc<dyn Guard>> {
        None
    }
}

/// Links what providers offer to workers of a role.
pub(crate) fn link(
    providers: &[Arc<dyn Provider>],
    role: protocol::role::Role,
    linker: &mut Linker<CallState>,
) -> wasmtime::Result<()> {
    for provider in providers.iter().filter(|provider| provider.capability().fits(role)) {
        provider.link(&mut Offer::new(linker, provider.capability()))?;
    }
    Ok(())
}
