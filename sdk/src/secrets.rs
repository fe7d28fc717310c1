//! Secrets that this code never sees.

use std::fmt;

use crate::refusal::Refused;

/// Secrets that the operator grants by name; see [`Io::secrets`](crate::Io::secrets).
#[derive(Clone, Copy, Debug)]
pub struct Secrets(());

/// Stands for a secret: text to be put where the secret belongs.
///
/// The host puts the secret in its place on the way to a destination that the operator has named.
/// Elsewhere a request or a program that would be given it does not start. It is worth nothing in
/// another call, so a step's result that holds one is refused.
#[derive(Clone, PartialEq, Eq)]
pub struct Placeholder(String);

impl Secrets {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// A placeholder for the secret of this name: the same one within a call.
    ///
    /// Refused as [`Denied`](crate::Reason::Denied) where the operator has not granted it, and as
    /// [`Unavailable`](crate::Reason::Unavailable) while it has expired. A native build has no
    /// secrets: stub the step.
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    ///
    /// async fn stars(io: &Io) -> Result<u64> {
    ///     let token = io.secrets().placeholder("github")?;
    ///     let answer = io
    ///         .http()
    ///         .get("https://api.github.com/repos/o/r")
    ///         .header("authorization", format!("Bearer {token}"))
    ///         .send()
    ///         .await?
    ///         .ok()?;
    ///     let repository: Value = answer.json()?;
    ///     Ok(repository["stargazers_count"].as_u64().unwrap_or(0))
    /// }
    /// ```
    pub fn placeholder(&self, name: &str) -> Result<Placeholder, Refused> {
        host(name).map(Placeholder)
    }
}

#[cfg(target_family = "wasm")]
fn host(name: &str) -> Result<String, Refused> {
    crate::guest::bindings::system_bus::durable::secrets::placeholder(name).map_err(Refused::from)
}

#[cfg(not(target_family = "wasm"))]
fn host(_name: &str) -> Result<String, Refused> {
    Err(Refused::without_host("secrets"))
}

impl Placeholder {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Placeholder> for String {
    fn from(placeholder: Placeholder) -> Self {
        placeholder.0
    }
}

impl fmt::Debug for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Placeholder(…)")
    }
}
