//! A Redis server, each component in a part of its keys.

mod allowed;
mod call;
mod failure;
mod grant;
mod prefix;
mod provider;
mod request;
mod shared;

pub(crate) use self::shared::{Failed, absent, wrong};

pub use self::grant::{Grant, Server};
pub use self::provider::Provider;
pub use self::shared::{ServerError, Shared};
