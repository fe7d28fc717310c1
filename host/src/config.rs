//! Configuration from the environment, parsed before anything is bound.

mod connect;
pub(crate) mod inngest;
mod instance;

pub(crate) use connect::transport;
pub(crate) use inngest::{Events, Inngest};
