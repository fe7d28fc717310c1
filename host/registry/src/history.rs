//! The activation log in memory: which version a run began with, and which may answer its calls.
//!
//! Nothing here is stored for a run. Its id carries the time it was scheduled, and the lines say what was active then:
//! every worker that has read the same lines comes to the same answer. Lines are only ever added, and a line added later
//! is later in time, so an answer never changes.
//!
//! The rules, for one function:
//!
//! - A line of 100 percent makes its digest the *base*: the runs that begin from then on begin with it.
//! - A line of less makes its digest the *canary*: of the runs that begin from then on, those whose [`standing`] is below
//!   the share begin with it, the others with the base. The share may be raised by another line of the same digest; runs
//!   that began with the canary stay with it. Where there is no base, a canary has all runs.
//! - The next line of 100 percent ends the canary.
//! - A line without a digest takes the function away. What runs began with before stays theirs.
//! - A run older than the first line began with the first line's digest.

mod homes;
mod rollback;
mod share;
mod spans;
#[cfg(test)]
mod tests;
mod timeline;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use protocol::digest::Digest;
use protocol::id::{FunctionId, RunId};

use self::timeline::Timeline;
use crate::activation::Activation;

pub use self::rollback::UnknownGeneration;
pub use self::share::standing;
pub use self::spans::Span;

/// All activations so far. Immutable and cheap to clone; more lines make another one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    lines: Vec<Arc<Activation>>,
    functions: BTreeMap<FunctionId, Arc<Timeline>>,
}

/// A line that cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Disorder {
    /// Generations only count up.
    #[error("its generation is {generation}, and the line before it has {last} already")]
    Generation {
        /// The line's.
        generation: u64,
        /// The one before.
        last: u64,
    },
    /// Time only goes on; what was decided for older runs must stay true.
    #[error("it is from {at}, and the line before it is from {last}, which is later")]
    Time {
        /// The line's.
        at: Timestamp,
        /// The one before.
        last: Timestamp,
    },
}

impl History {
    /// This history with more lines.
    ///
    /// Fails when a line is older, or of an older generation, than the one before it.
    pub fn with(&self, lines: impl IntoIterator<Item = Activation>) -> Result<Self, Disorder> {
        let mut next = self.clone();
        for line in lines {
            next.push(Arc::new(line))?;
        }
        Ok(next)
    }

    fn push(&mut self, line: Arc<Activation>) -> Result<(), Disorder> {
        let (generation, at) = (line.generation, line.at);
        if let Some(last) = self.lines.last() {
            if generation < last.generation {
                return Err(Disorder::Generation { generation, last: last.generation });
            }
            if at < last.at {
                return Err(Disorder::Time { at, last: last.at });
            }
        }
        let timeline = self.functions.entry(line.function.clone()).or_default();
        Arc::make_mut(timeline).push(&line, self.lines.len());
        self.lines.push(line);
        Ok(())
    }

    /// The number of the newest generation; 0 when there is none.
    pub fn generation(&self) -> u64 {
        self.last().map_or(0, |line| line.generation)
    }

    /// The newest line.
    pub fn last(&self) -> Option<&Activation> {
        self.lines.last().map(Arc::as_ref)
    }

    /// All lines, the oldest first.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Activation> + ExactSizeIterator {
        self.lines.iter().map(Arc::as_ref)
    }

    /// The lines of a function, the oldest first.
    pub fn lines<'h>(
        &'h self,
        function: &'h FunctionId,
    ) -> impl DoubleEndedIterator<Item = &'h Activation> {
        self.all().filter(move |line| line.function == *function)
    }

    /// The functions that are there, with the line that made each one's base active, in the order of their ids.
    pub fn functions(&self) -> impl Iterator<Item = (&FunctionId, &Activation)> {
        self.functions.keys().filter_map(|id| self.active(id).map(|line| (id, line)))
    }

    /// Every function that was ever there, in the order of their ids.
    pub fn known(&self) -> impl Iterator<Item = &FunctionId> {
        self.functions.keys()
    }

    /// The line that made the function's base active; `None` when the function is not there. A canary is beside it.
    pub fn active(&self, function: &FunctionId) -> Option<&Activation> {
        let base = self.timeline(function)?.last()?.base?;
        self.lines.get(base.line).map(Arc::as_ref)
    }

    /// The line of the canary that is under way for the function, with its present share.
    pub fn canary(&self, function: &FunctionId) -> Option<&Activation> {
        let canary = self.timeline(function)?.last()?.canary?;
        self.lines.get(canary.version.line).map(Arc::as_ref)
    }

    /// The line with which that canary began; another one than [`Self::canary`] when its share was changed since. Its time
    /// is from when on runs began with it, so what is counted for a judgement is counted from there.
    pub fn canary_began(&self, function: &FunctionId) -> Option<&Activation> {
        let line = self.timeline(function)?.canary_began()?;
        self.lines.get(line).map(Arc::as_ref)
    }

    /// The one version that the function has ever had. With it there is nothing to decide for any run: began, newest and
    /// candidates are this one. `None` when there were several, or the function was taken away.
    pub fn only(&self, function: &FunctionId) -> Option<Digest> {
        self.timeline(function)?.only()
    }

    /// The version the run began with; for ever the same. `None` when the function was not there at that time.
    pub fn began(&self, function: &FunctionId, run: RunId) -> Option<Digest> {
        self.timeline(function)?.began(run)
    }

    /// The newest version that is active for this run. For a run that is older than a canary, that is the base. A function
    /// that was taken away keeps what its runs had before.
    pub fn newest(&self, function: &FunctionId, run: RunId) -> Option<Digest> {
        self.timeline(function)?.offers(run).next()
    }

    /// The versions whose code may have taken steps of this run, without repeats: the newest first, back to the one the
    /// run began with, which comes last. Where the newest is the one it began with, it is not told again at the end: after
    /// going back from B to A, a run that began with A has `[A, B]`.
    pub fn candidates(&self, function: &FunctionId, run: RunId) -> Vec<Digest> {
        let mut candidates = Vec::new();
        for digest in self.timeline(function).into_iter().flat_map(|t| t.offers(run)) {
            if !candidates.contains(&digest) {
                candidates.push(digest);
            }
        }
        // What it began with may have been active again in between.
        if let Some(began) = self.began(function, run)
            && let Some(place) = candidates.iter().skip(1).position(|digest| *digest == began)
        {
            candidates[place + 1..].rotate_left(1);
        }
        candidates
    }

    /// Whether the function's latest lines went back, by a person's or a canary's judgement, and took exactly this digest
    /// out. A file with it that still lies in the folder must not be activated again by a restart.
    pub fn was_rolled_back(&self, function: &FunctionId, digest: Digest) -> bool {
        self.timeline(function).is_some_and(|timeline| timeline.went_back_from(digest))
    }

    /// Every digest that was ever activated, without repeats, in no order: what the store of components must keep.
    pub fn digests(&self) -> std::collections::HashSet<Digest> {
        self.lines.iter().filter_map(|line| line.digest).collect()
    }

    fn timeline(&self, function: &FunctionId) -> Option<&Timeline> {
        self.functions.get(function).map(Arc::as_ref)
    }
}
