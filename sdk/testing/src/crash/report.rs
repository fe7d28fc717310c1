//! What came of the crashes.

use std::fmt;

use super::Boundary;

/// What came of a scenario's crashes.
#[derive(Debug, Clone)]
#[must_use = "a report that nobody looks at proves nothing"]
pub struct Report {
    /// Where the worker was killed, once each, in the order in which the scenario comes by.
    pub boundaries: Vec<Boundary>,
    /// What went wrong.
    pub findings: Vec<Finding>,
}

/// What went wrong when the worker was killed at one boundary.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Where it was killed.
    pub boundary: Boundary,
    /// What went wrong.
    pub what: What,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// Something took place outside more often than without the crash.
    Effect {
        /// The effect.
        name: String,
        /// How often it took place.
        count: usize,
        /// How often it does without a crash.
        without: usize,
        /// Under which keys, in that order; `none` for each time without one.
        keys: Vec<String>,
    },
    /// A body ran under more idempotency keys than without the crash: the step had another identity the second time.
    Body {
        /// The function's id.
        function: String,
        /// The step's id, without its key.
        step: String,
        /// Under how many keys it runs without a crash.
        without: usize,
        /// The keys.
        keys: Vec<String>,
    },
    /// The scenario failed.
    Failed {
        /// What its panic said.
        message: String,
    },
    /// The scenario never came there again: it does not do the same each time, so that nothing is known.
    Elsewhere,
}

impl Report {
    /// That nothing went wrong.
    ///
    /// # Panics
    ///
    /// When something did; the message has all of it.
    #[track_caller]
    pub fn assert_clean(&self) {
        assert!(self.findings.is_empty(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, wrong) = (self.boundaries.len(), self.findings.len());
        write!(f, "the worker was killed at {count} boundaries: {wrong} things went wrong")?;
        self.findings.iter().try_for_each(|finding| write!(f, "\n- {finding}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "killed {}: ", self.boundary)?;
        match &self.what {
            What::Effect { name, count, without, keys } => {
                let keys = keys.join("`, `");
                write!(
                    f,
                    "`{name}` took place {count} times, and {without} without the crash (idempotency keys `{keys}`); give \
                     the service `io.idempotency_key()`, or say with `may_repeat` that it does no harm"
                )
            }
            What::Body { function, step, without, keys } => {
                let (count, keys) = (keys.len(), keys.join("`, `"));
                write!(
                    f,
                    "the body of step `{step}` of `{function}` ran under {count} idempotency keys, and {without} without \
                     the crash (`{keys}`); make the step's key of the event and of earlier results only"
                )
            }
            What::Failed { message } => write!(f, "the test failed: {message}"),
            What::Elsewhere => f.write_str(
                "the test did not come there a second time; take out what differs from one run of it to the next",
            ),
        }
    }
}
