//! Whose call it is.

use std::sync::Arc;

use protocol::digest::Digest;
use protocol::id::{FunctionId, RunId};
use protocol::role::Role;

use super::usage::Usage;

/// Whose call it is: what grants are looked up by, and what records name.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The component's name, by which operators grant.
    pub component: Arc<str>,
    /// The SHA-256 of its bytes.
    pub digest: Digest,
    /// The function that runs.
    pub function: FunctionId,
    /// The run.
    pub run: RunId,
    /// The role it runs in.
    pub role: Role,
    /// How often the call was tried before.
    pub attempt: u32,
    pub(crate) usage: Arc<Usage>,
}
