//! Redis in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::stores::{Change, Changes};

/// What Redis holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Redis {
    /// Texts by their keys.
    pub texts: BTreeMap<String, String>,
    /// Lists by their keys.
    pub lists: BTreeMap<String, Vec<String>>,
    /// How long keys live that end.
    pub expiries: BTreeMap<String, Duration>,
    /// Hashes by their keys.
    pub hashes: BTreeMap<String, BTreeMap<String, String>>,
    /// Sets by their keys.
    pub sets: BTreeMap<String, BTreeSet<String>>,
    /// Sorted sets by their keys: members and their scores.
    pub sorted: BTreeMap<String, BTreeMap<String, f64>>,
    /// How many transactions were carried out.
    pub transactions: usize,
}

impl Redis {
    pub(crate) fn make(&mut self, changes: Changes) -> bool {
        let differs = |(key, value): &(String, String)| self.texts.get(key) != Some(value);
        if changes.absent.iter().any(|key| self.holds(key)) || changes.unchanged.iter().any(differs)
        {
            return false;
        }
        self.transactions += 1;
        for change in changes.all {
            match change {
                Change::Set(key, value) => {
                    self.expiries.remove(&key);
                    self.texts.insert(key, value);
                }
                Change::Expire(key, time) => {
                    if self.holds(&key) {
                        self.expiries.insert(key, time);
                    }
                }
                Change::PushRight(key, value) => {
                    self.lists.entry(key).or_default().push(value);
                }
                Change::SetFor(key, value, time) => {
                    self.expiries.insert(key.clone(), time);
                    self.texts.insert(key, value);
                }
                Change::Delete(key) => {
                    self.texts.remove(&key);
                    self.expiries.remove(&key);
                    self.lists.remove(&key);
                    self.hashes.remove(&key);
                    self.sets.remove(&key);
                    self.sorted.remove(&key);
                }
                Change::HashSet(key, field, value) => {
                    self.hashes.entry(key).or_default().insert(field, value);
                }
                Change::SetAdd(key, member) => {
                    self.sets.entry(key).or_default().insert(member);
                }
                Change::SortedAdd(key, score, member) => {
                    self.sorted.entry(key).or_default().insert(member, score);
                }
            }
        }
        true
    }

    fn holds(&self, key: &str) -> bool {
        self.texts.contains_key(key)
            || self.lists.contains_key(key)
            || self.hashes.contains_key(key)
            || self.sets.contains_key(key)
            || self.sorted.contains_key(key)
    }
}
