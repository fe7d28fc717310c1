//! Asking language models.

mod grant;

pub use self::grant::{Grant, Provider, Providers};
