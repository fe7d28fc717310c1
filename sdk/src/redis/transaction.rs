//! Several commands, all or none.

use std::time::Duration;

use super::{Answer, host, milliseconds};

/// Commands that are done together; see [`Redis::transaction`](super::Redis::transaction).
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// /// Takes one of what is left, unless another one did meanwhile.
/// fn take(io: &Io) -> Result<bool> {
///     let redis = io.redis();
///     let Some(left) = redis.get("left")? else { return Ok(false) };
///     let fewer = left.json::<u32>()?.saturating_sub(1).to_string();
///     let done = redis
///         .transaction()
///         .unchanged("left", left.bytes())
///         .set("left", fewer)
///         .push_right("takers", io.idempotency_key())
///         .run()?;
///     Ok(done)
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is done before `run`"]
pub struct Transaction {
    unchanged: Vec<(String, Option<Vec<u8>>)>,
    commands: Vec<Command>,
}

/// One command: what it does, its key, and with what.
#[derive(Clone, Debug)]
#[cfg_attr(
    not(target_family = "wasm"),
    expect(dead_code, reason = "a native build has no host to hand them to")
)]
pub(super) enum Command {
    Set(String, Vec<u8>, Option<u64>),
    Delete(String),
    Increment(String, i64),
    Expire(String, u64),
    HashSet(String, String, Vec<u8>),
    HashDelete(String, String),
    PushLeft(String, Vec<u8>),
    PushRight(String, Vec<u8>),
    Trim(String, i64, i64),
    SetAdd(String, Vec<u8>),
    SetRemove(String, Vec<u8>),
    SortedAdd(String, f64, Vec<u8>),
    SortedRemove(String, Vec<u8>),
    Publish(String, Vec<u8>),
}

impl Transaction {
    /// Does it only while this key holds this value.
    pub fn unchanged(mut self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.unchanged.push((key.into(), Some(value.into())));
        self
    }

    /// Does it only while this key is not there.
    pub fn absent(mut self, key: impl Into<String>) -> Self {
        self.unchanged.push((key.into(), None));
        self
    }

    /// Sets a key.
    pub fn set(self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.and(Command::Set(key.into(), value.into(), None))
    }

    /// Sets a key that ends this long from now.
    pub fn set_for(
        self,
        key: impl Into<String>,
        value: impl Into<Vec<u8>>,
        time: Duration,
    ) -> Self {
        self.and(Command::Set(key.into(), value.into(), Some(milliseconds(time))))
    }

    /// Removes a key.
    pub fn delete(self, key: impl Into<String>) -> Self {
        self.and(Command::Delete(key.into()))
    }

    /// Adds to a number.
    pub fn increment(self, key: impl Into<String>, by: i64) -> Self {
        self.and(Command::Increment(key.into(), by))
    }

    /// Lets a key end this long from now.
    pub fn expire(self, key: impl Into<String>, after: Duration) -> Self {
        self.and(Command::Expire(key.into(), milliseconds(after)))
    }

    /// Sets a field of a hash.
    pub fn hash_set(
        self,
        key: impl Into<String>,
        field: impl Into<String>,
        value: impl Into<Vec<u8>>,
    ) -> Self {
        self.and(Command::HashSet(key.into(), field.into(), value.into()))
    }

    /// Removes a field of a hash.
    pub fn hash_delete(self, key: impl Into<String>, field: impl Into<String>) -> Self {
        self.and(Command::HashDelete(key.into(), field.into()))
    }

    /// Puts a value before the first one of a list.
    pub fn push_left(self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.and(Command::PushLeft(key.into(), value.into()))
    }

    /// Puts a value behind the last one of a list.
    pub fn push_right(self, key: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.and(Command::PushRight(key.into(), value.into()))
    }

    /// Keeps of a list only these, both ends included; negative ones count from the end.
    pub fn trim(self, key: impl Into<String>, start: i64, stop: i64) -> Self {
        self.and(Command::Trim(key.into(), start, stop))
    }

    /// Adds a member to a set.
    pub fn set_add(self, key: impl Into<String>, member: impl Into<Vec<u8>>) -> Self {
        self.and(Command::SetAdd(key.into(), member.into()))
    }

    /// Removes a member of a set.
    pub fn set_remove(self, key: impl Into<String>, member: impl Into<Vec<u8>>) -> Self {
        self.and(Command::SetRemove(key.into(), member.into()))
    }

    /// Adds a member to a sorted set, or moves it.
    pub fn sorted_add(
        self,
        key: impl Into<String>,
        score: f64,
        member: impl Into<Vec<u8>>,
    ) -> Self {
        self.and(Command::SortedAdd(key.into(), score, member.into()))
    }

    /// Removes a member of a sorted set.
    pub fn sorted_remove(self, key: impl Into<String>, member: impl Into<Vec<u8>>) -> Self {
        self.and(Command::SortedRemove(key.into(), member.into()))
    }

    /// Tells whoever listens to a channel.
    pub fn publish(self, channel: impl Into<String>, message: impl Into<Vec<u8>>) -> Self {
        self.and(Command::Publish(channel.into(), message.into()))
    }

    /// Does all of it, or nothing: answers with whether every key was as it had to be. A command that cannot be done (a
    /// list where a set is needed) is a refusal, and nothing is done either.
    pub fn run(self) -> Answer<bool> {
        host::transact(self.unchanged, self.commands)
    }

    fn and(mut self, command: Command) -> Self {
        self.commands.push(command);
        self
    }
}
