//! Has meetings analysed, one after another, since their service is rate limited. See the README for the functions.

mod analysis;
mod analyze;
mod backfill;
mod check;
mod events;
mod granola;
mod list;
mod note;
mod one_by_one;
mod processed;
mod schedule;
mod settings;
mod tasks;

use system_bus_sdk::component;

pub use self::analysis::{Analysis, Task};
pub use self::analyze::{Analyzed, meeting_analyze};
pub use self::backfill::{Backfilled, granola_backfill};
pub use self::check::{Checked, check_granola};
pub use self::events::{BackfillRequested, CheckRequested, Meeting, Range, TranscriptFetched};
pub use self::list::granola_list;
pub use self::one_by_one::Outcome;
pub use self::schedule::granola_check_cron;

/// Who is named in records.
const COMPONENT: &str = "granola";

component![check_granola, granola_backfill, granola_check_cron, granola_list, meeting_analyze];

#[cfg(test)]
mod tests;
