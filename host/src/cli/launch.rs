//! `launch`, hidden: the process between the worker and a program that it runs for a component.

use std::process::ExitCode;

use anyhow::Context;

/// Runs before anything starts threads: what binds this process binds the program that it becomes.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    capabilities::shell::launch::serve(std::io::stdin()).context(
        "no program was asked for in the way of a worker; this command is started by `system-bus worker`, not by hand",
    )?;
    Ok(ExitCode::SUCCESS)
}
