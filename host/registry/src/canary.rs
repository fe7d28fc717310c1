//! What calls came to, by function and version; and what becomes of a canary because of that.

mod shared;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use protocol::digest::Digest;
use protocol::function::Mode;
use protocol::id::{FunctionId, RunId};
use runtime::Component;
use serde::{Deserialize, Serialize};

use crate::activation::{By, Change, Draft, Percent};
use crate::generation::Generation;
use crate::judge::{Policy, Tally, Verdict};
use crate::registry::{Registry, lock};

pub(crate) use self::shared::Shared;

/// What a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A step ran, or the function returned.
    Ran,
    /// It planned or waits: nothing was tried.
    Planned,
    /// A step failed.
    StepFailed,
    /// The function failed.
    Failed,
    /// A trap or a limit.
    Fault,
}

/// What is counted for a function, whatever its version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Calls that code answered.
    pub calls: u64,
    /// How the free proof ended.
    pub verdicts: Verdicts,
}

/// How the free proof ended, in calls of runs that began with other code than the newest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// Newer code than the run began with answered: the memo fits it.
    pub moved: u64,
    /// It did not fit, by the name of the reason.
    pub stayed: BTreeMap<&'static str, u64>,
}

/// Counts what calls come to.
#[derive(Debug, Default)]
pub struct Tallies {
    counts: Mutex<BTreeMap<FunctionId, Counts>>,
    canaries: Mutex<BTreeMap<FunctionId, Trial>>,
    /// What the other workers had counted when they were last looked at, by canary.
    others: Mutex<Trials>,
}

/// Canaries under way, by function.
pub(crate) type Trials = BTreeMap<FunctionId, Trial>;

/// A canary under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trial {
    since: Timestamp,
    candidate: (Digest, Tally),
    base: (Digest, Tally),
}

impl Trial {
    /// Whether both are about one canary.
    fn same(&self, other: &Self) -> bool {
        let of = |trial: &Self| (trial.since, trial.candidate.0, trial.base.0);
        of(self) == of(other)
    }

    /// Adds what another worker has counted for it.
    fn add(&mut self, other: &Self) {
        self.candidate.1.add(&other.candidate.1);
        self.base.1.add(&other.base.1);
    }
}

impl Tallies {
    /// Code has answered a call. `moved`: other code than the run began with.
    pub fn answered(&self, function: &FunctionId, moved: bool) {
        self.count(function, |counts| {
            counts.calls += 1;
            counts.verdicts.moved += u64::from(moved);
        });
    }

    /// Code could not answer a call, because the run's memo does not fit it. `verdict` is the reason's name. Answers
    /// whether that is the first of its kind for the function.
    pub fn stayed(&self, function: &FunctionId, verdict: &'static str) -> bool {
        self.count(function, |counts| {
            let stayed = counts.verdicts.stayed.entry(verdict).or_default();
            *stayed += 1;
            *stayed == 1
        })
    }

    fn count<T>(&self, function: &FunctionId, add: impl FnOnce(&mut Counts) -> T) -> T {
        let mut counts = lock(&self.counts);
        match counts.get_mut(function) {
            Some(counts) => add(counts),
            None => add(counts.entry(function.clone()).or_default()),
        }
    }

    /// What a call of this run came to with this version. Counts only while a canary is under way, and only the runs that
    /// began since it did.
    pub fn seen(
        &self,
        function: &FunctionId,
        digest: Digest,
        run: RunId,
        attempt: u32,
        seen: Seen,
    ) {
        let mut canaries = lock(&self.canaries);
        let Some(trial) = canaries.get_mut(function) else { return };
        let since = u64::try_from(trial.since.as_millisecond()).unwrap_or(0);
        if run.unix_millis() < since {
            return;
        }
        let sides = [&mut trial.candidate, &mut trial.base];
        let Some((_, tally)) = sides.into_iter().find(|(side, _)| *side == digest) else { return };
        tally.call(run, attempt, Timestamp::now());
        match seen {
            Seen::Ran => tally.step(run, false),
            Seen::Planned => {}
            Seen::StepFailed => tally.step(run, true),
            Seen::Failed => tally.failure(run),
            Seen::Fault => tally.fault(run),
        }
    }

    /// What was counted for a function.
    pub fn counts(&self, function: &FunctionId) -> Counts {
        lock(&self.counts).get(function).cloned().unwrap_or_default()
    }

    /// How many runs have come to a canary, in all workers that share the versions folder.
    pub fn canary_runs(&self, function: &FunctionId) -> u64 {
        self.trial(function).map_or(0, |trial| trial.candidate.1.runs())
    }

    /// What is counted here, for the other workers.
    pub(crate) fn trials(&self) -> Trials {
        lock(&self.canaries).clone()
    }

    /// What the other workers have counted, all of them together.
    pub(crate) fn note_others(&self, others: Trials) {
        *lock(&self.others) = others;
    }

    /// A canary with everything that is known of it.
    fn trial(&self, function: &FunctionId) -> Option<Trial> {
        let mut trial = lock(&self.canaries).get(function).cloned()?;
        if let Some(others) = lock(&self.others).get(function).filter(|others| others.same(&trial))
        {
            trial.add(others);
        }
        Some(trial)
    }

