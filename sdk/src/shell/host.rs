//! The host's function. It is called from one place, so that only a component that runs programs imports it.

use super::{Command, Ending, Output, ShellError};
use crate::guest::bindings::system_bus::durable::shell;

pub(super) fn run(command: Command) -> Result<Output, ShellError> {
    let program = command.program.clone();
    let within = command.within.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let answer = shell::run(&shell::Command {
        program: command.program,
        arguments: command.arguments,
        variables: command.variables,
        folder: command.folder,
        input: command.input,
        within,
    });
    match answer {
        Ok(written) => Ok(output(written)),
        Err(shell::Failure::Refused(refusal)) => Err(ShellError::Refused(refusal.into())),
        Err(shell::Failure::Failed(failed)) => Err(ShellError::Failed {
            program,
            ending: match failed.ending {
                shell::Ending::Exited(code) => Ending::Exited(code),
                shell::Ending::Killed(signal) => Ending::Killed(signal),
                shell::Ending::Late => Ending::Late,
                shell::Ending::Flooded => Ending::Flooded,
                shell::Ending::Crowded => Ending::Crowded,
            },
            output: output(failed.output),
        }),
    }
}

fn output(written: shell::Output) -> Output {
    Output { stdout: written.standard_output, stderr: written.standard_error }
}
