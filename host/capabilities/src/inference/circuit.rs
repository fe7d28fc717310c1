//! Leaving alone what fails again and again. Pure: the time is an argument.

use std::time::{Duration, Instant};

/// When a circuit opens, and for how long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How many failures in a row.
    pub(super) failures: u32,
    /// How long nothing is tried then.
    pub(super) pause: Duration,
}

/// Whether something that fails is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Circuit {
    /// It is. So many failures in a row are known.
    Closed { failures: u32 },
    /// Not before this time.
    Open { until: Instant },
    /// One trial is under way, and nothing else.
    Trial,
}

/// Why something is not tried now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Skipped {
    /// How long this stays so; zero while a trial is under way.
    pub(super) left: Duration,
}

impl Default for Circuit {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Circuit {
    /// Asks to try it. What was let through is reported by one of the others.
    pub(super) fn enter(&mut self, now: Instant) -> Result<(), Skipped> {
        match *self {
            Self::Closed { .. } => Ok(()),
            Self::Open { until } if now < until => Err(Skipped { left: until - now }),
            Self::Open { .. } => {
                *self = Self::Trial;
                Ok(())
            }
            Self::Trial => Err(Skipped { left: Duration::ZERO }),
        }
    }

    /// It worked.
    pub(super) fn worked(&mut self) {
        *self = Self::default();
    }

    /// It failed. A failed trial opens it again at once.
    pub(super) fn failed(&mut self, now: Instant, patience: Patience) {
        let failures = match *self {
            Self::Closed { failures } => failures + 1,
            Self::Trial => patience.failures,
            // One that was let through before it opened.
            Self::Open { .. } => return,
        };
        *self = if failures >= patience.failures {
            Self::Open { until: now + patience.pause }
        } else {
            Self::Closed { failures }
        };
    }

    /// It ended without telling anything: given up, or failed for a reason of the asker's own. The next one tries.
    pub(super) fn told_nothing(&mut self, now: Instant) {
        if *self == Self::Trial {
            *self = Self::Open { until: now };
        }
    }

    /// Whether there is nothing to remember.
    pub(super) fn is_fresh(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_trial_through_after_the_pause() {
        enum Does {
            Enters(Result<(), u64>),
            Works,
            Fails,
            TellsNothing,
        }
        use Does::{Enters, Fails, TellsNothing, Works};
        let patience = Patience { failures: 2, pause: Duration::from_secs(10) };
        let start = Instant::now();
        let mut circuit = Circuit::default();
        for (second, does) in [
            (0, Enters(Ok(()))),
            (0, Fails),
            // A success forgets the failure.
            (0, Works),
            (1, Fails),
            (1, Enters(Ok(()))),
            (1, Fails),
            (2, Enters(Err(9))),
            // One that began before it opened does not prolong it.
            (5, Fails),
            (10, Enters(Err(1))),
            (11, Enters(Ok(()))),
            (11, Enters(Err(0))),
            (12, TellsNothing),
            (12, Enters(Ok(()))),
            (13, Fails),
            (13, Enters(Err(10))),
            (23, Enters(Ok(()))),
            (23, Works),
            (23, Enters(Ok(()))),
            (23, Enters(Ok(()))),
        ] {
            let now = start + Duration::from_secs(second);
            match does {
                Enters(expected) => {
                    let entered = circuit.enter(now).map_err(|skipped| skipped.left.as_secs());
                    assert_eq!(entered, expected, "after {second} s");
                }
                Works => circuit.worked(),
                Fails => circuit.failed(now, patience),
                TellsNothing => circuit.told_nothing(now),
            }
        }
        assert!(circuit.is_fresh());
    }
}
