//! A Redis server, each component in a part of its keys.

mod grant;

pub use self::grant::{Grant, Server};
