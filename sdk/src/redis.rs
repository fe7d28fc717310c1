//! A Redis server, for the bodies of steps.
//!
//! Keys and channels are the component's own: the host puts a prefix before each of them and takes it off again. Values are
//! bytes; [`Value`] reads them as text or JSON.

mod collections;
#[cfg(not(target_family = "wasm"))]
mod native;
mod set;
mod transaction;
mod value;
#[cfg(target_family = "wasm")]
mod wasm;

#[cfg(not(target_family = "wasm"))]
use self::native as host;
#[cfg(target_family = "wasm")]
use self::wasm as host;

use std::time::Duration;

use crate::refusal::Refused;

pub use self::set::Set;
pub use self::transaction::Transaction;
pub use self::value::Value;

type Answer<T> = std::result::Result<T, Refused>;

/// The operator's Redis server; see [`Io::redis`](crate::Io::redis).
///
/// A command that fails answers with [`Refused`]. `?` makes an error of the step of it, which is tried again where that may
/// help: so write commands that may be done twice, or give what they do a key of its own.
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// async fn count_visit(io: &Io, page: &str) -> Result<i64> {
///     let redis = io.redis();
///     // Only the first attempt of this step counts.
///     let seen = format!("seen:{}", io.idempotency_key());
///     if redis.set(seen, "1").expires_in(Duration::from_hours(24)).if_absent()? {
///         redis.increment(&format!("visits:{page}"), 1)?;
///     }
///     let visits = redis.get(&format!("visits:{page}"))?;
///     Ok(visits.map(|visits| visits.str()?.parse::<i64>().map_err(Error::stop)).transpose()?.unwrap_or(0))
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Redis(());

/// Some of the keys that match a pattern; see [`Redis::scan`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The keys, without the prefix of the component.
    pub keys: Vec<String>,
    /// Where to go on; none at the end.
    pub next: Option<u64>,
}

impl Redis {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Answer<Option<Value>> {
        Ok(host::get(key)?.map(Value::new))
    }

    /// Sets a key, once [`Set::always`], [`Set::if_absent`] or [`Set::if_present`] is called.
    pub fn set(&self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Set {
        Set::new(key.into(), value.into())
    }

    /// Sets a key to a value as JSON. Fails for good for what JSON cannot hold.
    pub fn set_json(
        &self,
        key: impl Into<String>,
        value: &impl serde::Serialize,
    ) -> crate::Result<Set> {
        let json = serde_json::to_vec(value).map_err(crate::Error::stop)?;
        Ok(self.set(key, json))
    }

    /// Removes keys. Answers with how many were there.
    pub fn delete<K: Into<String>>(&self, keys: impl IntoIterator<Item = K>) -> Answer<u64> {
        let keys: Vec<String> = keys.into_iter().map(Into::into).collect();
        host::delete(&keys)
    }

    /// Whether a key is there.
    pub fn exists(&self, key: &str) -> Answer<bool> {
        host::exists(key)
    }

    /// Lets a key end this long from now. Answers with whether it is there.
    pub fn expire(&self, key: &str, after: Duration) -> Answer<bool> {
        host::expire(key, milliseconds(after))
    }

    /// How long a key lives on; none where it does not end, or is not there.
    pub fn expires_in(&self, key: &str) -> Answer<Option<Duration>> {
        Ok(host::expires_in(key)?.map(Duration::from_millis))
    }

    /// Adds to a number, which is 0 where there is none. Answers with what it is then.
    pub fn increment(&self, key: &str, by: i64) -> Answer<i64> {
        host::increment(key, by)
    }

    /// Tells whoever listens to a channel. Answers with how many did.
    pub fn publish(&self, channel: &str, message: impl AsRef<[u8]>) -> Answer<u64> {
        host::publish(channel, message.as_ref())
    }

    /// Some of the keys that match a pattern, in no order, from `cursor` on: 0 at first, then what
    /// [`Page::next`] says. A key may come twice. `*` stands for any characters, `?` for one.
    ///
    /// ```
    /// # use system_bus_sdk::prelude::*;
    /// fn all(io: &Io) -> Result<Vec<String>> {
    ///     let (mut keys, mut cursor) = (Vec::new(), Some(0));
    ///     while let Some(at) = cursor {
    ///         let page = io.redis().scan("order:*", at)?;
    ///         keys.extend(page.keys);
    ///         cursor = page.next;
    ///     }
    ///     Ok(keys)
    /// }
    /// ```
    pub fn scan(&self, pattern: &str, cursor: u64) -> Answer<Page> {
        let (next, keys) = host::scan(pattern, cursor)?;
        Ok(Page { keys, next: (next != 0).then_some(next) })
    }

    /// Several commands, all or none.
    pub fn transaction(&self) -> Transaction {
        Transaction::default()
    }
}

/// Times are whole milliseconds on the server: what is shorter becomes one.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(u64::from(!time.is_zero()))
}
