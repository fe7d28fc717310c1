//! Where a worker may die.

use std::collections::BTreeSet;
use std::fmt;

/// A moment at which a worker may die: between two things that it does for a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// The function's id.
    pub function: String,
    /// The step, with its key or its number.
    pub step: String,
    /// Which attempt, from 0.
    pub attempt: u32,
    /// Where in it.
    pub phase: Phase,
}

/// Where in an attempt of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The worker was told to run the body, and has not.
    BeforeBody,
    /// The body has run, and nobody knows.
    BeforeReport,
    /// Its result is stored, and the worker has not gone on.
    AfterReport,
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, step, attempt, phase } = self;
        let step = format!("step `{step}` of `{function}`");
        match phase {
            Phase::BeforeBody => write!(f, "before the body of {step}")?,
            Phase::BeforeReport => {
                write!(f, "after the body of {step} and before its result was stored")?;
            }
            Phase::AfterReport => write!(f, "after the result of {step} was stored")?,
        }
        if *attempt > 0 { write!(f, " (attempt {attempt})") } else { Ok(()) }
    }
}

/// Watches the boundaries that a scenario comes by, and lets the worker die at one of them.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The number of the one at which it dies.
    dies_at: Option<usize>,
    pub(super) seen: Vec<Boundary>,
    pub(super) has_died: bool,
    /// What may happen again.
    pub(super) allowed: BTreeSet<String>,
}

impl Watch {
    pub(super) fn dying_at(boundary: usize) -> Self {
        Self { dies_at: Some(boundary), ..Self::default() }
    }

    /// A worker comes by a boundary; whether it dies there.
    pub(crate) fn passes(&mut self, boundary: Boundary) -> bool {
        let dies = self.dies_at == Some(self.seen.len());
        self.seen.push(boundary);
        self.has_died |= dies;
        dies
    }

    pub(crate) fn allow(&mut self, name: &str) {
        self.allowed.insert(name.to_owned());
    }
}
