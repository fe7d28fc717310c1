//! How many are at it now, by name. All of it is derived from the runs and the calls under way; nothing is stored.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use protocol::id::RunId;

use super::meter::{Meters, Rate};

/// What a call needs before it may go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// To be one of so many calls under this name.
    Call { name: String, most: u32 },
    /// That its run is one of so many that have begun under this name, until the run ends.
    Run { name: String, most: u32 },
    /// That the meter of this name has time left.
    Start { name: String, rate: Rate },
}

/// Why a call may not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    /// Somebody has to end first.
    Place,
    /// It is too early.
    Until(Timestamp),
}

/// Who is counted under which name.
#[derive(Debug, Default)]
pub(crate) struct Permits {
    calls: BTreeMap<String, u32>,
    runs: BTreeMap<String, BTreeSet<RunId>>,
}

impl Permits {
    /// What a call lacks, if anything.
    pub(crate) fn lacks(
        &self,
        need: &Need,
        run: RunId,
        meters: &Meters,
        now: Timestamp,
    ) -> Option<Lack> {
        match need {
            Need::Call { name, most } => {
                let under_way = self.calls.get(name).copied().unwrap_or(0);
                (under_way >= *most).then_some(Lack::Place)
            }
            Need::Run { name, most } => {
                let begun = self.runs.get(name)?;
                let full = begun.len() >= usize::try_from(*most).unwrap_or(usize::MAX);
                (full && !begun.contains(&run)).then_some(Lack::Place)
            }
            Need::Start { name, rate } => {
                let ready = meters.ready(name, *rate, now);
                (ready > now).then_some(Lack::Until(ready))
            }
        }
    }

    /// A call goes: it is counted.
    pub(crate) fn take(&mut self, need: &Need, run: RunId, meters: &mut Meters, now: Timestamp) {
        match need {
            Need::Call { name, .. } => *self.calls.entry(name.clone()).or_default() += 1,
            Need::Run { name, .. } => self.begin(name, run),
            Need::Start { name, rate } => meters.spend(name, *rate, now),
        }
    }

    /// A run has begun under this name.
    pub(crate) fn begin(&mut self, name: &str, run: RunId) {
        self.runs.entry(name.to_owned()).or_default().insert(run);
    }

    /// A call has ended.
    pub(crate) fn call_ended(&mut self, name: &str) {
        if let Some(under_way) = self.calls.get_mut(name) {
            *under_way -= 1;
            if *under_way == 0 {
                self.calls.remove(name);
            }
        }
    }

    /// A run has ended; whether it had begun under this name.
    pub(crate) fn run_ended(&mut self, name: &str, run: RunId) -> bool {
        let Some(begun) = self.runs.get_mut(name) else { return false };
        let was = begun.remove(&run);
        if begun.is_empty() {
            self.runs.remove(name);
        }
        was
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_so_many_places() {
        let now: Timestamp = "2026-11-22T13:00:00Z".parse().expect("a time");
        let (mut permits, mut meters) = (Permits::default(), Meters::default());
        let [one, two, three] = [1, 2, 3].map(|n: u128| RunId::from(ulid::Ulid::from(n)));
        let call = Need::Call { name: "f".to_owned(), most: 2 };
        for (run, lack) in [(one, None), (one, None), (two, Some(Lack::Place))] {
            assert_eq!(permits.lacks(&call, run, &meters, now), lack);
            if lack.is_none() {
                permits.take(&call, run, &mut meters, now);
            }
        }
        permits.call_ended("f");
        assert_eq!(permits.lacks(&call, two, &meters, now), None);

        let begun = Need::Run { name: "f".to_owned(), most: 1 };
        permits.take(&begun, one, &mut meters, now);
        assert_eq!(permits.lacks(&begun, one, &meters, now), None, "it has its place already");
        assert_eq!(permits.lacks(&begun, two, &meters, now), Some(Lack::Place));
        assert!(!permits.run_ended("f", three));
        assert!(permits.run_ended("f", one));
        assert_eq!(permits.lacks(&begun, two, &meters, now), None);

        let rate = Rate::throttle(1, 0, std::time::Duration::from_secs(9));
        let start = Need::Start { name: "f".to_owned(), rate };
        permits.take(&start, one, &mut meters, now);
        let then = now + jiff::SignedDuration::from_secs(9);
        assert_eq!(permits.lacks(&start, two, &meters, now), Some(Lack::Until(then)));
    }
}
