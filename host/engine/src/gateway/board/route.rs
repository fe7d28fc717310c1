//! Which connection gets a call.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Board;
use super::connection::{Connection, ConnectionId, DEFAULT_CAPACITY, Readiness};

/// How much more often than the oldest configuration the newest one is chosen.
const NEWEST: i128 = 10;

/// Where a call can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    To(ConnectionId),
    /// Every connection of the app is draining: another one may come.
    OnlyDraining,
    /// All slots are taken.
    Full,
    /// The app has no connection.
    Absent,
    /// There are connections, but none of them is ready, heard of and serves the function.
    Unfit,
}

impl Board {
    /// How many more calls an instance takes.
    pub(super) fn free(&self, instance: &str) -> usize {
        let limit = self.limits.get(instance).copied().flatten().unwrap_or_else(|| {
            let connections = self.connections.values();
            let own = connections.filter(|connection| connection.hello.instance == instance);
            own.count().max(1) * DEFAULT_CAPACITY
        });
        let mine = self.requests.values().filter(|request| request.instance() == Some(instance));
        limit.saturating_sub(mine.count())
    }

    /// Where a call for a function goes, decided with `bits` among equals.
    pub(super) fn route(&self, app: &str, slug: &str, now: Timestamp, bits: u128) -> Route {
        let all = || {
            let connections = self.connections.iter();
            connections.filter(|(_, connection)| connection.hello.apps.contains_key(app))
        };
        if all().next().is_none() {
            return Route::Absent;
        }
        let fit: Vec<(ConnectionId, &Connection)> = all()
            .filter(|(_, it)| it.is_fit(&self.rules, now) && it.serves(app, slug))
            .map(|(id, it)| (*id, it))
            .collect();
        if fit.is_empty() {
            let draining = all().all(|(_, it)| it.readiness == Readiness::Draining);
            return if draining { Route::OnlyDraining } else { Route::Unfit };
        }
        let free: Vec<_> =
            fit.into_iter().filter(|(_, it)| self.free(&it.hello.instance) > 0).collect();
        match choose(&ages(app, &free), bits) {
            Some(at) => Route::To(free[at].0),
            None => Route::Full,
        }
    }
}

/// When the configuration of each connection was last announced, in milliseconds.
fn ages(app: &str, connections: &[(ConnectionId, &Connection)]) -> Vec<i64> {
    let configuration = |it: &Connection| it.hello.apps.get(app).map(|it| it.configuration.clone());
    let mut newest = BTreeMap::new();
    for (_, it) in connections {
        let last = newest.entry(configuration(it)).or_insert(it.since);
        *last = it.since.max(*last);
    }
    connections.iter().map(|(_, it)| newest[&configuration(it)].as_millisecond()).collect()
}

/// Which of the connections, whose configurations have these ages: weighted from 1 for the oldest to 10 for the newest.
fn choose(ages: &[i64], bits: u128) -> Option<usize> {
    let (oldest, newest) = (*ages.iter().min()?, *ages.iter().max()?);
    let span = i128::from(newest) - i128::from(oldest);
    let weight = |age: &i64| match span {
        0 => 1,
        span => span + (NEWEST - 1) * (i128::from(*age) - i128::from(oldest)),
    };
    let total: i128 = ages.iter().map(weight).sum();
    // The upper half: in ids and counters it is the one that varies.
    let mut left = i128::try_from(bits >> 64).unwrap_or(0) % total;
    ages.iter().position(|age| {
        left -= weight(age);
        left < 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_configuration_is_chosen_up_to_ten_times_as_often() {
        // A multiple of every row's sum of weights, so that the shares come out exactly.
        const DRAWS: u128 = 4_158;
        for (ages, expected) in [
            (vec![5], vec![4_158]),
            (vec![5, 5], vec![2_079, 2_079]),
            (vec![0, 9], vec![378, 3_780]),
            (vec![9, 0, 9], vec![1_980, 198, 1_980]),
            (vec![], vec![]),
        ] {
            let mut chosen = vec![0; ages.len()];
            for bits in 0..DRAWS {
                if let Some(at) = choose(&ages, bits << 64) {
                    chosen[at] += 1;
                }
            }
            assert_eq!(chosen, expected, "{ages:?}");
        }
    }
}
