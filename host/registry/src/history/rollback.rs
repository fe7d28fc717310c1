//! Going back: what was active, and which lines bring it back.

use protocol::id::FunctionId;

use super::History;
use crate::activation::{Activation, Change, Percent};

/// A generation that the log does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no generation {asked}; the log has 1 to {newest}, and GET /api/generations lists them"
)]
pub struct UnknownGeneration {
    /// The one asked for.
    pub asked: u64,
    /// The newest one.
    pub newest: u64,
}

impl History {
    /// The history as it was when this generation was the newest.
    pub fn at(&self, generation: u64) -> Result<Self, UnknownGeneration> {
        if !self.lines.iter().any(|line| line.generation == generation) {
            return Err(UnknownGeneration { asked: generation, newest: self.generation() });
        }
        let mut then = Self::default();
        for line in self.lines.iter().take_while(|line| line.generation <= generation) {
            then.push(line.clone()).expect("the beginning of an ordered history is ordered");
        }
        Ok(then)
    }

    /// What has to be activated so that all functions are again what they were in this generation. Functions that came
    /// later are taken away; a canary that is under way ends; one that was under way then does not come back. Empty when
    /// nothing is different.
    pub fn rollback(&self, generation: u64) -> Result<Vec<Change>, UnknownGeneration> {
        let then = self.at(generation)?;
        Ok(self.functions.keys().filter_map(|id| self.back(id, then.active(id))).collect())
    }

    /// What has to be activated so that one function is again what it was before its present base, or before its canary
    /// where one is under way. `None` when it has never been anything else.
    pub fn step_back(&self, function: &FunctionId) -> Option<Change> {
        if self.canary(function).is_some() {
            return self.back(function, self.active(function));
        }
        self.back(function, Some(self.previous(function)?))
    }

    /// The line of the version that was the function's base before the present one.
    pub fn previous(&self, function: &FunctionId) -> Option<&Activation> {
        let version = self.timeline(function)?.previous()?;
        self.lines.get(version.line).map(AsRef::as_ref)
    }

    fn back(&self, function: &FunctionId, to: Option<&Activation>) -> Option<Change> {
        let present = self.active(function);
        let digest = to.and_then(|line| line.digest);
        if digest == present.and_then(|line| line.digest) && self.canary(function).is_none() {
            return None;
        }
        let line = to.or(present)?;
        Some(Change {
            function: function.clone(),
            component: line.component.clone(),
            digest,
            home: line.home,
            mode: line.mode,
            percent: Percent::ALL,
        })
    }
}
