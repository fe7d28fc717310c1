//! Files: named roots, opened once, and nothing outside of them.

mod grant;

pub use self::grant::{Access, Grant, Root};
