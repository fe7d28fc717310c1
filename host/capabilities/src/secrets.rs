//! Secrets: the component holds a placeholder, the host puts the secret in its place on the way out.

mod grant;

pub use self::grant::{Grant, Part, Source};
