//! Whether code goes the way that a recorded run went, and where they part. A pure machine: it says which call to make
//! next, and is told what came of it.
//!
//! What decides is the proof that a worker makes before it lets newer code go on with a run
//! ([`Rigour::Proof`]), made after each step instead of once at the end: the first step with which it fails is where
//! they part. Beside it the code is asked what it would do there, with every new step only planned.

mod reading;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use self::reading::{asked, follow, kind_of, misfit_at, same};
use super::{RecordedStatus, RecordedStep, Recording};
use crate::call::{Call, CallError};
use crate::outcome::Outcome;
use crate::replay::Rigour;

/// A comparison under way.
#[derive(Debug)]
pub struct Comparison<'r> {
    recording: &'r Recording,
    /// How many steps the code has followed.
    followed: Vec<Followed>,
    /// What the code asks for after those.
    asks: Option<Asks>,
    parting: Option<Parting>,
    end: Option<EndOfCode>,
}

/// What came of a call.
#[derive(Debug)]
pub enum Told {
    /// This.
    Outcome(Outcome),
    /// The code broke: why.
    Broke(String),
}

/// How a comparison ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Replayed {
    /// The steps that the code followed, in the order in which they had ended.
    pub followed: Vec<Followed>,
    /// Where code and run part; none where they do not.
    pub parting: Option<Parting>,
    /// What the code does after the last recorded step; none where it never gets there.
    pub end: Option<EndOfCode>,
}

/// A recorded step that the code asked for as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Followed {
    /// Which one of the recorded steps, from 1.
    pub position: usize,
    /// Its name in the code.
    pub name: String,
    /// Its kind in the code; none for one that goes by its former name, of which the code speaks by its new one.
    pub kind: Option<&'static str>,
}

/// A step that the code asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundStep {
    /// Its name.
    pub name: String,
    /// Its kind, as in `docs/guests.md`.
    pub kind: &'static str,
}

/// Where code and run part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parting {
    /// Which one of the recorded steps, from 1; one more than there are for the end of the run.
    pub position: usize,
    /// The recorded step's name, or its hash where the name is not known; none at the end of the run.
    pub step: Option<String>,
    /// What is recorded there: the kind of the step as far as its memo tells, or how the run ended.
    pub recorded: String,
    /// What the code does there.
    pub code: Asks,
    /// The name of the reason, as in the metrics of workers.
    pub reason: &'static str,
    /// The reason as a sentence.
    pub why: String,
}

/// What code does when it has resolved everything.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asks {
    /// It asks for these steps.
    Steps(Vec<FoundStep>),
    /// It ends with this result.
    Returns(Value),
    /// It fails with this message.
    Fails(String),
    /// It breaks: why.
    Breaks(String),
}

/// What the code does after the last recorded step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndOfCode {
    /// What it does.
    pub code: Asks,
    /// Whether the recording tells as much: it does of a run that had ended.
    pub compared: bool,
}

impl<'r> Comparison<'r> {
    /// The comparison with a recording, before any call.
    pub fn new(recording: &'r Recording) -> Self {
        let followed = Vec::with_capacity(recording.steps.len());
        Self { recording, followed, asks: None, parting: None, end: None }
    }

    /// The next call to make, and with what rigour; none when all is known.
    ///
    /// Fails where the recording is broken.
    pub fn next(&self) -> Result<Option<(Arc<Call>, Rigour)>, CallError> {
        if self.parting.is_some() || self.end.is_some() {
            return Ok(None);
        }
        let (ended, rigour) = match &self.asks {
            None => (self.followed.len(), Rigour::Lenient),
            Some(_) => (self.followed.len() + 1, Rigour::Proof),
        };
        Ok(Some((Arc::new(self.recording.call(ended)?), rigour)))
    }

    /// What came of the call that [`Comparison::next`] asked for.
    pub fn told(&mut self, told: Told) {
        let at = self.followed.len();
        let Some(step) = self.recording.steps.get(at) else {
            return self.ended(asked(told));
        };
        let Some(asks) = self.asks.take() else {
            self.asks = Some(asked(told));
            return;
        };
        match told {
            Told::Outcome(Outcome::Unfit(misfit)) => {
                // The code never asks for a step whose place is another one.
                let reason = misfit.name();
                self.parts(step, asks, reason, misfit_at(&misfit));
            }
            Told::Broke(why) => self.parts(step, asks, "broken", why),
            Told::Outcome(_) => self.followed.push(follow(at, step, &asks)),
        }
    }

    fn parts(&mut self, step: &RecordedStep, code: Asks, reason: &'static str, why: String) {
        self.parting = Some(Parting {
            position: self.followed.len() + 1,
            step: Some(step.name.clone().unwrap_or_else(|| step.id.to_string())),
            recorded: kind_of(step.memo.get()).to_owned(),
            code,
            reason,
            why,
        });
    }

    /// All recorded steps are followed; this is what the code does then.
    fn ended(&mut self, code: Asks) {
        let (status, output) = (self.recording.status, self.recording.output.as_deref());
        let output: Option<Value> = output.and_then(|json| serde_json::from_str(json.get()).ok());
        let compared = matches!(status, RecordedStatus::Completed | RecordedStatus::Failed);
        let same = match (&code, status) {
            (Asks::Returns(result), RecordedStatus::Completed) => {
                output.as_ref().is_none_or(|output| same(output, result))
            }
            (Asks::Fails(_) | Asks::Breaks(_), RecordedStatus::Failed) => true,
            // A run that was cut short tells nothing of what would have followed.
            _ => !compared,
        };
        if same {
            self.end = Some(EndOfCode { code, compared });
            return;
        }
        let (how, output) = (format!("{status:?}").to_uppercase(), output.unwrap_or_default());
        self.parting = Some(Parting {
            position: self.followed.len() + 1,
            step: None,
            recorded: format!("{how} {output}"),
            code,
            reason: "other-end",
            why: "the run ended here, and this code ends otherwise or goes on".to_owned(),
        });
    }

    /// How it ended.
    pub fn end(self) -> Replayed {
        Replayed { followed: self.followed, parting: self.parting, end: self.end }
    }
}

impl Replayed {
    /// Whether the code went all of the run's way.
    pub fn is_same(&self) -> bool {
        self.parting.is_none()
    }
}

impl fmt::Display for Parting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, step, recorded, code, why, .. } = self;
        match step {
            Some(step) => {
                write!(f, "they part at step {position}, `{step}`, recorded as {recorded}")?;
            }
            None => write!(f, "they part at the end, recorded as {recorded}")?,
        }
        write!(f, ": {why}. This code {code}")
    }
}

impl fmt::Display for Asks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps(steps) => {
                let steps = steps.iter().map(|step| format!("`{}` ({})", step.name, step.kind));
                write!(f, "asks for {}", steps.collect::<Vec<_>>().join(", "))
            }
            Self::Returns(value) => write!(f, "returns {value}"),
            Self::Fails(message) => write!(f, "fails with {message}"),
            Self::Breaks(why) => write!(f, "breaks: {why}"),
        }
    }
}

#[cfg(test)]
mod tests;
