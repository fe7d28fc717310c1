//! What is counted for one version of one function while a canary runs.

use std::collections::HashMap;

use jiff::Timestamp;
use protocol::id::RunId;
use serde::{Deserialize, Serialize};

/// How many different runs a tally knows apart. Further ones are counted in all but the number of runs.
pub const MAX_RUNS: usize = 4_096;

/// From how many failures on, of steps or of the whole function, a run counts as one that fails again and again.
pub const STUBBORN: u32 = 3;

/// What happened to one function with one digest. One tally for the candidate, one for the base; both count the runs that
/// began since the canary did, or the base's older runs would weigh against it with their later steps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Calls.
    pub calls: u64,
    /// Calls that were not the first attempt.
    pub repeated: u64,
    /// Attempts at steps.
    pub steps: u64,
    /// Attempts at steps that failed.
    pub step_failures: u64,
    /// Calls in which the function itself failed.
    pub failures: u64,
    /// Calls that ended in a trap or at a limit.
    pub faults: u64,
    /// The runs, and how often something failed in each.
    runs: HashMap<RunId, u32>,
    // Both follow from the runs, and are computed where a tally comes from elsewhere.
    #[serde(skip)]
    troubled: u64,
    #[serde(skip)]
    stubborn: u64,
    first: Option<Timestamp>,
}

impl Tally {
    /// A call for this run, the `attempt`th repetition, at this time.
    pub fn call(&mut self, run: RunId, attempt: u32, at: Timestamp) {
        self.calls += 1;
        self.repeated += u64::from(attempt > 0);
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        if self.runs.len() < MAX_RUNS {
            self.runs.entry(run).or_default();
        }
    }

    /// An attempt at a step of this run has ended.
    pub fn step(&mut self, run: RunId, failed: bool) {
        self.steps += 1;
        if failed {
            self.step_failures += 1;
            self.trouble(run);
        }
    }

    /// The function has failed.
    pub fn failure(&mut self, run: RunId) {
        self.failures += 1;
        self.trouble(run);
    }

    /// The code has trapped, or met a limit.
    pub fn fault(&mut self, run: RunId) {
        self.faults += 1;
        self.trouble(run);
    }

    fn trouble(&mut self, run: RunId) {
        // Of runs that are not known apart nothing is counted here, or they would be troubled more often than they are.
        let Some(failures) = self.runs.get_mut(&run) else { return };
        *failures = failures.saturating_add(1);
        match *failures {
            1 => self.troubled += 1,
            STUBBORN => self.stubborn += 1,
            _ => {}
        }
    }

    /// Adds what another worker has counted: a run that both have seen is one run.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.repeated += other.repeated;
        self.steps += other.steps;
        self.step_failures += other.step_failures;
        self.failures += other.failures;
        self.faults += other.faults;
        for (run, failures) in &other.runs {
            if self.runs.len() < MAX_RUNS || self.runs.contains_key(run) {
                let own = self.runs.entry(*run).or_default();
                *own = own.saturating_add(*failures);
            }
        }
        let with = |least| self.runs.values().filter(|failures| **failures >= least).count() as u64;
        (self.troubled, self.stubborn) = (with(1), with(STUBBORN));
        self.first = [self.first, other.first].into_iter().flatten().min();
    }

    /// How many different runs; at most [`MAX_RUNS`].
    pub fn runs(&self) -> u64 {
        self.runs.len() as u64
    }

    /// How many of them failed somewhere, be it only in an attempt that was repeated.
    pub fn troubled(&self) -> u64 {
        self.troubled
    }

    /// In how many of them something failed [`STUBBORN`] times or more.
    pub fn stubborn(&self) -> u64 {
        self.stubborn
    }

    /// The time of the first call.
    pub fn first(&self) -> Option<Timestamp> {
        self.first
    }
}
