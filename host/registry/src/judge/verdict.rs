//! The verdict on a canary.

use std::time::Duration;

use serde::Serialize;

use super::measure::{self, Measure};
use super::policy::Policy;
use super::tally::Tally;

/// What shall become of a canary. Each says why, in a sentence with the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// It goes on as it is.
    Hold {
        /// What it waits for.
        why: String,
    },
    /// All runs shall begin with it.
    Promote {
        /// What speaks for it.
        why: String,
    },
    /// No run shall begin with it any more.
    RollBack {
        /// What speaks against it.
        why: String,
    },
}

impl Verdict {
    /// Why.
    pub fn why(&self) -> &str {
        match self {
            Self::Hold { why } | Self::Promote { why } | Self::RollBack { why } => why,
        }
    }
}

/// How many runs are asked for.
struct Needs {
    rare: bool,
    /// To look at ratios at all.
    least: u64,
    /// To promote.
    enough: u64,
}

impl Policy {
    /// Judges a candidate that has been there for `elapsed`.
    ///
    /// In this order: faults roll back at once; too few runs are held; what is surely worse is rolled back; what is not
    /// worse is promoted when it has had its runs and its time; and what was held too long is decided as it stands.
    pub fn judge(&self, candidate: &Tally, base: &Tally, elapsed: Duration) -> Verdict {
        let (faults, runs) = (candidate.faults, candidate.runs());
        if faults >= self.faults_roll_back_at && base.faults == 0 {
            let calls = candidate.calls;
            let why = format!(
                "{faults} of {calls} calls ended in a trap or at a limit, with the base none of {}",
                base.calls
            );
            return Verdict::RollBack { why };
        }
        let needs = self.needs(candidate, base, elapsed);
        if runs < needs.least {
            return Verdict::Hold { why: self.too_few(runs, needs.least, elapsed) };
        }
        let measures = Measure::all(candidate, base);
        if let Some(why) = self.surely_worse(&measures, runs, needs.least) {
            return Verdict::RollBack { why: why + &attempts(candidate, base) };
        }
        let troubled = candidate.troubled();
        if needs.rare && troubled >= self.least_runs_rare && base.troubled() == 0 {
            let why = format!(
                "{troubled} of {runs} runs had trouble, with the base none of {}; the function is rare, so counts decide",
                base.runs()
            );
            return Verdict::RollBack { why };
        }
        let worse = measures.iter().find(|measure| measure.difference() > self.worse_by);
        self.unless_worse(worse, &measures[0], runs, &needs, elapsed)
    }

    /// The verdict when nothing is sure: `worse` is the ratio that looks worse, if one does.
    fn unless_worse(
        &self,
        worse: Option<&Measure>,
        trouble: &Measure,
        runs: u64,
        needs: &Needs,
        elapsed: Duration,
    ) -> Verdict {
        let overdue = elapsed >= self.hold_max;
        let hold_max = protocol::duration::text(self.hold_max);
        match worse {
            Some(measure) if overdue => Verdict::RollBack {
                why: format!("{measure}; after {hold_max} still in doubt, so it goes back"),
            },
            Some(measure) => Verdict::Hold {
                why: format!("{measure}; that may be chance, so more runs are needed"),
            },
            None if overdue => Verdict::Promote {
                why: format!("{trouble}; after {hold_max} nothing speaks against it"),
            },
            None if runs < needs.enough => Verdict::Hold {
                why: format!("{trouble}; it is promoted from {} runs on", needs.enough),
            },
            None if !needs.rare && elapsed < self.promote_after => {
                let after = protocol::duration::text(self.promote_after);
                Verdict::Hold { why: format!("{trouble}; it is promoted after {after}") }
            }
            None => Verdict::Promote { why: format!("{trouble}; it is not worse") },
        }
    }

    fn needs(&self, candidate: &Tally, base: &Tally, elapsed: Duration) -> Needs {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let runs = (candidate.runs() + base.runs()) as f64;
        let rare = runs < self.rare_below * elapsed.as_secs_f64() / 3_600.0;
        let (least, promote) = if rare {
            (self.least_runs_rare, self.promote_runs_rare)
        } else {
            (self.least_runs, self.promote_runs)
        };
        Needs { rare, least, enough: promote.max(least) }
    }

    fn too_few(&self, runs: u64, least: u64, elapsed: Duration) -> String {
        if elapsed < self.hold_max {
            return format!("{runs} runs began with it; it is judged from {least} on");
        }
        let hold_max = protocol::duration::text(self.hold_max);
        format!(
            "{runs} runs began with it in more than {hold_max}, and {least} are needed to judge it: promote it or roll \
             it back by hand"
        )
    }

    /// Why the candidate is worse, when that is sure.
    fn surely_worse(&self, measures: &[Measure], runs: u64, least: u64) -> Option<String> {
        let allowed = self.allowed_error(runs, least);
        measures
            .iter()
            .filter(|measure| measure.difference() > self.worse_by)
            .map(|measure| (measure, measure.p_value()))
            .find(|(_, p)| *p <= allowed)
            .map(|(measure, p)| {
                format!("{measure}; were both equally good, that had a chance of {p:.1e}")
            })
    }

    /// The error that one ratio is allowed in a look at so many runs: see [`crate::judge`].
    fn allowed_error(&self, runs: u64, least: u64) -> f64 {
        let doublings = (runs / least.max(1)).max(1).ilog2();
        let look = f64::from(doublings + 1);
        (1.0 - self.confidence) / f64::from(measure::COUNT) / (2.0 * look * (look + 1.0))
    }
}

/// What is told beside the runs: how their attempts went.
fn attempts(candidate: &Tally, base: &Tally) -> String {
    format!(
        ". Of {} attempts at steps {} failed, with the base {} of {}; of {} calls {} were repetitions, with the base {} of {}",
        candidate.steps,
        candidate.step_failures,
        base.step_failures,
        base.steps,
        candidate.calls,
        candidate.repeated,
        base.repeated,
        base.calls,
    )
}
