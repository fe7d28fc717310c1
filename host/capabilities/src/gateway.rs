//! Telling people, through lists in Redis.

mod grant;

pub use self::grant::Channel;
