//! What a worker remembers of itself without a collector: the records of its functions, and its own warnings, in a bounded
//! folder of files with a line of JSON each (R50, R52). One process writes to a file, anybody reads.

mod layer;
mod search;
mod store;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

pub(crate) use self::layer::Keep;
pub(crate) use self::search::{Filter, Level, Stats, search, stats};
pub(crate) use self::store::Writer;
use crate::cli::cache::bytes;
use crate::cli::duration;

/// Where records are kept, and how many.
#[derive(Debug, Clone, Args)]
pub(crate) struct RecordArgs {
    /// The folder of records of functions and of the worker's own warnings, for `otel search`; workers may share it
    #[arg(
        long,
        env = "SYSTEM_BUS_RECORDS",
        value_name = "DIR",
        default_value = ".system-bus/records"
    )]
    pub(crate) records: PathBuf,
    /// How much is kept there; the oldest goes first, and with 0 nothing is
    #[arg(
        long,
        env = "SYSTEM_BUS_RECORDS_LIMIT",
        value_name = "SIZE",
        default_value = "64MiB",
        value_parser = bytes
    )]
    pub(crate) records_limit: u64,
    /// How long it is kept
    #[arg(long, env = "SYSTEM_BUS_RECORDS_AGE", value_name = "TIME", default_value = "336h", value_parser = duration)]
    pub(crate) records_age: Duration,
}
