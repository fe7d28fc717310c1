//! Requests: to granted destinations, at addresses that are looked at when the connection is made.

mod grant;

pub use self::grant::Grant;