    /// Counts the canaries of this generation from now on, and forgets others.
    pub(crate) fn watch(&self, generation: &Generation) {
        let history = generation.history();
        let mut canaries = lock(&self.canaries);
        let mut before = std::mem::take(&mut *canaries);
        for (function, active) in generation.functions() {
            let (Some((version, _)), Some(line)) = (&active.canary, history.canary_began(function))
            else {
                continue;
            };
            let (candidate, base) = (version.digest(), active.base.digest());
            let same = |trial: &Trial| trial.candidate.0 == candidate && trial.base.0 == base;
            let trial = before.remove(function).filter(same).unwrap_or_else(|| Trial {
                since: line.at,
                candidate: (candidate, Tally::default()),
                base: (base, Tally::default()),
            });
            canaries.insert(function.clone(), trial);
        }
    }

    fn judge(&self, function: &FunctionId, policy: &Policy) -> Option<(Verdict, u64)> {
        let trial = self.trial(function)?;
        let elapsed = Timestamp::now().duration_since(trial.since);
        let elapsed = Duration::try_from(elapsed).unwrap_or_default();
        let (candidate, base) = (&trial.candidate.1, &trial.base.1);
        Some((policy.judge(candidate, base, elapsed), candidate.runs()))
    }
}

/// What becomes of the canary of a component: its functions are judged one by one, and it goes as a whole.
enum Fate {
    Hold,
    Promote(String),
    RollBack(String),
}

impl Registry {
    /// Judges every canary, and promotes it or rolls it back where its policy says so.
    ///
    /// What other workers that share the versions folder have counted counts as well, and so does what this one had counted
    /// before it was started again.
    pub async fn judge_canaries(&self) {
        self.exchange_tallies().await;
        let present = self.present();
        let canaries = present.functions().filter(|(_, active)| active.canary.is_some());
        let mut components: BTreeMap<&str, Vec<&FunctionId>> = BTreeMap::new();
        for (function, active) in canaries {
            components.entry(&active.component).or_default().push(function);
        }
        for (component, functions) in components {
            let (by, why) = match self.fate(&functions) {
                Fate::Hold => continue,
                Fate::Promote(why) => (By::Promotion, why),
                Fate::RollBack(why) => (By::Judgement, why),
            };
            // Whoever holds the turn changes what would be judged here; the next look is soon.
            let Ok(_turn) = self.turn.try_lock() else { return };
            let changes = end(&present, component, &functions, by);
            let draft = Draft { changes, by, why };
            match self.activate(present.number(), draft).await {
                Ok(()) => drop(self.adopt().await),
                // Another worker was first.
                Err(error) => tracing::debug!(%error, "a canary was not decided"),
            }
            return;
        }
    }

    /// Tells the other workers what was counted here, and hears what they have counted.
    async fn exchange_tallies(&self) {
        let (own, shared) = (self.tallies.trials(), Arc::clone(&self.shared));
        let exchanged = tokio::task::spawn_blocking(move || shared.exchange(&own)).await;
        match exchanged {
            Ok(Ok(others)) => self.tallies.note_others(others),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a canary is judged without what other workers have counted");
            }
            // A panic in it was reported when it happened.
            Err(_) => {}
        }
    }

    fn fate(&self, functions: &[&FunctionId]) -> Fate {
        let policy = &self.options.policy;
        let verdicts: Vec<_> = functions
            .iter()
            .filter_map(|function| Some((*function, self.tallies.judge(function, policy)?)))
            .collect();
        let bad = verdicts.iter().find_map(|(function, (verdict, _))| match verdict {
            Verdict::RollBack { why } => Some(format!("{function}: {why}")),
            _ => None,
        });
        if let Some(why) = bad {
            return Fate::RollBack(why);
        }
        // Functions that nothing has called say nothing, and do not keep the others waiting.
        let mut called = verdicts.iter().filter(|(_, (_, runs))| *runs > 0).peekable();
        if called.peek().is_none() {
            return Fate::Hold;
        }
        let reasons: Option<Vec<_>> = called
            .map(|(function, (verdict, _))| match verdict {
                Verdict::Promote { why } => Some(format!("{function}: {why}")),
                _ => None,
            })
            .collect();
        reasons.map_or(Fate::Hold, |reasons| Fate::Promote(reasons.join("; ")))
    }
}

/// Which code the runs of a function go on with, as this component declares it.
pub(crate) fn mode_of(component: &Component, function: &FunctionId) -> Option<Mode> {
    let mut functions = component.functions().iter();
    functions.find(|config| config.id == *function).map(|config| config.mode)
}

/// The lines that end a canary: the candidate for all, or the base again.
fn end(present: &Generation, component: &str, functions: &[&FunctionId], by: By) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut candidate = None;
    for function in functions {
        let Some(active) = present.active(function) else { continue };
        let Some((version, _)) = &active.canary else { continue };
        let to = if by == By::Promotion { version } else { &active.base };
        candidate = Some(Arc::clone(version));
        changes.push(Change {
            function: (*function).clone(),
            component: component.to_owned(),
            digest: Some(to.digest()),
            home: Some(to.component().home(function)),
            mode: mode_of(to.component(), function),
            percent: Percent::ALL,
        });
    }
    // What the promoted code does not declare any more goes with its base.
    if let Some(version) = candidate.filter(|_| by == By::Promotion) {
        let declared = version.component().functions();
        let gone = present.functions().filter(|(function, active)| {
            active.component == component && declared.iter().all(|config| config.id != **function)
        });
        changes.extend(gone.map(|(function, active)| Change {
            function: function.clone(),
            component: component.to_owned(),
            digest: None,
            home: Some(active.base.component().home(function)),
            mode: None,
            percent: Percent::ALL,
        }));
    }
    changes
}
