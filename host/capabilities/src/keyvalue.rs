//! Values by key: `wasi:keyvalue`, in a file of this machine.

mod bucket;
mod embedded;
mod grant;
mod provider;
mod words;

pub use self::grant::{Grant, Store};
pub use self::provider::{Provider, SetupError};
