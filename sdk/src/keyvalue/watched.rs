//! A value that is changed only if it still is what it was.

use std::fmt;

use super::{Answer, host};

/// A value as it was when it was looked at; see [`Bucket::watch`](super::Bucket::watch).
pub struct Watched(host::Cas);

/// How a swap went.
#[derive(Debug)]
pub enum Swap {
    /// The new value is there.
    Done,
    /// Somebody else changed the value meanwhile, and nothing was done: this is what it is now.
    Changed(Watched),
}

impl Watched {
    pub(super) fn new(cas: host::Cas) -> Self {
        Self(cas)
    }

    /// The value as it was; none where the key was not there.
    pub fn current(&self) -> Answer<Option<Vec<u8>>> {
        self.0.current()
    }

    /// Sets the value if it still is what it was.
    pub fn swap(self, value: impl AsRef<[u8]>) -> Answer<Swap> {
        Ok(self.0.swap(value.as_ref())?.map_or(Swap::Done, |cas| Swap::Changed(Self(cas))))
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}
