//! What happens outside of the functions, as a service at the other end would see it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Notes what a function does to the world. Clones share one notebook, so that a stub may keep one.
///
/// A service that is given an idempotency key does the same thing once, however often it is asked: effects of one name
/// and one key count once here. Without a key each one counts.
///
/// Requests that bodies send with another method than `GET`, `HEAD` or `OPTIONS` are noted by themselves, as
/// `POST https://bank.example/charges`: under the value of their header `Idempotency-Key`, or under the step's own key
/// where any header has that.
///
/// ```
/// use system_bus_testing::Effects;
///
/// let effects = Effects::default();
/// effects.keyed("charge", "order-7");
/// effects.keyed("charge", "order-7");
/// effects.happened("mail");
/// effects.happened("mail");
/// assert_eq!((effects.count("charge"), effects.count("mail")), (1, 2));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Effects(Rc<RefCell<Vec<Effect>>>);

/// One thing that happened outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effect {
    /// What, such as `charge`.
    pub name: String,
    /// The key under which it happens once; none where each time counts.
    pub key: Option<String>,
}

impl Effects {
    /// Something happened that does not happen again under the same key.
    pub fn keyed(&self, name: &str, key: &str) {
        self.note(Effect { name: name.to_owned(), key: Some(key.to_owned()) });
    }

    /// Something happened, and would again if it were asked for again.
    pub fn happened(&self, name: &str) {
        self.note(Effect { name: name.to_owned(), key: None });
    }

    pub(crate) fn note(&self, effect: Effect) {
        self.0.borrow_mut().push(effect);
    }

    /// How often something took place: once for each key, and each time without one.
    pub fn count(&self, name: &str) -> usize {
        self.counts().get(name).copied().unwrap_or_default()
    }

    /// Everything that was noted, in that order; what a key made into one thing, too.
    pub fn all(&self) -> Vec<Effect> {
        self.0.borrow().clone()
    }

    /// How often each thing took place.
    pub(crate) fn counts(&self) -> BTreeMap<String, usize> {
        let (mut counts, mut keys) = (BTreeMap::new(), BTreeSet::new());
        for effect in self.0.borrow().iter() {
            if effect.key.is_none() || keys.insert(effect.clone()) {
                *counts.entry(effect.name.clone()).or_default() += 1;
            }
        }
        counts
    }

    /// The keys under which something took place, each once.
    pub(crate) fn keys(&self, name: &str) -> Vec<String> {
        let mut keys = Vec::new();
        for effect in self.0.borrow().iter().filter(|effect| effect.name == name) {
            let key = effect.key.clone().unwrap_or_else(|| "none".to_owned());
            if effect.key.is_none() || !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }
}
