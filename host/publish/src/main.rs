//! `publish`: the image and the components of system-bus, built, pushed, rolled out on a Kubernetes cluster, looked at, and
//! rolled back where they fail (R69–R72, R85, R88).
//!
//! | module | what it does |
//! | --- | --- |
//! | `cli` | the words of the command line |
//! | `image` | a new image: its steps, run or printed |
//! | `components` | components without a new image, and the release that names them |
//! | `rollback` | an earlier image |
//! | `step` | a step: what a person would type, and running it |
//! | `login` | a Docker configuration that is thrown away |
//! | `render` | manifests, with the image in them |
//! | `rolling` | whether a roll-out has come to its end |
//! | `probe` | what a pod says of itself |
//! | `journal` | what was published when |

mod cli;
mod components;
mod deploy;
mod image;
mod journal;
mod login;
mod probe;
mod render;
mod rollback;
mod rolling;
mod say;
mod step;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};

/// How a command has ended other than well.
#[derive(Debug)]
enum Ended {
    /// It failed, and what ran before runs on.
    Failed(anyhow::Error),
    /// It failed, and nobody knows what runs now.
    Unknown(anyhow::Error),
}

impl From<anyhow::Error> for Ended {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(error)
    }
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return say::usage(&error),
    };
    // Whoever makes a client for HTTPS needs it.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return say::ended(cli.json, "publish", &Ended::Failed(error.into())),
    };
    let (json, name) = (cli.json, cli.command.name());
    let result = runtime.block_on(async {
        let work = async {
            match cli.command {
                Command::Image(args) => image::run(*args, json).await,
                Command::Components(args) => components::run(args, json).await,
                Command::Rollback(args) => rollback::run(args, json).await,
                Command::Log(args) => journal::show(&args, json).map_err(Ended::from),
            }
        };
        tokio::select! {
            result = work => result,
            // What was made for this run is removed as its values are dropped.
            _ = tokio::signal::ctrl_c() => Err(Ended::Unknown(anyhow::anyhow!(
                "stopped by hand; `--print` shows each step, so that the rest can be done by hand too"
            ))),
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(ended) => say::ended(json, name, &ended),
    }
}
