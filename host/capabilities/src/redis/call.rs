//! What a call of a guest may do here: looked up once for each call.

use std::sync::Arc;

use runtime::CallState;
use runtime::placement::Capability;

use super::allowed::Allowed;
use crate::grants::Grants;
use crate::refusal::{Answer, Refusal};

/// Whether a function reads or writes; in the order of the parts of a grant that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// The state of one call: its grant with all defaults; none where there is no grant.
struct OfCall(Option<Arc<Allowed>>);

/// What the component may do, if that is enough for this access.
pub(super) fn allowed(
    grants: &Grants,
    state: &mut CallState,
    function: &str,
    access: Access,
) -> wasmtime::Result<Answer<Arc<Allowed>>> {
    let component = Arc::clone(&state.caller()?.component);
    let OfCall(allowed) = state.part(|| {
        let grant = grants.of(&component).and_then(|grant| grant.redis.as_ref());
        OfCall(grant.map(|grant| Arc::new(Allowed::new(grant, &component))))
    });
    let refused = match allowed {
        None => format!(
            "`{component}` may not use Redis: write `redis = {{}}` under `[components.{component:?}]` in the grants"
        ),
        Some(allowed) if allowed.read_only && access == Access::Write => format!(
            "`{component}` may only read from Redis, and `{function}` writes: take `read_only` out of `redis` under \
             `[components.{component:?}]` in the grants"
        ),
        Some(allowed) => {
            let allowed = Arc::clone(allowed);
            state.allowed(Capability::Redis, 0, &[access as usize]);
            return Ok(Ok(allowed));
        }
    };
    state.denied(Capability::Redis, function);
    Ok(Err(Refusal::denied(refused)))
}
