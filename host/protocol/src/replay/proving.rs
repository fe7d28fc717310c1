//! The machine while it is not known whether the memo fits: everything is resolved before anything new happens.

use super::{Choice, Misfit, Replay, ReplayError, Stop};
use crate::outcome::Outcome;

impl Replay {
    /// Whether nothing new has happened yet, and nothing will before the memo is known to fit. Whatever goes wrong
    /// until then has had no effect, so other code may be asked instead.
    pub fn is_proving(&self) -> bool {
        self.proof.is_open()
    }

    /// The guest says that what is stored for a step does not decode into the type it has in this code. Answers with
    /// the end of the invocation, or with none where the function may go on and see an error.
    pub fn misfit(&mut self, ordinal: u32, why: &str) -> Result<Option<Outcome>, ReplayError> {
        let slot = self.steps.get(ordinal as usize).ok_or(ReplayError::UnknownOrdinal(ordinal))?;
        if !self.proof.is_open() {
            return Ok(None);
        }
        let step = slot.shown.as_deref().unwrap_or_default().to_owned();
        Ok(Some(Outcome::Unfit(Misfit::type_changed(step, why))))
    }

    /// [`Replay::choose`] until the memo is known to fit: everything is resolved first.
    pub(super) fn prove_first(&mut self) -> Result<Choice, ReplayError> {
        let end = |outcome| Ok(Choice::Stop(Stop::Outcome(outcome)));
        if let Some(ordinal) = self.next_to_resolve() {
            self.proof.resolves(self.call.memos.place(&self.slot(ordinal).id));
            if !self.proof.has_failed() {
                return Ok(Choice::Resolve(ordinal));
            }
        }
        if let Err(misfit) = self.proof.verdict(&self.call.memos) {
            return end(Outcome::Unfit(misfit));
        }
        let targeted = self.call.route.target.is_some();
        let due = self.fresh_target();
        if targeted && due.is_none() {
            // Found and dropped: the other side of a race has ended since the step was planned.
            let fits = self.found_its_target();
            return end(if fits { Outcome::Fits } else { Outcome::Unfit(Misfit::TargetMissing) });
        }
        if self.fresh.is_empty() {
            return Err(ReplayError::Stuck);
        }
        if self.proof.ends_here() {
            return end(Outcome::Fits);
        }
        let choice = match due {
            Some(ordinal) => self.carry_out(ordinal)?,
            None => self.begin_new()?,
        };
        self.proof.close();
        Ok(choice)
    }

    /// How an invocation ends whose function has ended before anything new has happened; none where it ends as it is.
    pub(super) fn proved_at_the_end(&self) -> Option<Outcome> {
        if !self.proof.is_open() {
            return None;
        }
        if let Err(misfit) = self.proof.verdict(&self.call.memos) {
            return Some(Outcome::Unfit(misfit));
        }
        if self.call.route.target.is_some() && !self.found_its_target() {
            return Some(Outcome::Unfit(Misfit::TargetMissing));
        }
        // A target that was found is not wanted any more.
        (self.proof.ends_here() || self.found_its_target()).then_some(Outcome::Fits)
    }

    /// Whether a proof has met the target at all.
    fn found_its_target(&self) -> bool {
        self.proof.is_open()
            && self.call.route.target.is_some_and(|target| self.proof.has_asked(&target))
    }
}
