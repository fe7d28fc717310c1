//! An open bucket.

use std::fmt;

use super::keys::Keys;
use super::watched::{Swap, Watched};
use super::{Answer, host};

/// An open bucket; see [`Keyvalue::open`](super::Keyvalue::open).
///
/// Keys are texts of 1 to 1024 bytes; one question names at most 1000. A write that was answered is kept, as far as the
/// operator's store promises it, and is done whole or not at all. After [`Reason::Late`](crate::Reason::Late) or
/// [`Reason::Unavailable`](crate::Reason::Unavailable) it is not known whether a write was done.
pub struct Bucket(host::Bucket);

impl Bucket {
    pub(super) fn new(bucket: host::Bucket) -> Self {
        Self(bucket)
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Answer<Option<Vec<u8>>> {
        self.0.get(key)
    }

    /// Sets a key. [`Reason::Exhausted`](crate::Reason::Exhausted) where the bucket is full.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>) -> Answer<()> {
        self.0.set(key, value.as_ref())
    }

    /// Deletes a key. One that is not there is deleted already.
    pub fn delete(&self, key: &str) -> Answer<()> {
        self.0.delete(key)
    }

    /// Whether a key is there.
    pub fn exists(&self, key: &str) -> Answer<bool> {
        self.0.exists(key)
    }

    /// All keys, in the order of their bytes; asks the host for the next page when it is needed.
    ///
    /// A key that stays comes once, whatever else comes and goes meanwhile.
    ///
    /// ```
    /// # use system_bus_sdk::prelude::*;
    /// fn carts(io: &Io) -> Result<Vec<String>> {
    ///     let carts = io.keyvalue().open("carts")?;
    ///     Ok(carts.keys().collect::<std::result::Result<_, _>>()?)
    /// }
    /// ```
    pub fn keys(&self) -> Keys<'_> {
        Keys::new(&self.0)
    }

    /// Adds to a number, which is 0 where there is none, and answers with the sum. Nothing comes between.
    ///
    /// [`Reason::Invalid`](crate::Reason::Invalid) where the value is no decimal number or the sum leaves the range of
    /// one; the value stays as it is then.
    pub fn increment(&self, key: &str, by: i64) -> Answer<i64> {
        self.0.increment(key, by)
    }

    /// Looks at a key in order to change it if nobody else does meanwhile; see [`Bucket::update`].
    pub fn watch(&self, key: &str) -> Answer<Watched> {
        self.0.watch(key).map(Watched::new)
    }

    /// Changes a value by what it is: makes the new one from the old one, again and again until nobody came between.
    /// Answers with the new one.
    ///
    /// ```
    /// # use system_bus_sdk::prelude::*;
    /// fn note(io: &Io, line: &str) -> Result<()> {
    ///     let notes = io.keyvalue().open("notes")?;
    ///     notes.update("today", |old| [old.unwrap_or_default(), line.as_bytes()].concat())?;
    ///     Ok(())
    /// }
    /// ```
    pub fn update(
        &self,
        key: &str,
        mut change: impl FnMut(Option<&[u8]>) -> Vec<u8>,
    ) -> Answer<Vec<u8>> {
        let mut watched = self.watch(key)?;
        loop {
            let new = change(watched.current()?.as_deref());
            match watched.swap(&new)? {
                Swap::Done => return Ok(new),
                Swap::Changed(again) => watched = again,
            }
        }
    }

    /// The values of these keys, in their order; at most 16 MiB together.
    pub fn get_many<K: Into<String>>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Answer<Vec<(String, Option<Vec<u8>>)>> {
        self.0.get_many(&texts(keys))
    }

    /// Sets all of these, or none.
    pub fn set_many<K: Into<String>, V: Into<Vec<u8>>>(
        &self,
        all: impl IntoIterator<Item = (K, V)>,
    ) -> Answer<()> {
        let all: Vec<_> = all.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        self.0.set_many(&all)
    }

    /// Deletes all of these, or none.
    pub fn delete_many<K: Into<String>>(&self, keys: impl IntoIterator<Item = K>) -> Answer<()> {
        self.0.delete_many(&texts(keys))
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").finish_non_exhaustive()
    }
}

fn texts<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Vec<String> {
    keys.into_iter().map(Into::into).collect()
}
