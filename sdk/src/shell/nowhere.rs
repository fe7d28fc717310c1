//! A native build has no host, and so no programs.

use super::{Command, Output, ShellError};
use crate::refusal::Refused;

pub(super) fn run(command: Command) -> Result<Output, ShellError> {
    // What a host would be told.
    let Command { program, arguments: _, variables: _, folder: _, input: _, within: _ } = command;
    Err(ShellError::Refused(Refused::without_host(&format!("program `{program}`"))))
}
