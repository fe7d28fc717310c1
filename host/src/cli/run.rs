//! `run`: what became of a run of a server; runs as files, and what code makes of them.

mod pull;
mod replay;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use protocol::id::RunId;
use protocol::recording::RedactionPath;

use super::CacheArgs;
use crate::asking::ServerArgs;

/// What is done with a run.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(crate) struct Run {
    #[command(subcommand)]
    pub(crate) what: Option<What>,
    #[command(flatten)]
    pub(crate) show: Show,
}

/// Which run is shown.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The run to tell of: what it did, step by step, and what came of it; exit with 1 where it failed
    #[arg(value_name = "ID")]
    pub(crate) id: Option<RunId>,
    /// Cancel it first, and wait until it has ended
    #[arg(long)]
    pub(crate) cancel: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Write a run of the server to a file: its events, what its steps left behind, how it ended (`INNGEST_*` in the
    /// environment)
    Pull(Pull),
    /// Replay such a file step by step against a component, without any server; exit with 3 where they part
    Replay(Replay),
}

/// Which run, and what is kept of it.
#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// The run
    #[arg(value_name = "ID")]
    pub(crate) id: RunId,
    /// The file to write [default: the standard output]
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    /// Values to replace by others of their type, such as events.data.card, steps.charge.number or output.email; `*` is
    /// any member or step
    #[arg(long, env = "SYSTEM_BUS_REDACT", value_name = "PATH", value_delimiter = ',')]
    pub(crate) redact: Vec<RedactionPath>,
    /// A file of grants: what stands in its secrets is replaced by their names, wherever it is
    #[arg(long, env = "SYSTEM_BUS_GRANTS", value_name = "FILE")]
    pub(crate) grants: Option<PathBuf>,
    /// A worker's versions folder, which tells the version of the code that the run began with
    #[arg(long, env = "SYSTEM_BUS_VERSIONS", value_name = "DIR")]
    pub(crate) versions: Option<PathBuf>,
}

/// Which file, and against what.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// What `run pull` wrote
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The component [default: the version that the run began with, from the versions folder]
    #[arg(long, value_name = "PATH")]
    pub(crate) component: Option<PathBuf>,
    /// A worker's versions folder, where the version is that the run began with
    #[arg(long, env = "SYSTEM_BUS_VERSIONS", value_name = "DIR")]
    pub(crate) versions: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
}

impl Run {
    /// What it is called in answers.
    pub(crate) fn name(&self) -> &'static str {
        match self.what {
            None => "run",
            Some(What::Pull(_)) => "run pull",
            Some(What::Replay(_)) => "run replay",
        }
    }
}

pub(crate) async fn run(args: Run, json: bool) -> anyhow::Result<ExitCode> {
    match args.what {
        None => show::run(args.show, json).await,
        Some(What::Pull(args)) => pull::run(args, json).await,
        Some(What::Replay(args)) => replay::run(args, json).await,
    }
}
