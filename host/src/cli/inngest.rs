//! `inngest`: the server and its worker, as whoever heals them looks at them and mends them.

mod restart;
mod status;

use std::process::ExitCode;

use clap::{Args, Subcommand};

/// What is asked or done.
#[derive(Debug, Args)]
pub(crate) struct Inngest {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Whether the server and its workers are well, and what they have; exit with 1 where one is not
    Status(super::status::Status),
    /// Have the supervisor start the worker anew; steps that run are ended first, and no run is lost
    RestartWorker(restart::RestartWorker),
}

impl Inngest {
    /// What it is called in answers.
    pub(crate) fn name(&self) -> &'static str {
        match self.what {
            What::Status(_) => "inngest status",
            What::RestartWorker(_) => "inngest restart-worker",
        }
    }
}

pub(crate) async fn run(args: Inngest, json: bool) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Status(status) => status::run(status, json).await,
        What::RestartWorker(restart) => restart::run(restart, json).await,
    }
}
