//! Whether the memo of a run fits the code that replays it.
//!
//! Code fits a memo when, run from its top with nothing but the memo, it asks for every stored step, in the order in
//! which the server says that they ended, and each as what it was stored as. The code that made a memo always does:
//! ends are told in the order of completion, so it meets each step before anything that came after it.

use std::collections::HashSet;
use std::fmt;
use std::hash::BuildHasherDefault;

use crate::id::StepId;
use crate::memo::{HashedAlready, MemoTable};

/// How much has to be known of the memo before anything new happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Rigour {
    /// Nothing: memos that the code does not ask for are left alone.
    #[default]
    Lenient,
    /// That it fits this code. Otherwise the invocation ends with [`Outcome::Unfit`](crate::outcome::Outcome::Unfit),
    /// and nothing has happened.
    Strict,
    /// The same, and where it fits, the invocation ends with [`Outcome::Fits`](crate::outcome::Outcome::Fits) in place
    /// of anything new: the question is asked for its answer.
    Proof,
}

/// Why the memo of a run does not fit the code that replayed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Misfit {
    /// The code never asked for these stored steps: they were renamed or removed, or something new stands before them.
    Orphaned {
        /// Their ids, as the server knows them.
        ids: Vec<StepId>,
    },
    /// The code asked for its steps in another order than the one in which they ended.
    Reordered,
    /// A stored step is of another kind or type in this code.
    TypeChanged {
        /// The step's name in this code.
        step: String,
        /// What does not fit.
        why: String,
    },
    /// The step that was called for does not occur.
    TargetMissing,
    /// The code failed where earlier code got through.
    Diverged {
        /// How.
        why: String,
    },
}

/// The most of a guest's explanation that is kept, in characters.
const LONGEST: usize = 300;
/// How many stored steps a sentence names.
const NAMED: usize = 3;

impl Misfit {
    /// Its name in metrics and listings.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Orphaned { .. } => "orphaned",
            Self::Reordered => "reordered",
            Self::TypeChanged { .. } => "type-changed",
            Self::TargetMissing => "target-missing",
            Self::Diverged { .. } => "diverged",
        }
    }

    pub(super) fn type_changed(step: String, why: &str) -> Self {
        Self::TypeChanged { step, why: why.chars().take(LONGEST).collect() }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Orphaned { ids } => {
                let count = ids.len();
                let (noun, they) = if count == 1 { ("step", "it") } else { ("steps", "they") };
                let named: Vec<_> = ids.iter().take(NAMED).map(StepId::to_string).collect();
                let more = if count > NAMED { ", …" } else { "" };
                write!(
                    f,
                    "this code never asks for {count} stored {noun} ({}{more}): {they} would be lost, and work \
                     that was done may be done again. Give a renamed step its former id as alias",
                    named.join(", ")
                )
            }
            Self::Reordered => f.write_str(
                "this code asks for its stored steps in another order than the one in which they ended",
            ),
            Self::TypeChanged { step, why } => {
                write!(f, "what is stored for step {step:?} does not fit what it is in this code: {why}")
            }
            Self::TargetMissing => {
                f.write_str("the step that is to run now does not occur in this code")
            }
            Self::Diverged { why } => {
                write!(f, "this code fails where the code that began the run got through: {why}")
            }
        }
    }
}

/// What a replay has seen of the memo so far.
#[derive(Debug)]
pub(super) struct Proof {
    rigour: Rigour,
    /// Nothing more is to be shown: the memo fits, or nobody wants to know.
    closed: bool,
    asked: HashSet<StepId, BuildHasherDefault<HashedAlready>>,
    /// The place in the server's order of what was resolved last.
    last: Option<u32>,
    misfit: Option<Misfit>,
}

impl Proof {
    pub(super) fn new(rigour: Rigour) -> Self {
        let closed = rigour == Rigour::Lenient;
        Self { rigour, closed, asked: HashSet::default(), last: None, misfit: None }
    }

    /// Whether nothing new may happen yet.
    pub(super) fn is_open(&self) -> bool {
        !self.closed
    }

    /// Whether nothing new may happen at all.
    pub(super) fn ends_here(&self) -> bool {
        self.rigour == Rigour::Proof
    }

    /// The memo fits, and something new happens.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// A step was found, whatever becomes of it.
    pub(super) fn asks(&mut self, id: StepId) {
        self.asked.insert(id);
    }

    pub(super) fn has_asked(&self, id: &StepId) -> bool {
        self.asked.contains(id)
    }

    /// A stored step is resolved; `place` is where the server's order has it, if it does.
    pub(super) fn resolves(&mut self, place: Option<u32>) {
        let Some(place) = place else { return };
        if self.last.is_some_and(|last| place < last) {
            self.fails(Misfit::Reordered);
        }
        self.last = Some(place);
    }

    /// Something does not fit; the first such thing counts.
    pub(super) fn fails(&mut self, misfit: Misfit) {
        self.misfit.get_or_insert(misfit);
    }

    pub(super) fn has_failed(&self) -> bool {
        self.misfit.is_some()
    }

    /// Whether the memo fits what the function has asked for, now that it has nothing left to resolve.
    pub(super) fn verdict(&self, memos: &MemoTable) -> Result<(), Misfit> {
        if self.closed {
            return Ok(());
        }
        if let Some(misfit) = &self.misfit {
            return Err(misfit.clone());
        }
        let left = |id: &StepId| !self.asked.contains(id);
        let mut ids: Vec<_> = memos.ended().filter(|(_, id)| left(id)).collect();
        if ids.is_empty() {
            return Ok(());
        }
        ids.sort_unstable_by_key(|(rank, _)| *rank);
        Err(Misfit::Orphaned { ids: ids.into_iter().map(|(_, id)| id).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misfits_have_names_and_sentences() {
        let ids = |count: usize| (0..count).map(|n| StepId::hash(&n.to_string())).collect();
        for (misfit, name, says) in [
            (Misfit::Orphaned { ids: ids(1) }, "orphaned", "1 stored step ("),
            (Misfit::Orphaned { ids: ids(5) }, "orphaned", "5 stored steps ("),
            (Misfit::Reordered, "reordered", "another order"),
            (Misfit::type_changed("a".to_owned(), "a text"), "type-changed", "step \"a\""),
            (Misfit::TargetMissing, "target-missing", "does not occur"),
            (Misfit::Diverged { why: "it panicked".to_owned() }, "diverged", "it panicked"),
        ] {
            assert_eq!(misfit.name(), name);
            assert!(misfit.to_string().contains(says), "{misfit}");
        }
    }

    #[test]
    fn what_a_guest_explains_is_kept_short() {
        let Misfit::TypeChanged { why, .. } =
            Misfit::type_changed(String::new(), &"é".repeat(9_000))
        else {
            panic!("it is one")
        };
        assert_eq!(why.chars().count(), LONGEST);
    }
}
