//! Configuration from the environment, parsed before anything is bound.

mod inngest;

pub(crate) use inngest::Inngest;
