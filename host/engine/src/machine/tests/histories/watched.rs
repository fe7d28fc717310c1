//! A world that is looked at after every input.

use super::made::{Happens, Starts, What};
use super::*;
use crate::activity::Held;

/// A world, and what was seen of it.
pub(super) struct Watched<'h> {
    history: &'h History,
    pub(super) world: World,
    /// The events that ask for a run.
    asked: Vec<EventId>,
    /// In which order the steps of each run have ended.
    stacks: BTreeMap<RunId, Vec<StepId>>,
    /// How much of what was told has been looked at.
    heard: usize,
    /// How often each run was told to have ended.
    ends: BTreeMap<RunId, u32>,
    /// Runs that began to exist.
    begun: BTreeSet<RunId>,
    /// Events that a rule held back for good.
    held: BTreeSet<EventId>,
    /// Steps that were told to have run.
    ran: BTreeSet<(RunId, String)>,
}

impl<'h> Watched<'h> {
    pub(super) fn start(history: &'h History) -> Self {
        let stages = history.stages.clone();
        let mut world = World::new(move |call| History::answer(&stages, call));
        world.sync(&[configured("app-f", "a/asked", &history.rules.declared())]);
        Self {
            history,
            world,
            asked: Vec::new(),
            stacks: BTreeMap::new(),
            heard: 0,
            ends: BTreeMap::new(),
            begun: BTreeSet::new(),
            held: BTreeSet::new(),
            ran: BTreeSet::new(),
        }
    }

    /// Lets something come from outside.
    pub(super) fn happen(&mut self, event: &Happens) {
        match event.what {
            What::Asked => {
                let id = self.world.send(&json!({"name": "a/asked"}));
                self.asked.push(id);
            }
            What::Answered => {
                self.world.send(&json!({"name": "a/answered"}));
            }
            What::Revoked => {
                self.world.send(&json!({"name": "a/revoked"}));
            }
            What::Stopped => {
                let oldest = self.world.runs().into_iter().find(|run| !run.status.is_final());
                if let Some(run) = oldest.map(|run| run.id) {
                    self.world.cancel(run);
                }
            }
        }
    }

    /// The worker dies: each call that it has ends without an answer.
    pub(super) fn lose_replies(&mut self) {
        for order in std::mem::take(&mut self.world.under_way) {
            let reply = Reply::Unreachable("refused".to_owned());
            let now = self.world.now;
            self.world.machine.replied(order.call, reply, now, &mut self.world.entropy);
        }
        self.world.save();
    }

    /// Does the next thing. What is old is looked for each month instead of each hour: most of a history is sleep.
    pub(super) fn step(&mut self, until: Timestamp) -> bool {
        let moved = self.world.step(until);
        let (hour, month) =
            (jiff::SignedDuration::from_hours(1), jiff::SignedDuration::from_hours(720));
        let now = self.world.now;
        let prune = &mut self.world.machine.next_prune;
        if prune.is_some_and(|next| next <= now + hour) {
            *prune = Some(now + month);
        }
        moved
    }

    /// Whether nothing is left to do.
    pub(super) fn is_over(&self) -> bool {
        let machine = &self.world.machine;
        machine.unfinished.is_empty()
            && machine.batches.is_empty()
            && machine.debounces.is_empty()
            && self.world.under_way.is_empty()
    }

    /// What must hold at any time.
    pub(super) fn check(&mut self) -> Result<(), TestCaseError> {
        self.listen()?;
        let rules = &self.history.rules;
        let calls = self.world.under_way.len() as u64;
        prop_assert!(rules.calls.is_none_or(|most| calls <= most), "{calls} calls are under way");
        let (mut running, mut unfinished) = (0, 0);
        for run in self.world.machine.runs.values() {
            running += u64::from(run.status == Status::Running);
            unfinished += u64::from(!run.status.is_final());
            let before = self.stacks.entry(run.id).or_default();
            prop_assert!(run.stack.starts_with(before), "{:?} became {:?}", before, run.stack);
            if before.len() < run.stack.len() {
                before.clone_from(&run.stack);
                let different: BTreeSet<_> = before.iter().collect();
                prop_assert_eq!(different.len(), before.len(), "a step has ended twice");
            }
        }
        prop_assert!(rules.runs.is_none_or(|most| running <= most), "{running} runs have begun");
        if matches!(rules.starts, Starts::Skipping | Starts::Replacing) {
            prop_assert!(unfinished <= 1, "{unfinished} runs of a singleton");
        }
        Ok(())
    }

    /// Takes in what was told since the last time.
    fn listen(&mut self) -> Result<(), TestCaseError> {
        let told = &self.world.activity[self.heard..];
        self.heard += told.len();
        for activity in told {
            match (&activity.what, activity.run) {
                (Happening::RunScheduled { .. }, Some(run)) => {
                    prop_assert!(self.begun.insert(run), "a run began twice");
                }
                (Happening::StepRan { name, .. }, Some(run)) => {
                    let first = self.ran.insert((run, name.clone()));
                    prop_assert!(first, "the step {} ran again after it had ended", name);
                }
                (Happening::RunSkipped, Some(run)) => {
                    self.begun.insert(run);
                    *self.ends.entry(run).or_default() += 1;
                }
                (
                    Happening::RunCompleted { .. }
                    | Happening::RunFailed { .. }
                    | Happening::RunCanceled,
                    Some(run),
                ) => *self.ends.entry(run).or_default() += 1,
                (Happening::EventHeld { event, held: Held::RateLimited }, _) => {
                    self.held.insert(*event);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What must hold when nothing is left to do.
    pub(super) fn check_end(&mut self) -> Result<(), TestCaseError> {
        prop_assert!(self.is_over(), "something is left: {:?}", self.world.runs());
        prop_assert_eq!(self.begun.len(), self.ends.len(), "a run was forgotten");
        prop_assert!(self.ends.values().all(|times| *times == 1), "{:?}", self.ends);
        for run in self.world.machine.runs.values() {
            let ended_by_itself = run.status != Status::Cancelled && run.status != Status::Skipped;
            prop_assert!(!ended_by_itself || run.status == Status::Completed, "{:?}", run);
        }
        self.check_events()
    }

    /// Every event that was taken in led to what its rule says.
    fn check_events(&self) -> Result<(), TestCaseError> {
        let (asked, begun) = (self.asked.len(), self.begun.len());
        match self.history.rules.starts {
            Starts::Always | Starts::Skipping | Starts::Replacing => prop_assert_eq!(begun, asked),
            Starts::Limited | Starts::Once => prop_assert_eq!(begun + self.held.len(), asked),
            // The last event of each pause starts a run; the first one began it.
            Starts::Debounced => prop_assert!(begun <= asked && (begun > 0) == (asked > 0)),
            Starts::Batched => {
                prop_assert!(begun >= asked.div_ceil(2) && begun <= asked, "{begun} of {asked}");
            }
        }
        // Of runs that are kept, each names its events; no event is in two.
        let mut named = BTreeSet::new();
        for run in self.world.machine.runs.values() {
            for event in &run.events {
                prop_assert!(named.insert(*event), "an event started two runs");
            }
        }
        Ok(())
    }
}
