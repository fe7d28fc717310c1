//! Configuration from the environment, parsed before anything is bound.

mod connect;
mod inngest;
mod instance;

pub(crate) use connect::transport;
pub(crate) use inngest::Inngest;
