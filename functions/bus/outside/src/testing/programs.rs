//! Programs that a test answers for.

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
