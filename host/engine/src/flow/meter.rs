//! Rates, by the generic cell rate algorithm: each start moves a moment on, and what would move it too far waits.
//!
//! The real server counts rate limits in nanoseconds with a tenth of the limit as burst, and throttles in milliseconds
//! with the limit and its burst at once. Both are one [`Rate`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::machine::record::{Record, Table};

/// How often something may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rate {
    /// The time that one start stands for.
    interval: Duration,
    /// How many may start at once after a long rest.
    at_once: u32,
}

impl Rate {
    /// A rate limit: one at once, and one more for each ten of the limit.
    pub(crate) fn limit(limit: u32, period: Duration) -> Self {
        Self { interval: period / limit.max(1), at_once: limit / 10 + 1 }
    }

    /// A throttle: its whole limit at once, and the burst on top.
    pub(crate) fn throttle(limit: u32, burst: u32, period: Duration) -> Self {
        let limit = limit.max(1);
        Self { interval: period / limit, at_once: limit.saturating_add(burst) }
    }

    /// When the next start may be, for a meter that stands at `spent`: the moment at which all that has started will
    /// have used up its time.
    fn ready(self, spent: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let Some(spent) = spent.filter(|spent| *spent > now) else { return now };
        let ahead = self.interval.saturating_mul(self.at_once.saturating_sub(1));
        let ahead = SignedDuration::try_from(ahead).unwrap_or(SignedDuration::MAX);
        spent.checked_sub(ahead).map_or(now, |ready| ready.max(now))
    }
}

/// One moment for each name: when all that has started under it will have used up its time.
#[derive(Debug, Default)]
pub(crate) struct Meters {
    spent: BTreeMap<String, Timestamp>,
    changed: BTreeSet<String>,
}

impl Meters {
    /// When the next start under a name may be; `now`, if at once.
    pub(crate) fn ready(&self, name: &str, rate: Rate, now: Timestamp) -> Timestamp {
        rate.ready(self.spent.get(name).copied(), now)
    }

    /// Notes a start.
    pub(crate) fn spend(&mut self, name: &str, rate: Rate, now: Timestamp) {
        let from = self.spent.get(name).copied().unwrap_or(now).max(now);
        let spent = from.checked_add(rate.interval).unwrap_or(Timestamp::MAX);
        self.spent.insert(name.to_owned(), spent);
        self.changed.insert(name.to_owned());
    }

    /// A meter as it was stored.
    pub(crate) fn restore(&mut self, name: String, spent: Timestamp) {
        self.spent.insert(name, spent);
    }

    /// Forgets the meters that hold nothing up any more.
    pub(crate) fn prune(&mut self, now: Timestamp) {
        let over: Vec<String> = self
            .spent
            .iter()
            .filter(|(_, spent)| **spent <= now)
            .map(|(name, _)| name.clone())
            .collect();
        for name in over {
            self.spent.remove(&name);
            self.changed.insert(name);
        }
    }

    /// What has to be stored.
    pub(crate) fn take_records(&mut self, records: &mut Vec<Record>) {
        for name in std::mem::take(&mut self.changed) {
            records.push(match self.spent.get(&name) {
                Some(spent) => Record::document(Table::Meters, name, spent),
                None => Record::remove(Table::Meters, name),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    /// At which second each of a row of starts may be, when each is made as soon as it may.
    fn seconds(rate: Rate, starts: usize) -> Vec<i64> {
        let begin: Timestamp = "2026-11-22T13:00:00Z".parse().expect("a time");
        let (mut meters, mut now) = (Meters::default(), begin);
        let mut row = Vec::new();
        for _ in 0..starts {
            now = meters.ready("a", rate, now);
            meters.spend("a", rate, now);
            row.push((now - begin).get_seconds());
        }
        row
    }

    #[test]
    fn starts_are_as_far_apart_as_the_rate_says() {
        for (rate, starts) in [
            (Rate::limit(1, MINUTE), [0, 60, 120, 180, 240]),
            (Rate::limit(3, MINUTE), [0, 20, 40, 60, 80]),
            (Rate::limit(10, MINUTE), [0, 0, 6, 12, 18]),
            (Rate::limit(20, MINUTE), [0, 0, 0, 3, 6]),
            (Rate::throttle(1, 0, MINUTE), [0, 60, 120, 180, 240]),
            (Rate::throttle(2, 0, MINUTE), [0, 0, 30, 60, 90]),
            (Rate::throttle(2, 1, MINUTE), [0, 0, 0, 30, 60]),
            (Rate::throttle(0, 0, MINUTE), [0, 60, 120, 180, 240]),
        ] {
            assert_eq!(seconds(rate, 5), starts, "{rate:?}");
        }
    }

    #[test]
    fn a_rest_gives_back_what_was_spent_and_no_more() {
        let begin: Timestamp = "2026-11-22T13:00:00Z".parse().expect("a time");
        let rate = Rate::throttle(2, 0, MINUTE);
        let mut meters = Meters::default();
        meters.spend("a", rate, begin);
        meters.spend("a", rate, begin);
        let later = begin + SignedDuration::from_hours(5);
        meters.prune(later);
        assert!(meters.spent.is_empty());
        for _ in 0..2 {
            assert_eq!(meters.ready("a", rate, later), later);
            meters.spend("a", rate, later);
        }
        assert_eq!(meters.ready("a", rate, later), later + SignedDuration::from_secs(30));
        assert_eq!(meters.ready("b", rate, later), later, "another name is another meter");
    }

    #[test]
    fn meters_are_stored_when_they_change_and_taken_out_when_they_are_over() {
        let begin: Timestamp = "2026-11-22T13:00:00Z".parse().expect("a time");
        let (mut meters, mut records) = (Meters::default(), Vec::new());
        meters.spend("a", Rate::limit(1, MINUTE), begin);
        meters.take_records(&mut records);
        meters.take_records(&mut records);
        meters.prune(begin + SignedDuration::from_mins(2));
        meters.take_records(&mut records);
        let stored: Vec<bool> = records.iter().map(|record| record.value.is_some()).collect();
        assert_eq!(stored, [true, false]);
    }
}
