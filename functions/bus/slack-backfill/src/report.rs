//! What the backfill of a channel ends with.

use serde::{Deserialize, Serialize};

use crate::events::BackfillRequested;
use crate::message::category;
use crate::page::Processed;
use crate::range::Range;
use crate::search::Found;

/// What the backfill of a channel ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The channel's id.
    pub channel_id: String,
    /// What people call it.
    pub channel_name: String,
    /// What it is for.
    pub channel_category: String,
    /// From when until when.
    #[serde(flatten)]
    pub range: Range,
    /// How many pages of history were taken in.
    pub pages_processed: u64,
    /// Messages and replies that were looked at.
    pub fetched_messages: u64,
    /// Those that are worth finding.
    pub indexed_messages: u64,
    /// Those that are not.
    pub skipped_messages: u64,
    /// Messages that the search found.
    pub search_matches: u64,
    /// What the index took in.
    pub typesense_success: u64,
    /// What it refused.
    pub typesense_errors: u64,
    /// Whether another run goes on.
    pub continued: bool,
}

impl Report {
    pub(crate) fn of(channel: &BackfillRequested, range: Range) -> Self {
        Self {
            channel_id: channel.channel_id.clone(),
            channel_name: channel.channel_name.clone(),
            channel_category: category(&channel.channel_name).to_owned(),
            range,
            pages_processed: 0,
            fetched_messages: 0,
            indexed_messages: 0,
            skipped_messages: 0,
            search_matches: 0,
            typesense_success: 0,
            typesense_errors: 0,
            continued: false,
        }
    }

    pub(crate) fn add(&mut self, page: &Processed) {
        self.fetched_messages += page.fetched;
        self.indexed_messages += page.indexed;
        self.skipped_messages += page.skipped;
        self.typesense_success += page.imported.success;
        self.typesense_errors += page.imported.errors;
    }

    pub(crate) fn add_search(&mut self, found: &Found) {
        self.search_matches = found.matches;
        self.typesense_success += found.imported.success;
        self.typesense_errors += found.imported.errors;
    }
}
