//! What is sent for one call of a guest: pure, from its arguments and its grant.

use std::fmt::Display;

use redis::{Cmd, ScriptInvocation, ToRedisArgs};

use super::allowed::Allowed;
use super::prefix::{LONGEST, fits};
use super::shared::Shared;
use crate::bindings::system_bus::durable::redis::{Command, Condition, Scored};
use crate::refusal::{Answer, Refusal};

/// One thing to ask the server for. Guests choose among what can be built here, and nothing else reaches a server: the name
/// of a command is always written in this crate.
#[derive(Debug, Clone)]
pub(super) enum Request {
    /// A command whose answer is small by its nature.
    Plain(Cmd),
    /// A command whose answer is measured on the server first.
    Bounded {
        /// The key, where it has one.
        key: Option<String>,
        /// The sizes, the command, its other arguments.
        arguments: Vec<Vec<u8>>,
    },
    /// All commands or none.
    Transact {
        /// See `transact.lua`.
        keys: Vec<String>,
        /// See `transact.lua`.
        arguments: Vec<Vec<u8>>,
    },
}

/// No arguments beside the key.
pub(super) const NOTHING: &[&str] = &[];

/// The longest time a key may live: about 3000 years, and far from where Redis' own arithmetic ends.
const LONGEST_LIFE: u64 = 100_000_000_000_000;

impl Request {
    /// `COMMAND key arguments…`, for commands that answer with a number.
    pub(super) fn plain(
        allowed: &Allowed,
        command: &str,
        key: &str,
        arguments: impl ToRedisArgs,
    ) -> Answer<Self> {
        let key = allowed.prefix.key(key)?;
        Ok(Self::Plain(redis::cmd(command).arg(key).arg(arguments).take()))
    }

    /// `COMMAND key arguments…`, for commands that answer with values.
    pub(super) fn bounded(
        allowed: &Allowed,
        command: &str,
        key: &str,
        arguments: Vec<Vec<u8>>,
    ) -> Answer<Self> {
        let key = Some(allowed.prefix.key(key)?);
        Ok(Self::measured(allowed.value, allowed.total, command, key, arguments))
    }

    fn measured(
        value: u64,
        total: u64,
        command: &str,
        key: Option<String>,
        mut rest: Vec<Vec<u8>>,
    ) -> Self {
        let mut arguments = vec![text(value), text(total), text(command)];
        arguments.append(&mut rest);
        Self::Bounded { key, arguments }
    }

    /// Several keys at once.
    pub(super) fn keys(allowed: &Allowed, command: &str, keys: &[String]) -> Answer<Self> {
        allowed.fits(keys.iter().map(String::as_bytes))?;
        let mut sent = redis::cmd(command);
        for key in some(keys)? {
            sent.arg(allowed.prefix.key(key)?);
        }
        Ok(Self::Plain(sent))
    }

    /// Several values for one key.
    pub(super) fn values(
        allowed: &Allowed,
        command: &str,
        key: &str,
        values: &[Vec<u8>],
    ) -> Answer<Self> {
        allowed.fits(values.iter().map(Vec::as_slice))?;
        Self::plain(allowed, command, key, some(values)?)
    }

    pub(super) fn set(
        allowed: &Allowed,
        key: &str,
        value: &[u8],
        expiry: Option<u64>,
        condition: Condition,
    ) -> Answer<Self> {
        allowed.fits([value])?;
        let mut arguments = vec![value.to_vec()];
        if let Some(milliseconds) = expiry {
            arguments.extend([text("PX"), text(life(milliseconds)?)]);
        }
        match condition {
            Condition::Always => {}
            Condition::IfAbsent => arguments.push(text("NX")),
            Condition::IfPresent => arguments.push(text("XX")),
        }
        Self::plain(allowed, "SET", key, arguments)
    }

    pub(super) fn expire(allowed: &Allowed, key: &str, milliseconds: u64) -> Answer<Self> {
        Self::plain(allowed, "PEXPIRE", key, life(milliseconds)?)
    }

    pub(super) fn hash_set(
        allowed: &Allowed,
        key: &str,
        fields: &[(String, Vec<u8>)],
    ) -> Answer<Self> {
        allowed.fits(fields.iter().flat_map(|(field, value)| [field.as_bytes(), value]))?;
        let mut arguments: Vec<&[u8]> = Vec::with_capacity(fields.len() * 2);
        for (field, value) in some(fields)? {
            fits("a field", field)?;
            arguments.extend([field.as_bytes(), value]);
        }
        Self::plain(allowed, "HSET", key, arguments)
    }

    pub(super) fn sorted_add(allowed: &Allowed, key: &str, members: &[Scored]) -> Answer<Self> {
        allowed.fits(members.iter().map(|scored| scored.member.as_slice()))?;
        let mut arguments = Vec::with_capacity(members.len() * 2);
        for Scored { member, score } in some(members)? {
            arguments.extend([number(*score)?, member.clone()]);
        }
        Self::plain(allowed, "ZADD", key, arguments)
    }

