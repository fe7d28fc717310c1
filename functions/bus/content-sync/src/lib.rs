//! Brings what is written in the vault to the site, and compares the two. See the README for the functions.

mod compare;
mod content;
mod convex;
mod report;
mod schedule;
mod settings;
mod site;
mod sync;

use system_bus_sdk::component;

pub use self::compare::{
    Difference, PruneRequested, Pruned, VerifyRequested, content_prune, content_verify,
};
pub use self::content::Source;
pub use self::report::{Counts, Problem, SyncReport, Synced};
pub use self::schedule::content_sync_schedule;
pub use self::sync::content_sync;

/// Who is named in records.
const COMPONENT: &str = "content-sync";

component![content_sync, content_sync_schedule, content_verify, content_prune];

#[cfg(test)]
mod tests;
