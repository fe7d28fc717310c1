//! Records of what functions did, in the worker's own tracing under the target `telemetry`, and spans.
//!
//! Nobody has to grant it: it reaches nothing but the operator's own log. What a replay has recorded before is not recorded
//! again, and records of the level `debug` are limited.

mod limiter;
mod provider;
mod record;
mod span;

pub use self::provider::Provider;
pub use self::record::Origin;
