//! Values by key: `wasi:keyvalue`, in a file of this machine or in the operator's Redis.

mod bucket;
mod embedded;
mod failure;
mod grant;
mod open;
mod provider;
mod server;
mod values;
mod words;

pub use self::grant::{Grant, Store};
pub use self::provider::{Provider, SetupError};
