//! Where Redis is in a native build: nowhere.

use super::Answer;
use super::set::Condition;
use super::transaction::Command;
use crate::refusal::Refused;

macro_rules! nowhere {
    ($($name:ident($($kind:ty),*) -> $answer:ty;)*) => {$(
        pub(super) fn $name($(_: $kind),*) -> Answer<$answer> {
            Err(Refused::without_host("Redis"))
        }
    )*};
}

nowhere! {
    get(&str) -> Option<Vec<u8>>;
    delete(&[String]) -> u64;
    exists(&str) -> bool;
    expire(&str, u64) -> bool;
    expires_in(&str) -> Option<u64>;
    increment(&str, i64) -> i64;
    hash_get(&str, &str) -> Option<Vec<u8>>;
    hash_set(&str, &[(String, Vec<u8>)]) -> u64;
    hash_delete(&str, &[String]) -> u64;
    hash_all(&str) -> Vec<(String, Vec<u8>)>;
    hash_increment(&str, &str, i64) -> i64;
    push_left(&str, &[Vec<u8>]) -> u64;
    push_right(&str, &[Vec<u8>]) -> u64;
    pop_left(&str) -> Option<Vec<u8>>;
    pop_right(&str) -> Option<Vec<u8>>;
    range(&str, i64, i64) -> Vec<Vec<u8>>;
    trim(&str, i64, i64) -> ();
    length(&str) -> u64;
    set_add(&str, &[Vec<u8>]) -> u64;
    set_remove(&str, &[Vec<u8>]) -> u64;
    set_members(&str) -> Vec<Vec<u8>>;
    set_contains(&str, &[u8]) -> bool;
    sorted_remove(&str, &[Vec<u8>]) -> u64;
    sorted_score(&str, &[u8]) -> Option<f64>;
    publish(&str, &[u8]) -> u64;
    scan(&str, u64) -> (u64, Vec<String>);
    set(&str, &[u8], Option<u64>, Condition) -> bool;
    sorted_add(&str, Vec<(f64, Vec<u8>)>) -> u64;
    sorted_range(&str, f64, f64, u32) -> Vec<(f64, Vec<u8>)>;
    transact(Vec<(String, Option<Vec<u8>>)>, Vec<Command>) -> bool;
}