    pub(super) fn sorted_range(
        allowed: &Allowed,
        key: &str,
        lowest: f64,
        highest: f64,
        most: u32,
    ) -> Answer<Self> {
        let mut arguments = vec![number(lowest)?, number(highest)?];
        arguments.extend([text("WITHSCORES"), text("LIMIT"), text(0), text(most)]);
        Self::bounded(allowed, "ZRANGEBYSCORE", key, arguments)
    }

    pub(super) fn publish(allowed: &Allowed, channel: &str, message: &[u8]) -> Answer<Self> {
        allowed.fits([message])?;
        Self::plain(allowed, "PUBLISH", channel, message)
    }

    pub(super) fn scan(allowed: &Allowed, pattern: &str, cursor: u64) -> Answer<Self> {
        let pattern = allowed.prefix.pattern(pattern)?.into_bytes();
        let arguments = vec![text(cursor), text("MATCH"), pattern, text("COUNT"), text(1000)];
        // A key may be longer than a value, with its prefix.
        let longest = 2 * u64::try_from(LONGEST).unwrap_or(u64::MAX);
        let (value, total) = (allowed.value.max(longest), allowed.total.max(longest));
        Ok(Self::measured(value, total, "SCAN", None, arguments))
    }

    pub(super) fn transact(
        allowed: &Allowed,
        unchanged: &[(String, Option<Vec<u8>>)],
        commands: &[Command],
    ) -> Answer<Self> {
        let mut keys = Vec::with_capacity(unchanged.len() + commands.len());
        let mut arguments = vec![text(unchanged.len())];
        for (key, value) in unchanged {
            keys.push(allowed.prefix.key(key)?);
            arguments.push(text(u8::from(value.is_some())));
            arguments.extend(value.clone());
        }
        for command in some(commands)? {
            let (name, key, own) = written(command)?;
            keys.push(allowed.prefix.key(key)?);
            arguments.extend([text(name), text(own.len())]);
            arguments.extend(own);
        }
        allowed.fits(arguments.iter().map(Vec::as_slice))?;
        Ok(Self::Transact { keys, arguments })
    }

    /// As it is run on a connection.
    pub(super) fn invocation<'s>(&self, shared: &'s Shared) -> Option<ScriptInvocation<'s>> {
        let mut invocation;
        match self {
            Self::Plain(_) => return None,
            Self::Bounded { key, arguments } => {
                invocation = shared.bounded.prepare_invoke();
                invocation.key(key).arg(arguments);
            }
            Self::Transact { keys, arguments } => {
                invocation = shared.transact.prepare_invoke();
                invocation.key(keys).arg(arguments);
            }
        }
        Some(invocation)
    }
}

/// One command of a transaction: its name, its key and what else it is given.
fn written(command: &Command) -> Answer<(&'static str, &str, Vec<Vec<u8>>)> {
    Ok(match command {
        Command::Set((key, value, expiry)) => {
            let mut own = vec![value.clone()];
            if let Some(milliseconds) = expiry {
                own.extend([text("PX"), text(life(*milliseconds)?)]);
            }
            ("SET", key, own)
        }
        Command::Delete(key) => ("DEL", key, vec![]),
        Command::Increment((key, by)) => ("INCRBY", key, vec![text(by)]),
        Command::Expire((key, milliseconds)) => ("PEXPIRE", key, vec![text(life(*milliseconds)?)]),
        Command::HashSet((key, field, value)) => ("HSET", key, vec![text(field), value.clone()]),
        Command::HashDelete((key, field)) => ("HDEL", key, vec![text(field)]),
        Command::PushLeft((key, value)) => ("LPUSH", key, vec![value.clone()]),
        Command::PushRight((key, value)) => ("RPUSH", key, vec![value.clone()]),
        Command::Trim((key, start, stop)) => ("LTRIM", key, vec![text(start), text(stop)]),
        Command::SetAdd((key, member)) => ("SADD", key, vec![member.clone()]),
        Command::SetRemove((key, member)) => ("SREM", key, vec![member.clone()]),
        Command::SortedAdd((key, score, member)) => {
            ("ZADD", key, vec![number(*score)?, member.clone()])
        }
        Command::SortedRemove((key, member)) => ("ZREM", key, vec![member.clone()]),
        Command::Publish((channel, message)) => ("PUBLISH", channel, vec![message.clone()]),
    })
}

fn text(value: impl Display) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// A score as Redis reads it.
fn number(score: f64) -> Answer<Vec<u8>> {
    if score.is_nan() {
        return Err(Refusal::invalid("a score is not a number (NaN): Redis orders by numbers"));
    }
    Ok(text(score))
}

/// How long a key lives, in milliseconds.
fn life(milliseconds: u64) -> Answer<u64> {
    if (1..=LONGEST_LIFE).contains(&milliseconds) {
        return Ok(milliseconds);
    }
    Err(Refusal::invalid(format!(
        "a key cannot live for {milliseconds} milliseconds: give 1 to {LONGEST_LIFE}, or delete it"
    )))
}

/// Refuses nothing at all, for which Redis has no command.
fn some<T>(values: &[T]) -> Answer<&[T]> {
    if values.is_empty() {
        return Err(Refusal::invalid("there is nothing to do it with: give at least one"));
    }
    Ok(values)
}

#[cfg(test)]
mod tests;
