//! Programs that a test answers for.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use system_bus_sdk::shell::{Ending, Output, ShellError};
use system_bus_sdk::{Reason, Refused};

use super::with;
use crate::Program;

pub(super) type Ran = Result<Output, ShellError>;

/// What a program says that succeeds.
pub fn said(stdout: impl Into<String>) -> Ran {
    Ok(Output { stdout: stdout.into().into_bytes(), stderr: Vec::new() })
}

/// What comes of a program that ends with this code.
pub fn ended(program: &str, code: i32, stderr: &str) -> Ran {
    failed(program, Ending::Exited(code), stderr)
}

/// What comes of a program whose time is over.
pub fn late(program: &str) -> Ran {
    failed(program, Ending::Late, "")
}

/// Runs a program of this machine, in the folder that stands for its root.
pub fn really(program: &Program, roots: &[(&str, &Path)]) -> Ran {
    let refused = |message: String| ShellError::Refused(Refused::new(Reason::Missing, message));
    let mut command = Command::new(program.name());
    command.args(program.arguments()).envs(program.variables().iter().cloned());
    if let Some((root, path)) = program.place() {
        let found = roots.iter().find(|(name, _)| *name == root);
        let folder = found.map(|(_, folder)| folder.join(path)).filter(|folder| folder.is_dir());
        let folder = folder.ok_or_else(|| refused(format!("there is no folder {root}:{path}")))?;
        command.current_dir(folder);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|problem| refused(problem.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input is none of our business.
        let _ = stdin.write_all(program.given());
    }
    let ran = child.wait_with_output().map_err(|problem| refused(problem.to_string()))?;
    let output = Output { stdout: ran.stdout, stderr: ran.stderr };
    if ran.status.success() {
        return Ok(output);
    }
    let ending = ran.status.code().map_or(Ending::Killed(9), Ending::Exited);
    Err(ShellError::Failed { program: program.name().to_owned(), ending, output })
}

fn failed(program: &str, ending: Ending, stderr: &str) -> Ran {
    let output = Output { stdout: Vec::new(), stderr: stderr.as_bytes().to_vec() };
    Err(ShellError::Failed { program: program.to_owned(), ending, output })
}

pub(crate) fn run(program: &Program) -> Ran {
    let answer = with(|state| {
        state.ran.push(program.clone());
        state.program.clone()
    });
    let denied = || {
        let message = format!("the test answers for no programs, and `{}` was run", program.line());
        Err(ShellError::Refused(Refused::new(Reason::Denied, message)))
    };
    // The state is free meanwhile: a program of a test may put files there.
    answer.map_or_else(denied, |answer| answer(program))
}
