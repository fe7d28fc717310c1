//! The arguments of the commands that speak to a running worker.

use std::path::PathBuf;

use clap::Args;
use registry::Percent;
use url::Url;

/// Which worker is meant. Its token is read from `SYSTEM_BUS_ADMIN_TOKEN`.
#[derive(Debug, Args)]
pub(crate) struct Reach {
    /// The worker's address
    #[arg(
        long,
        env = "SYSTEM_BUS_WORKER",
        value_name = "URL",
        default_value = "http://127.0.0.1:3111"
    )]
    pub(crate) worker: Url,
}

#[derive(Debug, Args)]
pub(crate) struct Reload {
    #[command(flatten)]
    pub(crate) reach: Reach,
    /// Do everything but the activation, and tell what it would do
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Give the new code to this share of the runs that begin, as a canary
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    pub(crate) percent: Option<Percent>,
    /// Why, for the activation log
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,
    /// Only when this generation is present; otherwise exit with 4
    #[arg(long, value_name = "GENERATION")]
    pub(crate) if_match: Option<u64>,
    /// Also activate what was rolled back, and also when nothing would be left
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    pub(crate) reach: Reach,
    /// One component, in the place of the active one of that name [default: what lies in the worker's folder]
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// How many unfinished runs of each function are looked at
    #[arg(long, value_name = "RUNS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) runs: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    pub(crate) reach: Reach,
    /// The generation to go back to [default: the one before the present]
    #[arg(long, value_name = "GENERATION")]
    pub(crate) to: Option<u64>,
    /// Only the component that has this function
    #[arg(long, value_name = "FUNCTION")]
    pub(crate) function: Option<String>,
    /// Why, for the activation log
    #[arg(long, value_name = "TEXT")]
    pub(crate) why: Option<String>,
    /// Only when this generation is present; otherwise exit with 4
    #[arg(long, value_name = "GENERATION")]
    pub(crate) if_match: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Generations {
    #[command(flatten)]
    pub(crate) reach: Reach,
    /// How many lines of the activation log to show; a worker tells the last 100
    #[arg(long, value_name = "LINES", default_value_t = 20)]
    pub(crate) count: usize,
}

#[derive(Debug, Args)]
pub(crate) struct Grants {
    #[command(flatten)]
    pub(crate) reach: Reach,
    /// Ask no worker: check this file of grants alone
    #[arg(long, value_name = "FILE", conflicts_with = "worker")]
    pub(crate) check: Option<PathBuf>,
    /// With --check: the folder whose components the file may name; others are errors
    #[arg(long, value_name = "DIR", requires = "check")]
    pub(crate) components: Option<PathBuf>,
    /// With --check: the file is for another machine; do not look for the folders, files and variables that it names
    #[arg(long, requires = "check")]
    pub(crate) elsewhere: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Functions {
    #[command(flatten)]
    pub(crate) reach: Reach,
}

/// A share of runs.
pub(crate) fn percent(text: &str) -> Result<Percent, String> {
    let number: f64 = text
        .trim_end_matches('%')
        .parse()
        .map_err(|_| format!("{text:?} is not a number; write a share such as 10 or 0.5"))?;
    Percent::try_from(number).map_err(|error| error.to_string())
}
