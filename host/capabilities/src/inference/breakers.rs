//! All circuits: one for each provider, and one for each thing that a component asks for.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::circuit::{Circuit, Patience, Skipped};

/// Guests choose what things are called, so there is an end to how many are remembered.
const MOST: usize = 4096;

/// Circuits by key. Only those that have something to remember are kept.
#[derive(Debug)]
pub(super) struct Breakers<K> {
    circuits: Mutex<HashMap<K, Circuit>>,
    patience: Patience,
}

/// Leave to try, which has to say how it went. Dropped without a word it told nothing.
#[derive(Debug)]
pub(super) struct Entered<'b, K: Eq + Hash + Clone> {
    breakers: &'b Breakers<K>,
    key: K,
}

impl<K: Eq + Hash + Clone> Breakers<K> {
    pub(super) fn new(patience: Patience) -> Self {
        Self { circuits: Mutex::default(), patience }
    }

    /// Asks to try something.
    pub(super) fn enter(&self, key: K) -> Result<Entered<'_, K>, Skipped> {
        self.change(&key, |circuit| circuit.enter(Instant::now()))?;
        Ok(Entered { breakers: self, key })
    }

    fn change<T>(&self, key: &K, change: impl FnOnce(&mut Circuit) -> T) -> T {
        let mut circuits = self.circuits.lock().unwrap_or_else(PoisonError::into_inner);
        let mut circuit = circuits.get(key).copied().unwrap_or_default();
        let answer = change(&mut circuit);
        if circuit.is_fresh() {
            circuits.remove(key);
        } else if circuits.len() < MOST || circuits.contains_key(key) {
            circuits.insert(key.clone(), circuit);
        }
        answer
    }
}

impl<K: Eq + Hash + Clone> Entered<'_, K> {
    /// It worked.
    pub(super) fn worked(self) {
        self.breakers.change(&self.key, Circuit::worked);
    }

    /// It failed.
    pub(super) fn failed(self) {
        let patience = self.breakers.patience;
        self.breakers.change(&self.key, |circuit| circuit.failed(Instant::now(), patience));
    }
}

impl<K: Eq + Hash + Clone> Drop for Entered<'_, K> {
    fn drop(&mut self) {
        // After a word no trial is under way, so this changes nothing then.
        self.breakers.change(&self.key, |circuit| circuit.told_nothing(Instant::now()));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn breakers(pause: Duration) -> Breakers<u32> {
        Breakers::new(Patience { failures: 1, pause })
    }

    #[test]
    fn each_key_has_its_own_and_a_success_is_forgotten() {
        let breakers = breakers(Duration::from_hours(1));
        breakers.enter(1).expect("closed").failed();
        breakers.enter(2).expect("another").worked();
        assert!(breakers.enter(1).is_err());
        assert_eq!(breakers.circuits.lock().expect("unpoisoned").len(), 1);
    }

    #[test]
    fn a_trial_that_is_given_up_lets_the_next_one_try() {
        let breakers = breakers(Duration::ZERO);
        breakers.enter(1).expect("closed").failed();
        let trial = breakers.enter(1).expect("a trial");
        assert!(breakers.enter(1).is_err(), "one at a time");
        drop(trial);
        assert!(breakers.enter(1).is_ok());
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let breakers = breakers(Duration::from_hours(1));
        for key in 0..=u32::try_from(MOST).expect("small") {
            breakers.enter(key).expect("closed").failed();
        }
        assert_eq!(breakers.circuits.lock().expect("unpoisoned").len(), MOST);
    }
}
