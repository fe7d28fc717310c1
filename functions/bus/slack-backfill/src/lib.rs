//! Takes the history of Slack channels into the index. See the README.

mod batch;
mod channel;
mod events;
mod index;
mod message;
mod page;
mod range;
mod report;
mod search;
mod settings;
mod slack;

use system_bus_sdk::component;

pub use self::batch::{Batched, slack_backfill_batch};
pub use self::channel::slack_channel_backfill;
pub use self::events::{BackfillRequested, BatchRequested, Channel};
pub use self::index::Imported;
pub use self::message::Message;
pub use self::page::{Page, Processed};
pub use self::range::Range;
pub use self::report::Report;
pub use self::search::Found;

component![slack_backfill_batch, slack_channel_backfill];

#[cfg(test)]
mod tests;
