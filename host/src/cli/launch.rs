//! `launch`, hidden: the process between the worker and a program that it runs for a component.

use std::process::ExitCode;

/// Runs before anything starts threads: what binds this process binds the program that it starts.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    capabilities::shell::launch::serve(std::io::stdin())?;
    Ok(ExitCode::SUCCESS)
}
