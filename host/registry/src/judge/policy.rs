//! By which rules a canary is judged.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::tally::MAX_RUNS;

/// The rules, as an operator writes them. What is not written has its default; a member that does not exist is refused.
///
/// ```toml
/// [canary]
/// least_runs = 10
/// worse_by = 0.05
/// confidence = 0.99
/// promote_after = "10m"
/// promote_runs = 50
/// rare_below = 10.0
/// least_runs_rare = 2
/// promote_runs_rare = 3
/// hold_max = "3d"
/// faults_roll_back_at = 3
/// ```
///
/// Those are the defaults. Durations are text, as in manifests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// How many of the candidate's runs must have been seen before its ratios are looked at; 1 to [`MAX_RUNS`].
    #[serde(deserialize_with = "runs")]
    pub least_runs: u64,
    /// By how much a ratio of failures must be larger than the base's to count as worse, as a difference: from 0.30 to
    /// 0.36 is 0.06. 0 to 1.
    #[serde(deserialize_with = "ratio")]
    pub worse_by: f64,
    /// How sure a rollback must be: one in a hundred canaries that are as good as their base may be rolled back with
    /// 0.99. 0 to 1, neither included.
    #[serde(deserialize_with = "confidence")]
    pub confidence: f64,
    /// How long a candidate must have been there before it is promoted.
    #[serde(with = "duration")]
    pub promote_after: Duration,
    /// How many of its runs must have been seen; 1 to [`MAX_RUNS`].
    #[serde(deserialize_with = "runs")]
    pub promote_runs: u64,
    /// A function with fewer runs an hour, of both versions, is rare: it is judged by counts, and promoted without
    /// waiting for `promote_after`. 0: none is.
    #[serde(deserialize_with = "rate")]
    pub rare_below: f64,
    /// For a rare function: how many of the candidate's runs must have been seen, and how many of them must have had
    /// trouble, when the base had none, to roll it back. 1 to [`MAX_RUNS`].
    #[serde(deserialize_with = "runs")]
    pub least_runs_rare: u64,
    /// For a rare function: how many runs promote it; 1 to [`MAX_RUNS`].
    #[serde(deserialize_with = "runs")]
    pub promote_runs_rare: u64,
    /// How long a candidate is held at most. Then it is promoted, or rolled back when one of its ratios is worse, however
    /// unsure that is.
    #[serde(with = "duration")]
    pub hold_max: Duration,
    /// How many calls that end in a trap or at a limit roll the candidate back at once, when the base had none; at least
    /// 1.
    #[serde(deserialize_with = "at_least_one")]
    pub faults_roll_back_at: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            least_runs: 10,
            worse_by: 0.05,
            confidence: 0.99,
            promote_after: Duration::from_mins(10),
            promote_runs: 50,
            rare_below: 10.0,
            least_runs_rare: 2,
            promote_runs_rare: 3,
            hold_max: Duration::from_hours(3 * 24),
            faults_roll_back_at: 3,
        }
    }
}

fn number<'de, D, T>(
    deserializer: D,
    fits: impl FnOnce(&T) -> bool,
    wanted: std::fmt::Arguments<'_>,
) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + std::fmt::Display,
{
    let number = T::deserialize(deserializer)?;
    if fits(&number) {
        return Ok(number);
    }
    Err(serde::de::Error::custom(format_args!("{number} is out of range; write {wanted}")))
}

fn runs<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let fits = |runs: &u64| (1..=MAX_RUNS as u64).contains(runs);
    number(deserializer, fits, format_args!("a number of runs from 1 to {MAX_RUNS}"))
}

fn at_least_one<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    number(deserializer, |count| *count >= 1, format_args!("a number of at least 1"))
}

fn ratio<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let fits = |ratio: &f64| (0.0..=1.0).contains(ratio);
    number(deserializer, fits, format_args!("a difference of ratios from 0 to 1"))
}

fn confidence<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let fits = |ratio: &f64| *ratio > 0.0 && *ratio < 1.0;
    number(deserializer, fits, format_args!("a number between 0 and 1, such as 0.99"))
}

fn rate<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let fits = |rate: &f64| rate.is_finite() && *rate >= 0.0;
    number(deserializer, fits, format_args!("a number of runs an hour, or 0"))
}

/// Durations as text.
mod duration {
    use std::time::Duration;

    use serde::Deserialize;

    pub(super) fn serialize<S: serde::Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&protocol::duration::text(*duration))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        protocol::duration::parse(&text).map_err(serde::de::Error::custom)
    }
}
