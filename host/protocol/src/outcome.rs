//! How one invocation ended, for the server. [`crate::reply`] turns it into a reply.

use serde_json::value::RawValue;

use crate::call::Attempt;
use crate::id::StepId;
use crate::op::{ErrorObject, Op, Retry, Timing};
use crate::replay::Misfit;
use crate::step::StepName;

/// How one invocation ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// The function returned; its result as JSON.
    Done(Box<RawValue>),
    /// The function waits: the steps it found, at least one; before them, in the order in which they ran, steps whose
    /// results could not be stored while the function went on.
    Planned(Vec<Op>),
    /// The function is to be called again from the top before it reports what it waits for, under the execution
    /// version that wakes it at every end of a step.
    Switch,
    /// The function is to be called again from the top. Only for a call that targets no step: a targeted one that is
    /// answered so never comes back.
    Again {
        /// A text that this run has not used for this before: the server takes a repeat for what it has served.
        unique: String,
    },
    /// The server has given this work to another call meanwhile: whatever is answered is ignored.
    Superseded,
    /// The body of a step ran and succeeded.
    StepRan {
        /// Which step.
        step: StepName,
        /// Whether the function has entered a race; see [`Op::race`].
        race: bool,
        /// Its result as JSON.
        data: Box<RawValue>,
        /// When the body ran; none when the result is a stored one told again.
        timing: Option<Timing>,
    },
    /// The body of a step ran and failed.
    StepFailed {
        /// Which step.
        step: StepName,
        /// Whether the function has entered a race; see [`Op::race`].
        race: bool,
        /// The failure.
        error: ErrorObject,
        /// What the body wants to happen.
        retry: Retry,
        /// When the body ran; none when the failure is a stored one told again.
        timing: Option<Timing>,
    },
    /// The function itself failed, or could not be run.
    Failed {
        /// The failure.
        error: ErrorObject,
        /// What shall happen.
        retry: Retry,
    },
    /// The memo fits this code, and nothing has happened: that was all to be known, or the step that was asked for has
    /// lost its race meanwhile.
    Fits,
    /// The memo does not fit this code, and nothing has happened.
    Unfit(Misfit),
    /// A targeted call's step was never met.
    TargetNotFound {
        /// The step that was asked for.
        target: StepId,
        /// The steps that were met and have no memo.
        found: Vec<StepName>,
        /// How the function ended without meeting it.
        ending: String,
    },
}

impl Outcome {
    /// Whether the run is over with this, in this attempt: it is done, or has failed for good. A step that failed does not
    /// end its run; the function hears of it in another call.
    pub fn ends_run(&self, attempt: Attempt) -> bool {
        match self {
            Self::Done(_) => true,
            Self::Failed { retry, .. } => *retry == Retry::Never || attempt.is_last(),
            Self::Planned(_)
            | Self::Switch
            | Self::Again { .. }
            | Self::Superseded
            | Self::StepRan { .. }
            | Self::StepFailed { .. }
            | Self::Fits
            | Self::Unfit(_)
            | Self::TargetNotFound { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_run_is_over_when_it_is_done_or_has_failed_for_good() {
        let failed = |retry| Outcome::Failed { error: ErrorObject::new("E", "m"), retry };
        let step_failed = || Outcome::StepFailed {
            step: StepName { id: StepId::hash("a"), name: "a".to_owned(), index: 0 },
            race: false,
            error: ErrorObject::new("E", "m"),
            retry: Retry::Never,
            timing: None,
        };
        let done = Outcome::Done(RawValue::NULL.to_owned());
        let soon = Retry::After(Duration::from_secs(1));
        // The outcome; whether it ends the run in the first of two attempts, and in the last one.
        let table = [
            (done, true, true),
            (failed(Retry::Never), true, true),
            (failed(Retry::Again), false, true),
            (failed(soon), false, true),
            (step_failed(), false, false),
            (Outcome::Planned(Vec::new()), false, false),
            (Outcome::Superseded, false, false),
        ];
        for (outcome, first, last) in table {
            let ends = |number| outcome.ends_run(Attempt { number, most: 2 });
            assert_eq!((ends(0), ends(1)), (first, last), "{outcome:?}");
        }
    }
}
