//! A ratio of runs in both versions, and how sure it is that the candidate's is worse.

use std::fmt;

use super::fisher;
use super::tally::{STUBBORN, Tally};

/// How many ratios are compared.
pub(super) const COUNT: u32 = 2;

/// One ratio, of both versions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    /// From how many failures on a run counts.
    failures: u32,
    candidate: Ratio,
    base: Ratio,
}

/// So many runs of so many.
#[derive(Debug, Clone, Copy)]
struct Ratio {
    failed: u64,
    all: u64,
}

impl Measure {
    /// The ratios that are compared.
    pub(super) fn all(candidate: &Tally, base: &Tally) -> [Self; COUNT as usize] {
        let of = |failures, count: fn(&Tally) -> u64| {
            let ratio = |tally: &Tally| Ratio { failed: count(tally), all: tally.runs() };
            Self { failures, candidate: ratio(candidate), base: ratio(base) }
        };
        [of(1, Tally::troubled), of(STUBBORN, Tally::stubborn)]
    }

    /// How much larger the candidate's ratio is; negative when it is smaller.
    pub(super) fn difference(&self) -> f64 {
        self.candidate.value() - self.base.value()
    }

    /// How probable a difference like this is when both are equal.
    pub(super) fn p_value(&self) -> f64 {
        let Self { candidate, base, .. } = self;
        fisher::p_value(candidate.failed, candidate.all, base.failed, base.all)
    }
}

impl Ratio {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn value(self) -> f64 {
        if self.all == 0 { 0.0 } else { self.failed as f64 / self.all as f64 }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { failures, candidate, base } = self;
        match failures {
            1 => write!(f, "{candidate} runs had trouble, with the base {base}"),
            _ => {
                write!(f, "{candidate} runs failed {failures} times or more, with the base {base}")
            }
        }
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
