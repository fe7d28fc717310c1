//! Values by key: `wasi:keyvalue`, in a file of this machine or in Redis.

mod grant;

pub use self::grant::{Grant, Store};
