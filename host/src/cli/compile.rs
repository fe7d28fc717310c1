//! `compile`, hidden: the child in which a worker compiles a component.

use std::process::ExitCode;

use anyhow::Context;

/// Runs before anything starts threads, which would keep the priority of before.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    runtime::compile::serve(std::io::stdin(), &mut std::io::stdout()).context(
        "no component was asked for in the way of a worker; this command is started by `system-bus worker`, not by hand",
    )?;
    Ok(ExitCode::SUCCESS)
}
