//! What a run ends with.

use system_bus_sdk::prelude::*;

use crate::gate::Verdict;
use crate::observer::Observation;

/// What a run ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "lowercase", tag = "status")]
pub enum Report {
    /// It was sent before.
    #[serde(rename_all = "camelCase")]
    Deduplicated {
        /// The session.
        session_id: String,
        /// What was the same.
        dedupe_key: String,
    },
    /// There is nothing to look at.
    #[serde(rename_all = "camelCase")]
    Skipped {
        /// The session.
        session_id: String,
        /// Why.
        reason: String,
    },
    /// It was looked at.
    Observed(Box<Observed>),
}

/// What came of looking at a session.
#[expect(clippy::struct_excessive_bools, reason = "each says what became of one place")]
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    /// The session.
    pub session_id: String,
    /// Whether a model looked at it.
    pub by_model: bool,
    /// What was stored.
    pub counts: Counts,
    /// Whether the log of the day has it now.
    pub daily_log_appended: bool,
    /// Whether Redis has it.
    pub redis_updated: bool,
    /// How many records the personal data server took.
    pub pds_written: u64,
    /// Whether others were told that observations have come together.
    pub accumulated: bool,
}

/// What was stored.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Observations.
    pub observations: u64,
    /// Those that the index took.
    pub stored_count: u64,
    /// Those that it refused.
    pub errors: u64,
    /// Those that were there already, in other words or the same.
    pub merged_count: u64,
    /// Those that may be recalled.
    pub allow_count: u64,
    /// Those that wait.
    pub hold_count: u64,
    /// Those that were not written.
    pub discard_count: u64,
    /// Those of which the model said no verdict.
    pub fallback_count: u64,
    /// Those of which something says what they are about.
    pub categorized_count: u64,
    /// Those whose embedding was made here.
    pub embedding_fallback_count: u64,
    /// Those that the dashboard did not take.
    pub dashboard_errors: u64,
}

impl Counts {
    /// What the gate said.
    pub(crate) fn of(observations: &[Observation]) -> Self {
        let count = |holds: &dyn Fn(&Observation) -> bool| {
            observations.iter().filter(|one| holds(one)).count() as u64
        };
        Self {
            observations: observations.len() as u64,
            allow_count: count(&|one| one.gate.verdict == Verdict::Allow),
            hold_count: count(&|one| one.gate.verdict == Verdict::Hold),
            discard_count: count(&|one| one.gate.verdict == Verdict::Discard),
            fallback_count: count(&|one| one.gate.fallback),
            categorized_count: count(&|one| one.gate.category_source != "fallback"),
            ..Self::default()
        }
    }
}
