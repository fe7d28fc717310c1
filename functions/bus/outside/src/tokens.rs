//! Secrets, of which this code sees placeholders only.

use system_bus_sdk::Io;

use crate::Answer;

/// Stands for a secret, to be put where it belongs. Never return it from a step.
#[cfg(target_family = "wasm")]
pub fn token(io: &Io, name: &str) -> Answer<String> {
    io.secrets().placeholder(name).map(String::from)
}

/// Stands for a secret, to be put where it belongs. Never return it from a step.
#[cfg(not(target_family = "wasm"))]
pub fn token(_io: &Io, name: &str) -> Answer<String> {
    crate::testing::token(name)
}
