//! Programs, with their exit codes.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use system_bus_sdk::shell::{Ending, Output, ShellError};
use system_bus_sdk::{Error, Io, Result};

/// The code of a program that took longer than it may, as `timeout` has it.
pub const LATE: i32 = 124;
/// The code of a program that was ended because it wrote, or started, more than it may.
pub const BEYOND: i32 = 125;

/// What came of a program that ran.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a code other than 0 is no success: ask `ok`"]
pub struct Ran {
    /// Its code; [`LATE`] after its time, 128 and the number of a signal that ended it.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ran {
    /// A program that succeeded and said this.
    pub fn saying(stdout: impl Into<String>) -> Self {
        Self { stdout: stdout.into(), ..Self::default() }
    }

    /// A program that failed and said this.
    pub fn failing(code: i32, stderr: impl Into<String>) -> Self {
        Self { code, stderr: stderr.into(), ..Self::default() }
    }

    /// An error unless it succeeded; `what` says what it was to do.
    pub fn ok(self, what: &str) -> Result<Self> {
        if self.code == 0 {
            return Ok(self);
        }
        let words = if self.stderr.trim().is_empty() { &self.stdout } else { &self.stderr };
        let words: String = words.trim().chars().take(400).collect();
        Err(Error::retry(format!("{what} failed (exit {}): {words}", self.code))
            .named("ProgramFailed"))
    }

    fn of(code: i32, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code, stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

/// Runs a program to its end, whatever that is. Fails only where it could not be run.
pub async fn run(
    io: &Io,
    program: &str,
    arguments: &[String],
    within: Option<Duration>,
) -> Result<Ran> {
    #[cfg(not(target_family = "wasm"))]
    if let Some(ran) = native::answered(program, arguments) {
        return Ok(ran);
    }
    let mut command = io.shell().program(program).args(arguments);
    if let Some(within) = within {
        command = command.within(within);
    }
    match command.run().await {
        Ok(output) => Ok(Ran::of(0, &output)),
        Err(ShellError::Failed { ending, output, .. }) => {
            let code = match ending {
                Ending::Exited(code) => code,
                Ending::Killed(signal) => 128 + signal,
                Ending::Late => LATE,
                _ => BEYOND,
            };
            let mut ran = Ran::of(code, &output);
            if matches!(code, LATE | BEYOND) {
                ran.stderr = [&ran.stderr, "\nit ", &ending.to_string()].concat();
            }
            Ok(ran)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_family = "wasm"))]
pub use self::native::stand_in;

/// What answers for programs in a native build.
#[cfg(not(target_family = "wasm"))]
mod native {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::Ran;

    type StandIn = Rc<dyn Fn(&[&str]) -> Ran>;

    thread_local! {
        static STAND_IN: RefCell<Option<StandIn>> = const { RefCell::new(None) };
    }

    /// Answers for the programs of this thread; the first argument is the program.
    pub fn stand_in(answer: impl Fn(&[&str]) -> Ran + 'static) {
        STAND_IN.set(Some(Rc::new(answer)));
    }

    pub(super) fn answered(program: &str, arguments: &[String]) -> Option<Ran> {
        let stand_in = STAND_IN.with_borrow(Clone::clone)?;
        let line: Vec<&str> =
            std::iter::once(program).chain(arguments.iter().map(String::as_str)).collect();
        Some(stand_in(&line))
    }
}
