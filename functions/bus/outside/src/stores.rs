//! Redis.

use std::time::Duration;

use system_bus_sdk::Io;

use crate::Answer;

/// The operator's Redis server, values as text.
#[derive(Clone, Copy, Debug)]
pub struct Store<'io>(
    #[cfg_attr(
        not(target_family = "wasm"),
        expect(dead_code, reason = "a test has a store without it")
    )]
    &'io Io,
);

/// Changes that are made together, or not at all.
#[must_use = "nothing is done before `make`"]
#[derive(Clone, Debug, Default)]
pub struct Changes {
    pub(crate) absent: Vec<String>,
    pub(crate) unchanged: Vec<(String, String)>,
    pub(crate) all: Vec<Change>,
}

/// One change: of what key, and to what.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Set(String, String),
    SetFor(String, String, Duration),
    Expire(String, Duration),
    PushRight(String, String),
    Delete(String),
    HashSet(String, String, String),
    SetAdd(String, String),
    SortedAdd(String, f64, String),
}

impl Changes {
    /// Makes them only while this key is not there.
    pub fn absent(mut self, key: impl Into<String>) -> Self {
        self.absent.push(key.into());
        self
    }

    /// Makes them only while this key holds this text.
    pub fn unchanged(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.unchanged.push((key.into(), value.into()));
        self
    }

    /// Sets a key.
    pub fn set(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.and(Change::Set(key.into(), value.into()))
    }

    /// Lets a key end this long from now.
    pub fn expire(self, key: impl Into<String>, time: Duration) -> Self {
        self.and(Change::Expire(key.into(), time))
    }

    /// Puts a text behind the last one of a list.
    pub fn push_right(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.and(Change::PushRight(key.into(), value.into()))
    }

    /// Sets a key that ends this long from now.
    pub fn set_for(self, key: impl Into<String>, value: impl Into<String>, time: Duration) -> Self {
        self.and(Change::SetFor(key.into(), value.into(), time))
    }

    /// Removes a key.
    pub fn delete(self, key: impl Into<String>) -> Self {
        self.and(Change::Delete(key.into()))
    }

    /// Sets a field of a hash.
    pub fn hash_set(
        self,
        key: impl Into<String>,
        field: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.and(Change::HashSet(key.into(), field.into(), value.into()))
    }

    /// Adds a member to a set.
    pub fn set_add(self, key: impl Into<String>, member: impl Into<String>) -> Self {
        self.and(Change::SetAdd(key.into(), member.into()))
    }

    /// Adds a member to a sorted set.
    pub fn sorted_add(self, key: impl Into<String>, score: f64, member: impl Into<String>) -> Self {
        self.and(Change::SortedAdd(key.into(), score, member.into()))
    }

    fn and(mut self, change: Change) -> Self {
        self.all.push(change);
        self
    }
}

impl<'io> Store<'io> {
    /// The server, as a step reaches it.
    pub fn of(io: &'io Io) -> Self {
        Self(io)
    }
}

#[cfg(target_family = "wasm")]
impl Store<'_> {
    /// The text of a key. What is no text is read with marks in its place.
    pub fn get(&self, key: &str) -> Answer<Option<String>> {
        Ok(self.0.redis().get(key)?.map(|value| text(&value)))
    }

    /// All fields of a hash, by name.
    pub fn hash_all(&self, key: &str) -> Answer<Vec<(String, String)>> {
        let fields = self.0.redis().hash_all(key)?.into_iter();
        let mut fields: Vec<_> = fields.map(|(field, value)| (field, text(&value))).collect();
        fields.sort();
        Ok(fields)
    }

    /// Whether it is a member of a set.
    pub fn set_contains(&self, key: &str, member: &str) -> Answer<bool> {
        self.0.redis().set_contains(key, member)
    }

    /// Makes changes together; whether every key was as it had to be.
    pub fn make(&self, changes: Changes) -> Answer<bool> {
        let mut transaction = self.0.redis().transaction();
        for key in changes.absent {
            transaction = transaction.absent(key);
        }
        for (key, value) in changes.unchanged {
            transaction = transaction.unchanged(key, value);
        }
        for change in changes.all {
            transaction = match change {
                Change::Set(key, value) => transaction.set(key, value),
                Change::SetFor(key, value, time) => transaction.set_for(key, value, time),
                Change::Expire(key, time) => transaction.expire(key, time),
                Change::PushRight(key, value) => transaction.push_right(key, value),
                Change::Delete(key) => transaction.delete(key),
                Change::HashSet(key, field, value) => transaction.hash_set(key, field, value),
                Change::SetAdd(key, member) => transaction.set_add(key, member),
                Change::SortedAdd(key, score, member) => transaction.sorted_add(key, score, member),
            };
        }
        transaction.run()
    }
}

#[cfg(target_family = "wasm")]
fn text(value: &system_bus_sdk::redis::Value) -> String {
    String::from_utf8_lossy(value.bytes()).into_owned()
}

#[cfg(not(target_family = "wasm"))]
impl Store<'_> {
    /// The text of a key. What is no text is read with marks in its place.
    pub fn get(&self, key: &str) -> Answer<Option<String>> {
        crate::testing::redis(|redis| redis.texts.get(key).cloned())
    }

    /// All fields of a hash, by name.
    pub fn hash_all(&self, key: &str) -> Answer<Vec<(String, String)>> {
        crate::testing::redis(|redis| {
            redis.hashes.get(key).cloned().unwrap_or_default().into_iter().collect()
        })
    }

    /// Whether it is a member of a set.
    pub fn set_contains(&self, key: &str, member: &str) -> Answer<bool> {
        crate::testing::redis(|redis| redis.sets.get(key).is_some_and(|set| set.contains(member)))
    }

    /// Makes changes together; whether every key was as it had to be.
    pub fn make(&self, changes: Changes) -> Answer<bool> {
        crate::testing::redis(|redis| redis.make(changes))
    }
}
