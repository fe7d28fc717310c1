//! Step names and their hashes: the one owner of the rule that repeats are numbered.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::id::StepId;
use crate::memo::HashedAlready;

/// The identity of one step within a run: what its author wrote, which repeat it is, and the hash of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepName {
    /// The hash by which the server knows the step.
    pub id: StepId,
    /// The name as the author wrote it, with its key where it has one.
    pub name: String,
    /// 0 for the first step of this name in a run, 1 for the next one, and so on.
    pub index: u32,
}

/// Numbers the steps of one invocation in the order in which they are found.
///
/// The first step of a name hashes the name alone, the n-th repeat hashes `name:n`. Where a suffixed name was
/// written out by the author as well (`a:1`), the next free number is taken.
#[derive(Debug, Default)]
pub struct StepNames {
    /// Every hash that is in use. Where a name was repeated, the last number it got stands beside its own hash: a loop
    /// of thousands of steps under one name shall not try all numbers for each of them.
    taken: HashMap<StepId, u32, BuildHasherDefault<HashedAlready>>,
}

impl StepNames {
    /// The hash and the repeat number of the next step found.
    ///
    /// ```
    /// let mut names = protocol::step::StepNames::default();
    /// assert_eq!(names.identify("a").1, 0);
    /// assert_eq!(names.identify("a").1, 1);
    /// ```
    pub fn identify(&mut self, name: &str) -> (StepId, u32) {
        let first = StepId::hash(name);
        let Some(&last) = self.taken.get(&first) else {
            self.taken.insert(first, 0);
            return (first, 0);
        };
        let mut index = last;
        let id = loop {
            index += 1;
            let id = hash_of(name, index);
            if !self.taken.contains_key(&id) {
                break id;
            }
        };
        self.taken.extend([(first, index), (id, 0)]);
        (id, index)
    }

    /// Whether a step with this hash was found.
    pub(crate) fn has(&self, id: &StepId) -> bool {
        self.taken.contains_key(id)
    }
}

/// The hash of the n-th repeat of a name.
pub(crate) fn hash_of(name: &str, index: u32) -> StepId {
    match index {
        0 => StepId::hash(name),
        index => StepId::hash(&format!("{name}:{index}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_numbered_and_written_suffixes_are_skipped() {
        let mut names = StepNames::default();
        for (name, index, hashed) in
            [("a", 0, "a"), ("a:1", 0, "a:1"), ("a", 2, "a:2"), ("b", 0, "b"), ("a", 3, "a:3")]
        {
            assert_eq!(names.identify(name), (StepId::hash(hashed), index));
        }
    }

    #[test]
    fn a_loop_over_one_name_gets_its_numbers_at_once() {
        let mut names = StepNames::default();
        names.identify("a:7");
        for n in 0..100_000 {
            let (id, index) = names.identify("a");
            assert_eq!(index, if n < 7 { n } else { n + 1 });
            let expected = if n == 0 { "a".to_owned() } else { format!("a:{index}") };
            assert_eq!(id, StepId::hash(&expected));
        }
    }
}
