//! Configuration from a file and the environment, parsed before anything is bound.

mod connect;
mod file;
pub(crate) mod inngest;
mod instance;

use std::path::Path;
use std::process::Command;

use clap::CommandFactory;

pub(crate) use self::connect::transport;
pub(crate) use self::inngest::{Events, Inngest};
use crate::cli::Cli;

/// Set where the file was read already: its settings are in the environment.
const TAKEN: &str = "SYSTEM_BUS_CONFIG_TAKEN";

/// Begins this program anew with the settings of a file in its environment, unless that was done. Returns where there is
/// nothing more to do, or with what is wrong.
///
/// Becoming oneself is how a variable is set for all that is parsed from it, defaults and all, before there is a thread that
/// might read another.
pub(crate) fn take(file: &Path, command: &str) -> anyhow::Result<()> {
    if std::env::var_os(TAKEN).is_some_and(|taken| *taken == *file.as_os_str()) {
        return Ok(());
    }
    let table = command.split(' ').next().unwrap_or_default();
    let variables = file::variables(file, &Cli::command(), table)?;
    let unset = variables.into_iter().filter(|(name, _)| std::env::var_os(name).is_none());
    let mut again = Command::new(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1)).envs(unset).env(TAKEN, file);
    Err(become_it(again).into())
}

#[cfg(unix)]
fn become_it(mut command: Command) -> std::io::Error {
    use std::os::unix::process::CommandExt as _;

    command.exec()
}

#[cfg(not(unix))]
fn become_it(_command: Command) -> std::io::Error {
    std::io::Error::other("a file of settings needs a system that can begin a program anew")
}
