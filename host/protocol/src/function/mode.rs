//! Which version of the code a run goes on with when there is a newer one.

use super::members::Members;

/// Which version of the code a run goes on with when there is a newer one than it began with.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The newest active version that this run's memo fits; the version it began with always does.
    #[default]
    LatestCompatible,
    /// The version the run began with, to its end.
    Pinned,
    /// The newest active version, whatever the memo says. For development.
    Latest,
}

impl Mode {
    /// Its name in a manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::LatestCompatible => "latest-compatible",
            Self::Pinned => "pinned",
            Self::Latest => "latest",
        }
    }

    /// Takes the member `mode` out of a function's members.
    pub(super) fn take(members: &mut Members) -> Option<Self> {
        const NAME: &str = "mode";
        if !members.has(NAME) {
            return Some(Self::default());
        }
        let text = members.text(NAME)?;
        let modes = [Self::LatestCompatible, Self::Pinned, Self::Latest];
        let mode = modes.into_iter().find(|mode| mode.name() == text);
        if mode.is_none() {
            members.fault(
                NAME,
                format_args!("{text:?} is not \"latest-compatible\", \"pinned\" or \"latest\""),
            );
        }
        mode
    }
}
