//! A failed backup, as its failure handler tells of it.

use healing_policy::positive;
use serde_json::{Map, Value};

/// The backups that can be asked to run again.
const KNOWN: [&str; 2] = ["system/backup.typesense", "system/backup.redis"];

/// A failed backup.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BackupFailure {
    /// The function that failed.
    pub(crate) function: String,
    /// What it failed of.
    pub(crate) error: String,
    /// How often it was asked to run again before.
    pub(crate) attempt: u32,
    /// All its members.
    pub(crate) data: Map<String, Value>,
}

impl BackupFailure {
    pub(crate) fn of(data: &Value) -> Self {
        let text = |name: &str| data[name].as_str().unwrap_or_default().trim().to_owned();
        let attempt = positive(&data["attempt"]).unwrap_or(0);
        Self {
            function: text("targetFunctionId"),
            error: text("error"),
            attempt: u32::try_from(attempt).unwrap_or(u32::MAX - 1),
            data: data.as_object().cloned().unwrap_or_default(),
        }
    }

    /// Whether there is a backup of that name to run again.
    pub(crate) fn is_known(&self) -> bool {
        KNOWN.contains(&self.function.as_str())
    }

    /// The attempt after this one.
    pub(crate) fn next_attempt(&self) -> u32 {
        self.attempt + 1
    }

    /// Why another run would fail as well, where that is known.
    pub(crate) fn final_reason(&self) -> Option<&'static str> {
        let error = self.error.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
        [
            (&["no files staged"][..], "the snapshot is empty"),
            (&["copy failed", "kubectl cp"], "the snapshot cannot be copied"),
            (&["snapshot failed (500)"], "Typesense cannot make a snapshot"),
            (&["permission denied", "not permitted", "eacces"], "something is not permitted"),
            (&["no space left", "enospc", "disk full", "quota exceeded"], "there is no space"),
        ]
        .into_iter()
        .find_map(|(words, reason)| says(words).then_some(reason))
    }
}
