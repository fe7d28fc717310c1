//! Programs, for the bodies of steps.
//!
//! There is no shell in between: a program gets its arguments as they are, and nothing in them is
//! interpreted. Which programs there are, with which arguments, is for the operator to say.

#[cfg(target_family = "wasm")]
mod host;
#[cfg(not(target_family = "wasm"))]
mod nowhere;

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::time::Duration;

#[cfg(target_family = "wasm")]
use self::host as door;
#[cfg(not(target_family = "wasm"))]
use self::nowhere as door;
use crate::error::{Failure, Retry};
use crate::refusal::Refused;

/// Starts programs; see [`Io::shell`](crate::Io::shell).
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// async fn changes(io: &Io) -> Result<String> {
///     let log = io.shell().program("git").args(["log", "--oneline"]).folder("notes", "");
///     Ok(log.run().await?.text())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Shell(());

/// A program with its arguments, not yet run.
#[must_use = "nothing is run before `run`"]
#[derive(Clone, Debug)]
pub struct Command {
    program: String,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    folder: Option<(String, String)>,
    input: Vec<u8>,
    within: Option<Duration>,
}

/// What a program wrote.
#[must_use = "it is why the program was run; `let _ =` says that it is not"]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// To its standard output.
    pub stdout: Vec<u8>,
    /// To its standard error.
    pub stderr: Vec<u8>,
}

/// How a program ended that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// With this code, which is not 0.
    Exited(i32),
    /// By this signal.
    Killed(i32),
    /// By the host, after its time.
    Late,
    /// By the host, because it wrote more than it may.
    Flooded,
    /// By the host, because it had more processes than it may.
    Crowded,
}

/// Why there is no success: `?` stops the step where the program was refused for good, and has it
/// tried again where the program ran and failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShellError {
    /// It did not run.
    Refused(Refused),
    /// It ran, and did not succeed.
    Failed {
        /// The name under which it is granted.
        program: String,
        /// How it ended.
        ending: Ending,
        /// What it wrote until then.
        output: Output,
    },
}

impl Shell {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// The program that the operator grants under this name; never a path.
    pub fn program(&self, name: impl Into<String>) -> Command {
        Command {
            program: name.into(),
            arguments: Vec::new(),
            variables: Vec::new(),
            folder: None,
            input: Vec::new(),
            within: None,
        }
    }
}

impl Command {
    /// One more argument.
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// More arguments.
    pub fn args<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// A variable of its environment, beside those of the grant, which says which may be given. A
    /// placeholder of [`Secrets`](crate::secrets::Secrets) in it becomes the secret where the
    /// operator lets that go to this program.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Where it runs: a granted root, and a folder in it. Without this it is the run's own folder.
    pub fn folder(mut self, root: impl Into<String>, path: impl Into<String>) -> Self {
        self.folder = Some((root.into(), path.into()));
        self
    }

    /// What it reads from its standard input; nothing otherwise. Placeholders of secrets are filled
    /// in, as in [`env`](Self::env); in an argument they are refused.
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// The longest it may run, where that is shorter than what the grant and the step leave.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = Some(time);
        self
    }

    /// Runs it to its end. Everything else in the component waits with it.
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    /// use system_bus_sdk::shell::{Ending, ShellError};
    ///
    /// async fn clean(io: &Io) -> Result<bool> {
    ///     match io.shell().program("git").args(["diff", "--quiet"]).run().await {
    ///         Ok(_) => Ok(true),
    ///         Err(ShellError::Failed { ending: Ending::Exited(1), .. }) => Ok(false),
    ///         Err(error) => Err(error.into()),
    ///     }
    /// }
    /// ```
    #[expect(clippy::unused_async, reason = "a host may let others go on meanwhile one day")]
    pub async fn run(self) -> Result<Output, ShellError> {
        door::run(self)
    }
}

impl Output {
    /// The standard output as text, with U+FFFD for what is none.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
}

impl Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "ended with the code {code}"),
            Self::Killed(signal) => write!(f, "was ended by the signal {signal}"),
            Self::Late => f.write_str("took longer than it may, and was ended"),
            Self::Flooded => f.write_str("wrote more than it may, and was ended"),
            Self::Crowded => f.write_str("had more processes than it may, and was ended"),
        }
    }
}

impl Display for ShellError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Failed { program, ending, output } => {
                write!(f, "the program `{program}` {ending}")?;
                let error = String::from_utf8_lossy(&output.stderr);
                match error.trim_end().lines().last() {
                    Some(line) => write!(f, "; its last words: {line:.400}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for ShellError {}

impl Failure for ShellError {
    fn name(&self) -> Cow<'static, str> {
        match self {
            Self::Refused(refused) => Failure::name(refused),
            Self::Failed { .. } => Cow::Borrowed("ProgramFailed"),
        }
    }

    fn policy(&self) -> Retry {
        match self {
            Self::Refused(refused) => refused.policy(),
            Self::Failed { .. } => Retry::Again,
        }
    }
}
