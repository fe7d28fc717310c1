//! A ratio of failures in both versions, and whether the candidate's is worse.

use std::fmt;

use super::fisher;
use super::tally::Tally;

/// How many ratios are compared.
pub(super) const COUNT: u32 = 3;

/// One ratio, of both versions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    /// What is counted, and of what, such as `runs had trouble`.
    what: &'static str,
    candidate: Ratio,
    base: Ratio,
}

/// So many of so many, seen in so many runs.
#[derive(Debug, Clone, Copy)]
struct Ratio {
    failed: u64,
    all: u64,
    runs: u64,
}

impl Measure {
    /// The ratios that are compared.
    pub(super) fn all(candidate: &Tally, base: &Tally) -> [Self; COUNT as usize] {
        let of = |what, count: fn(&Tally) -> (u64, u64)| {
            let ratio = |tally: &Tally| {
                let (failed, all) = count(tally);
                Ratio { failed: failed.min(all), all, runs: tally.runs() }
            };
            Self { what, candidate: ratio(candidate), base: ratio(base) }
        };
        [
            of("runs had trouble", |tally| (tally.troubled(), tally.runs())),
            of("attempts at steps failed", |tally| (tally.step_failures, tally.steps)),
            of("calls were repetitions", |tally| (tally.repeated, tally.calls)),
        ]
    }

    /// How much larger the candidate's ratio is; negative when it is smaller.
    pub(super) fn difference(&self) -> f64 {
        self.candidate.value() - self.base.value()
    }

    /// How probable a difference like this is when both are equal.
    pub(super) fn p_value(&self) -> f64 {
        let (failed, all) = self.candidate.observations(u64::div_euclid);
        let (other_failed, other_all) = self.base.observations(u64::div_ceil);
        fisher::p_value(failed, all, other_failed, other_all)
    }
}

impl Ratio {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn value(self) -> f64 {
        if self.all == 0 { 0.0 } else { self.failed as f64 / self.all as f64 }
    }

    /// The ratio with no more observations than there were runs.
    fn observations(self, divide: fn(u64, u64) -> u64) -> (u64, u64) {
        if self.all <= self.runs {
            return (self.failed, self.all);
        }
        (divide(self.failed * self.runs, self.all), self.runs)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, candidate, base } = self;
        write!(f, "{candidate} {what}, with the base {base}")
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.failed, self.all)?;
        if self.all > 0 {
            write!(f, " ({:.1} %)", 100.0 * self.value())?;
        }
        Ok(())
    }
}
