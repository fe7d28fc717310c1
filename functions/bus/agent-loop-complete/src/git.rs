//! Git, in the checkout or in the worktree of a loop.

use outside::{Exit, Program};
use system_bus_sdk::prelude::*;

use crate::place::{PROJECTS, Place};

/// Git in the checkout.
pub(crate) fn git<'a>(place: &Place, arguments: impl IntoIterator<Item = &'a str>) -> Program {
    Program::new("git").args(arguments).folder(PROJECTS, &place.project)
}

/// What git says; another code than 0 fails the step.
pub(crate) async fn said(io: &Io, program: Program) -> Result<String> {
    Ok(program.run(io).await?.text().trim().to_owned())
}

/// Whether git says yes: the codes 0 and 1 are answers, any other fails the step.
pub(crate) async fn holds(io: &Io, program: Program) -> Result<Option<String>> {
    let line = program.line();
    match program.exit(io).await? {
        Exit { code: 0, stdout, .. } => Ok(Some(stdout.trim().to_owned())),
        Exit { code: 1, .. } => Ok(None),
        exit => Err(failed(&line, &exit)),
    }
}

/// The error of a program whose code is no answer.
pub(crate) fn failed(line: &str, exit: &Exit) -> Error {
    let words: String = last_words(&exit.stderr);
    Error::retry(format!("`{line}` ended with the code {}: {words}", exit.code))
        .named("ProgramFailed")
}

/// The last line that a program wrote.
pub(crate) fn last_words(text: &str) -> String {
    let last = text.trim_end().lines().last().unwrap_or("it said nothing");
    last.chars().take(400).collect()
}
