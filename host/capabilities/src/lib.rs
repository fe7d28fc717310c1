//! What stands behind the imports of components: one folder for each capability, all with the same life.
//!
//! 1. *Configuration*: the operator's file ([`grants`]) says what there is (roots, programs, servers, secrets) and which
//!    component may use what of it. It is checked whole, before anything is served.
//! 2. *Shared state*: a [`Provider`](runtime::Provider), made once, with what is shared between calls: handles of folders,
//!    connections, caches.
//! 3. *State of a call*: made when a call first uses the capability, from the grant of its component, and gone with it.
//!
//! The runtime's gate has been passed before a function here is called: a step body runs, and the call is counted. What is
//! left to decide is whether the component's grant allows it. Where it does not, the guest gets a typed refusal and the
//! operator an audit record ([`runtime::CallState::denied`]).

mod bindings;
pub mod grants;
mod providers;
mod refusal;

pub mod config;
pub mod fs;
pub mod gateway;
pub mod http;
pub mod inference;
pub mod keyvalue;
pub mod redis;
pub mod secrets;
pub mod shell;
pub mod telemetry;

pub use self::grants::{Grants, GrantsError};
pub use self::providers::{ProvidersError, Surroundings, providers};
