//! What a synchronisation came to.

use std::collections::BTreeMap;

use system_bus_sdk::prelude::*;

use crate::content::Source;

/// How many files of a kind came to what.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Were brought to the site.
    pub upserted: u32,
    /// Are there as they are.
    pub skipped: u32,
    /// Are not finished.
    pub draft: u32,
    /// Are nobody's business.
    pub private: u32,
    /// Belong onto another site.
    pub offsite: u32,
}

/// A file or record with which something went wrong.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which.
    pub what: String,
    /// What went wrong.
    pub error: String,
}

impl Problem {
    pub(crate) fn of(what: impl Into<String>, error: &Error) -> Self {
        Self { what: what.into(), error: error.message().to_owned() }
    }
}

/// What a synchronisation came to.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    /// By kind.
    pub counts: BTreeMap<Source, Counts>,
    /// The records that were written.
    pub changed: Vec<String>,
    /// Records of discoveries that may not be shown any more.
    pub ineligible: Vec<String>,
    /// What went wrong, file by file.
    pub errors: Vec<Problem>,
}

/// What a run ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SyncReport {
    /// What was written.
    #[serde(flatten)]
    pub synced: Synced,
    /// The records that were removed.
    pub removed: Vec<String>,
    /// The tags that the site was told of.
    pub revalidated: Vec<String>,
}

/// The tags of these records, and of the pages that list them.
pub(crate) fn tags<'a>(records: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let mut tags: Vec<String> = records.into_iter().cloned().collect();
    for source in Source::ALL {
        let prefix = format!("{}:", source.kind());
        if tags.iter().any(|tag| tag.starts_with(&prefix)) {
            tags.push(source.all_tag().to_owned());
        }
    }
    tags.sort();
    tags.dedup();
    tags
}
