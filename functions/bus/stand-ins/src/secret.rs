//! Placeholders of secrets.

use system_bus_sdk::{Io, Result};

/// Stands for the secret of this name until the request leaves the worker.
///
/// Fails as the host refuses it. Natively it is a text that names the secret.
#[cfg(target_family = "wasm")]
pub fn secret(io: &Io, name: &str) -> Result<String> {
    Ok(io.secrets().placeholder(name)?.into())
}

/// Stands for the secret of this name until the request leaves the worker.
///
/// Fails as the host refuses it. Natively it is a text that names the secret.
#[cfg(not(target_family = "wasm"))]
pub fn secret(_io: &Io, name: &str) -> Result<String> {
    Ok(format!("placeholder of {name}"))
}
