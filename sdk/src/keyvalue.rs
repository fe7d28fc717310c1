//! Values by key, for the bodies of steps.
//!
//! A bucket is opened by its name, which the operator grants. Where its values are kept, in a file or on a server, is the
//! operator's choice too, and makes no difference here. This is `wasi:keyvalue` in its version 0.2.0-draft2.

mod bucket;
mod keys;
#[cfg(not(target_family = "wasm"))]
mod nowhere;
mod told;
#[cfg(target_family = "wasm")]
mod wasm;
mod watched;

#[cfg(not(target_family = "wasm"))]
use self::nowhere as host;
#[cfg(target_family = "wasm")]
use self::wasm as host;

use crate::refusal::Refused;

pub use self::bucket::Bucket;
pub use self::keys::Keys;
pub use self::watched::{Swap, Watched};

type Answer<T> = std::result::Result<T, Refused>;

/// The buckets that the operator grants; see [`Io::keyvalue`](crate::Io::keyvalue).
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// fn remember(io: &Io, cart: &str, goods: &[u8]) -> Result<i64> {
///     let carts = io.keyvalue().open("carts")?;
///     carts.set(cart, goods)?;
///     Ok(carts.increment("changes", 1)?)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Keyvalue(());

impl Keyvalue {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// Opens a bucket. One that is not granted is [`Reason::Denied`](crate::Reason::Denied). It is open as long as the value
    /// lives; one call can open a thousand, so open it once and not for each key.
    pub fn open(&self, bucket: &str) -> Answer<Bucket> {
        host::Bucket::open(bucket).map(Bucket::new)
    }
}
