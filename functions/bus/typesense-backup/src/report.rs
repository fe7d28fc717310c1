//! What a backup ends with.

use serde::{Deserialize, Serialize};

use crate::retention::{Pruned, Removal};
use crate::snapshot::Snapshot;
use crate::transport::Attempt;

/// What a backup ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase", tag = "status")]
pub enum Report {
    /// The request is for another backup.
    #[serde(rename = "skipped", rename_all = "camelCase")]
    Skipped {
        /// The one it is for.
        target_function_id: String,
    },
    /// The snapshot is on the NAS.
    #[serde(rename = "completed")]
    Completed(Box<Completed>),
}

/// A snapshot on the NAS.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Completed {
    /// The day.
    pub date: String,
    /// The snapshot, and the roots that were tried.
    pub snapshot: Snapshot,
    /// The attempt that reached the NAS.
    pub transport: Attempt,
    /// What came of the stage.
    pub stage: Removal,
    /// What came of the snapshot at its source.
    pub source: Removal,
    /// What came of old snapshots.
    pub retention: Vec<Pruned>,
}
