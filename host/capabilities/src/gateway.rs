//! Telling people, through lists in Redis.

mod call;
mod grant;
mod message;
mod payload;
mod provider;
mod push;

pub use self::grant::Channel;
pub use self::provider::Provider;
