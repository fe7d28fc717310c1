//! One line of the activation log: from when on which code is active for a function; and what is asked of the log
//! before it has a number and a time.

use jiff::Timestamp;
use protocol::digest::Digest;
use protocol::function::Mode;
use protocol::id::FunctionId;
use protocol::role::Role;
use serde::{Deserialize, Serialize};

/// From a moment on, this code is active for a function. Lines are only ever added; a rollback is one more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activation {
    /// From when on, in the time that run ids carry.
    pub at: Timestamp,
    /// The generation that began with it. Lines that were written together have one number.
    pub generation: u64,
    /// The function.
    pub function: FunctionId,
    /// The name of the component it comes from: the stem of its file.
    pub component: String,
    /// The component's digest; none when the function was taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The role of the workers that serve it; absent where nobody knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<Role>,
    /// Which code the runs go on with that begin with this one; absent where nobody knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Which share of the runs that begin. Less than all of them is a canary.
    pub percent: Percent,
    /// Who did it.
    pub by: By,
    /// What they said about it; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// Who activated something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// A file of the watched folder, or a component of the OCI registry, has changed.
    Discovery,
    /// Somebody asked for a reload.
    Reload,
    /// Somebody asked to go back.
    Rollback,
    /// A canary did well.
    Promotion,
    /// A canary did badly.
    Judgement,
}

/// What shall be active from now on: the lines of one generation, before the log gives them a number and a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// One line each. Without any, the log stays as it is.
    pub changes: Vec<Change>,
    /// Who asks.
    pub by: By,
    /// What they say about it; may be empty.
    pub why: String,
}

/// What shall be active for one function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The function.
    pub function: FunctionId,
    /// The name of the component it comes from: the stem of its file.
    pub component: String,
    /// The component's digest; none takes the function away.
    pub digest: Option<Digest>,
    /// The role of the workers that serve it.
    pub home: Option<Role>,
    /// Which code the runs go on with that begin with this one.
    pub mode: Option<Mode>,
    /// Which share of the runs that begin.
    pub percent: Percent,
}

impl Draft {
    /// The lines of it, as generation `generation` from `at` on.
    pub fn lines(self, generation: u64, at: Timestamp) -> Vec<Activation> {
        let Self { changes, by, why } = self;
        let line = |change: Change| Activation {
            at,
            generation,
            function: change.function,
            component: change.component,
            digest: change.digest,
            home: change.home,
            mode: change.mode,
            percent: change.percent,
            by,
            why: why.clone(),
        };
        changes.into_iter().map(line).collect()
    }
}

/// A share of the runs, in hundredths of a percent: 1 to 10 000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Percent(u16);

/// A number that is not a share.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0} is not a share of runs: more than 0 and at most 100 percent, in steps of 0.01")]
pub struct PercentError(f64);

impl Percent {
    /// All runs.
    pub const ALL: Self = Self(10_000);

    /// The share in hundredths of a percent: a run belongs to it when its hash modulo 10 000 is below this.
    pub fn basis_points(self) -> u16 {
        self.0
    }

    /// Whether it is less than all runs.
    pub fn is_canary(self) -> bool {
        self != Self::ALL
    }
}

impl TryFrom<f64> for Percent {
    type Error = PercentError;

    fn try_from(percent: f64) -> Result<Self, PercentError> {
        let points = (percent * 100.0).round();
        let exact = (points / 100.0 - percent).abs() < 1e-6;
        if exact && (1.0..=10_000.0).contains(&points) {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is between 1 and 10 000"
            )]
            return Ok(Self(points as u16));
        }
        Err(PercentError(percent))
    }
}

impl From<Percent> for f64 {
    fn from(percent: Percent) -> Self {
        Self::from(percent.0) / 100.0
    }
}

impl std::fmt::Display for Percent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", f64::from(*self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_more_than_nothing_and_at_most_everything() {
        assert_eq!(Percent::try_from(100.0), Ok(Percent::ALL));
        assert_eq!(Percent::try_from(12.5).map(Percent::basis_points), Ok(1_250));
        assert_eq!(Percent::try_from(0.01).map(|p| p.to_string()), Ok("0.01".to_owned()));
        for bad in [0.0, -1.0, 100.01, 0.001, f64::NAN, f64::INFINITY] {
            assert!(Percent::try_from(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_line_is_flat_json() {
        let line = r#"{"at":"2026-01-01T00:00:00Z","generation":3,"function":"check/health","component":"health","digest":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","percent":10.0,"by":"reload","why":"try it"}"#;
        let activation: Activation = serde_json::from_str(line).expect("a line");
        assert_eq!(activation.percent.basis_points(), 1_000);
        assert_eq!(serde_json::to_string(&activation).expect("JSON"), line);
    }
}
