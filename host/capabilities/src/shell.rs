//! Programs: an argument list, an allow list, and a process group that ends with its step.

mod grant;

pub use self::grant::{Grant, Program};
