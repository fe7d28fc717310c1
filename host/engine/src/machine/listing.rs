//! Parts of the lists of runs and events, the latest first.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};

use protocol::id::RunId;

use super::Machine;
use crate::event::{Event, EventId};
use crate::run::Run;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<K> {
    /// The latest.
    First,
    /// What came just before this one.
    Before(K),
    /// What came just after this one.
    After(K),
}

/// A part of a list, the latest first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part<T> {
    pub(crate) rows: Vec<T>,
    /// Whether something is later than all of them.
    pub(crate) newer: bool,
    /// Whether something is earlier than all of them.
    pub(crate) older: bool,
}

impl Machine {
    /// At most so many runs, of those that are wanted.
    pub(crate) fn part_of_runs(
        &self,
        place: Place<RunId>,
        most: usize,
        wanted: impl Fn(&Run) -> bool,
    ) -> Part<&Run> {
        part(&self.runs, place, most, wanted)
    }

    /// At most so many events.
    pub(crate) fn part_of_events(&self, place: Place<EventId>, most: usize) -> Part<&Event> {
        part(&self.events, place, most, |_| true)
    }

    /// How many runs there are, and how many events.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.runs.len(), self.events.len())
    }

    /// The last event with this name.
    pub(crate) fn last_event(&self, name: &str) -> Option<&Event> {
        self.events.values().rev().find(|event| event.name == name)
    }
}

fn part<K: Ord + Copy, V>(
    all: &BTreeMap<K, V>,
    place: Place<K>,
    most: usize,
    wanted: impl Fn(&V) -> bool,
) -> Part<&V> {
    let wanted = |value: &&V| wanted(value);
    if let Place::After(key) = place {
        let later = all.range((Excluded(key), Unbounded)).map(|(_, value)| value);
        let mut rows: Vec<&V> = later.filter(wanted).take(most + 1).collect();
        // Where nothing more is later, the latest are shown, as many as may be.
        if rows.len() > most {
            rows.truncate(most);
            rows.reverse();
            return Part { rows, newer: true, older: true };
        }
    }
    let earlier = match place {
        Place::Before(key) => all.range(..key),
        Place::First | Place::After(_) => all.range(..),
    };
    let earlier = earlier.rev().map(|(_, value)| value);
    let mut rows: Vec<&V> = earlier.filter(wanted).take(most + 1).collect();
    let older = rows.len() > most;
    rows.truncate(most);
    Part { rows, newer: matches!(place, Place::Before(_)), older }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_has_its_neighbours() {
        let all: BTreeMap<u32, u32> = (1..=10).map(|n| (n, n)).collect();
        for (place, rows, newer, older) in [
            (Place::First, vec![10, 9, 8], false, true),
            (Place::Before(8), vec![7, 6, 5], true, true),
            (Place::Before(4), vec![3, 2, 1], true, false),
            (Place::Before(1), vec![], true, false),
            (Place::After(4), vec![7, 6, 5], true, true),
            (Place::After(7), vec![10, 9, 8], false, true),
            (Place::After(10), vec![10, 9, 8], false, true),
        ] {
            let found = part(&all, place, 3, |_| true);
            let found =
                (found.rows.into_iter().copied().collect::<Vec<_>>(), found.newer, found.older);
            assert_eq!(found, (rows, newer, older), "{place:?}");
        }
        let even = part(&all, Place::Before(9), 3, |n| n % 2 == 0);
        assert_eq!(even.rows, [&8, &6, &4]);
        assert!(part(&BTreeMap::<u32, u32>::new(), Place::First, 3, |_| true).rows.is_empty());
    }
}
