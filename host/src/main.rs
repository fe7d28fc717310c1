//! `system-bus`: a worker for the Inngest durable-execution server whose functions are WebAssembly components.

mod answer;
mod asking;
mod cli;
mod config;
mod creating;
mod diagnosis;
mod editing;
mod elsewhere;
mod granting;
mod local;
mod operate;
mod records;
mod release;
mod service;
mod serving;
mod shutdown;
mod supervisor;
mod telemetry;
mod terminal;
mod webhooks;
mod workspace;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::cli::{Cli, Command};

/// How many threads may wait for files at once.
const BLOCKING: usize = 16;

/// How long the last records may take to the disk, and the last spans to their collector.
const LAST: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return answer::usage(&error),
    };
    if let Some(file) = &cli.config
        && let Err(error) = config::take(file, cli.command.name())
    {
        return answer::failed(cli.json, cli.command.name(), &error);
    }
    let telemetry = telemetry::start(&cli.logs, &cli.command);
    if let Command::Compile = cli.command {
        // Before there are threads.
        return cli::compile::run()
            .unwrap_or_else(|error| answer::failed(false, "compile", &error));
    }
    if let Command::Launch = cli.command {
        return cli::launch::run().unwrap_or_else(|error| answer::failed(false, "launch", &error));
    }
    // Whoever makes a client for HTTPS needs it; somebody else may have been first.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        // Reading and checking files is what blocks: more threads would not be faster, and each keeps memory.
        .max_blocking_threads(BLOCKING)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return answer::failed(cli.json, cli.command.name(), &error.into()),
    };
    let name = cli.command.name();
    let result = runtime.block_on(async {
        match cli.command {
            Command::Demo(args) => cli::demo::run(args, cli.json).await,
            Command::Dev(args) => cli::dev::run(args, cli.json).await,
            Command::Worker(args) => cli::worker::run(*args, cli.json).await,
            Command::Engine(args) => cli::engine::run(args, cli.json).await,
            Command::Gateway(args) => cli::gateway::run(args, cli.json).await,
            Command::Webhooks(args) => cli::webhooks::run(args, cli.json).await,
            Command::New(args) => cli::new::run(args, cli.json),
            Command::Build(args) => cli::build::run(args, cli.json).await,
            // Answered above.
            Command::Functions(args) => cli::functions::run(args, cli.json).await,
            Command::Reload(args) => cli::reload::run(args, cli.json).await,
            Command::Generations(args) => cli::generations::run(args, cli.json).await,
            Command::Plan(args) => cli::plan::run(args, cli.json).await,
            Command::Rollback(args) => cli::rollback::run(args, cli.json).await,
            Command::Status(args) => cli::status::run(args, cli.json).await,
            Command::Runs(args) => cli::runs::run(args, cli.json).await,
            Command::Run(args) => cli::run::run(args, cli.json).await,
            Command::Events(args) => cli::events::run(args, cli.json).await,
            Command::Event(args) => cli::events::one(args, cli.json).await,
            Command::Send(args) => cli::send::run(args, cli.json).await,
            Command::Grants(args) => cli::grants::run(args, cli.json).await,
            Command::Compile => cli::compile::run(),
            Command::Launch => cli::launch::run(),
            Command::Inspect(args) => cli::inspect::run(args, cli.json).await,
            Command::Service(args) => cli::service::run(args, cli.json),
            Command::Doctor(args) => cli::doctor::run(args, cli.json).await,
            Command::Otel(args) => cli::otel::run(args, cli.json),
            Command::Inngest(args) => cli::inngest::run(args, cli.json).await,
            Command::Loop(args) => cli::loops::run(args, cli.json).await,
            Command::Refresh(args) => cli::refresh::run(args, cli.json).await,
            Command::Completions(args) => Ok(cli::shell::completions(&args, cli.json)),
            Command::Man(args) => cli::shell::man(&args, cli.json),
        }
    });
    telemetry.flush(LAST);
    match result {
        Ok(code) => code,
        Err(error) => answer::failed(cli.json, name, &error),
    }
}
