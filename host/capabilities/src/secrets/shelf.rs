//! The values that are there now: written by one, read by every call.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::forms::Finder;
use super::value::Value;
use crate::grants::Name;

/// The values of all secrets, and what finds them in bytes.
#[derive(Default)]
pub(super) struct Shelf(RwLock<Arc<Contents>>);

/// The values at one moment.
pub(super) struct Contents {
    values: BTreeMap<Name, Slot>,
    pub(super) finder: Finder,
}

/// One secret.
#[derive(Debug, Clone, Default)]
struct Slot {
    now: Option<Value>,
    /// The one before, which servers may still accept, and may still send back: found too.
    before: Option<Value>,
}

impl Default for Contents {
    fn default() -> Self {
        Self { values: BTreeMap::new(), finder: Finder::new([]) }
    }
}

impl Contents {
    /// The present value of a secret; none when it has expired.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)?.now.as_ref()
    }
}

impl Shelf {
    /// What is there now.
    pub(super) fn contents(&self) -> Arc<Contents> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts these values on it; `None` takes one away that has expired. For its one writer.
    pub(super) fn put(&self, new: impl IntoIterator<Item = (Name, Option<Value>)>) {
        let mut values = self.contents().values.clone();
        for (name, value) in new {
            let slot = values.entry(name).or_default();
            if slot.now != value
                && let Some(old) = std::mem::replace(&mut slot.now, value)
            {
                slot.before = Some(old);
            }
        }
        let all = values.iter().flat_map(|(name, slot)| {
            slot.now.iter().chain(&slot.before).map(move |value| (name, value))
        });
        let finder = Finder::new(all);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Contents { values, finder });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        Value::parse(text.as_bytes().to_vec()).expect("a value")
    }

    #[test]
    fn the_value_before_is_still_found_and_the_one_before_that_is_not() {
        let name: BTreeMap<String, Name> = toml::from_str("n = 'door'").expect("a name");
        let name = &name["n"];
        let shelf = Shelf::default();
        let now = |shelf: &Shelf| shelf.contents().value("door").map(|v| v.bytes().to_vec());
        let found =
            |shelf: &Shelf, text: &str| !shelf.contents().finder.find(text.as_bytes()).is_empty();
        shelf.put([(name.clone(), Some(value("first-one")))]);
        shelf.put([(name.clone(), Some(value("first-one")))]);
        shelf.put([(name.clone(), Some(value("second-one")))]);
        assert_eq!(now(&shelf).as_deref(), Some(&b"second-one"[..]));
        assert!(found(&shelf, "first-one") && found(&shelf, "second-one"));
        shelf.put([(name.clone(), None)]);
        assert_eq!(now(&shelf), None);
        assert!(!found(&shelf, "first-one") && found(&shelf, "second-one"));
    }
}
