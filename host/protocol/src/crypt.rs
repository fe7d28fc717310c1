//! Encryption of what the server stores: results of steps and functions, and what events carry under `encrypted`.
//!
//! The server keeps the state of runs and hands it back with each call. With a key of the workers, it keeps what it
//! cannot read. What is encrypted and what is not, and why, is in docs/encryption.md.
//!
//! An encrypted value is an object with one member, so that a worker can tell it from any other:
//!
//! ```json
//! {"__system_bus_encrypted":"v1.s.1f0c2a9b.<base64 of nonce and ciphertext>"}
//! ```
//!
//! That is the version, the kind of value (`s` a step's result, `r` a function's, `e` a member of an event), the first
//! digits of the key's hash, and XChaCha20-Poly1305. The kind, and for a step also its function and id, are
//! authenticated: a value does not open in another place. The nonce is made of the run, the place and the value with
//! a key of its own, so nothing here needs randomness, and sealing the same result twice writes the same text.

mod key;
mod marker;
mod open;
mod seal;

pub use key::{KeyError, Vault};
pub(crate) use open::open_result;
pub use open::{OpenError, open_call};
pub use seal::Sealer;

/// The variable with the key that encrypts.
pub const KEY: &str = "SYSTEM_BUS_ENCRYPTION_KEY";
/// The variable with keys that only decrypt, separated by commas.
pub const FALLBACK: &str = "SYSTEM_BUS_ENCRYPTION_KEY_FALLBACK";

#[cfg(test)]
mod tests;
