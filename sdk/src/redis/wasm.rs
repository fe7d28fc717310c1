//! The host's half of Redis: the only file of this module that touches its bindings.

use super::Answer;
use super::set::Condition;
use super::transaction::Command;
use crate::guest::bindings::system_bus::durable::redis as host;

/// Functions that the host has in the same form.
macro_rules! passed_on {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {$(
        pub(super) fn $name($($argument: $kind),*) -> Answer<$answer> {
            Ok(host::$name($($argument),*)?)
        }
    )*};
}

passed_on! {
    get(key: &str) -> Option<Vec<u8>>;
    delete(keys: &[String]) -> u64;
    exists(key: &str) -> bool;
    expire(key: &str, milliseconds: u64) -> bool;
    expires_in(key: &str) -> Option<u64>;
    increment(key: &str, by: i64) -> i64;
    hash_get(key: &str, field: &str) -> Option<Vec<u8>>;
    hash_set(key: &str, fields: &[(String, Vec<u8>)]) -> u64;
    hash_delete(key: &str, fields: &[String]) -> u64;
    hash_all(key: &str) -> Vec<(String, Vec<u8>)>;
    hash_increment(key: &str, field: &str, by: i64) -> i64;
    push_left(key: &str, values: &[Vec<u8>]) -> u64;
    push_right(key: &str, values: &[Vec<u8>]) -> u64;
    pop_left(key: &str) -> Option<Vec<u8>>;
    pop_right(key: &str) -> Option<Vec<u8>>;
    range(key: &str, start: i64, stop: i64) -> Vec<Vec<u8>>;
    trim(key: &str, start: i64, stop: i64) -> ();
    length(key: &str) -> u64;
    set_add(key: &str, members: &[Vec<u8>]) -> u64;
    set_remove(key: &str, members: &[Vec<u8>]) -> u64;
    set_members(key: &str) -> Vec<Vec<u8>>;
    set_contains(key: &str, member: &[u8]) -> bool;
    sorted_remove(key: &str, members: &[Vec<u8>]) -> u64;
    sorted_score(key: &str, member: &[u8]) -> Option<f64>;
    publish(channel: &str, message: &[u8]) -> u64;
    scan(pattern: &str, cursor: u64) -> (u64, Vec<String>);
}

pub(super) fn set(
    key: &str,
    value: &[u8],
    expiry: Option<u64>,
    condition: Condition,
) -> Answer<bool> {
    let condition = match condition {
        Condition::Always => host::Condition::Always,
        Condition::IfAbsent => host::Condition::IfAbsent,
        Condition::IfPresent => host::Condition::IfPresent,
    };
    Ok(host::set(key, value, expiry, condition)?)
}

pub(super) fn sorted_add(key: &str, members: Vec<(f64, Vec<u8>)>) -> Answer<u64> {
    let members = members.into_iter().map(|(score, member)| host::Scored { member, score });
    Ok(host::sorted_add(key, &members.collect::<Vec<_>>())?)
}

pub(super) fn sorted_range(
    key: &str,
    lowest: f64,
    highest: f64,
    most: u32,
) -> Answer<Vec<(f64, Vec<u8>)>> {
    let members = host::sorted_range(key, lowest, highest, most)?.into_iter();
    Ok(members.map(|host::Scored { member, score }| (score, member)).collect())
}

#[expect(clippy::needless_pass_by_value, reason = "as in the native build")]
pub(super) fn transact(
    unchanged: Vec<(String, Option<Vec<u8>>)>,
    commands: Vec<Command>,
) -> Answer<bool> {
    let commands: Vec<_> = commands.into_iter().map(command).collect();
    Ok(host::transact(&unchanged, &commands)?)
}

fn command(command: Command) -> host::Command {
    match command {
        Command::Set(key, value, expiry) => host::Command::Set((key, value, expiry)),
        Command::Delete(key) => host::Command::Delete(key),
        Command::Increment(key, by) => host::Command::Increment((key, by)),
        Command::Expire(key, milliseconds) => host::Command::Expire((key, milliseconds)),
        Command::HashSet(key, field, value) => host::Command::HashSet((key, field, value)),
        Command::HashDelete(key, field) => host::Command::HashDelete((key, field)),
        Command::PushLeft(key, value) => host::Command::PushLeft((key, value)),
        Command::PushRight(key, value) => host::Command::PushRight((key, value)),
        Command::Trim(key, start, stop) => host::Command::Trim((key, start, stop)),
        Command::SetAdd(key, member) => host::Command::SetAdd((key, member)),
        Command::SetRemove(key, member) => host::Command::SetRemove((key, member)),
        Command::SortedAdd(key, score, member) => host::Command::SortedAdd((key, score, member)),
        Command::SortedRemove(key, member) => host::Command::SortedRemove((key, member)),
        Command::Publish(channel, message) => host::Command::Publish((channel, message)),
    }
}
