//! Programs.

use std::time::Duration;

use system_bus_sdk::Io;
use system_bus_sdk::shell::{Ending, Output, ShellError};

/// A program with its arguments, not yet run.
#[must_use = "nothing is run before `run`, `exit` or `end`"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    name: String,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    folder: Option<(String, String)>,
    input: Vec<u8>,
    within: Option<Duration>,
}

/// How a program ended, where every code is an answer.
#[must_use = "another code than 0 is no success"]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its code; 124 where its time was over. [`Program::end`] knows more of them.
    pub code: i32,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
}

impl Program {
    /// The program that the operator grants under this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            arguments: Vec::new(),
            variables: Vec::new(),
            folder: None,
            input: Vec::new(),
            within: None,
        }
    }

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

    /// A variable of its environment.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Where it runs: a granted root, and a folder in it.
    pub fn folder(mut self, root: impl Into<String>, path: impl Into<String>) -> Self {
        self.folder = Some((root.into(), path.into()));
        self
    }

    /// What it reads from its standard input.
    pub fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// The longest it may run.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = Some(time);
        self
    }

    /// The name under which it is granted.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its arguments.
    pub fn arguments(&self) -> &[String] {
        &self.arguments
    }

    /// The variables that were added.
    pub fn variables(&self) -> &[(String, String)] {
        &self.variables
    }

    /// The root and the folder where it runs.
    pub fn place(&self) -> Option<(&str, &str)> {
        self.folder.as_ref().map(|(root, path)| (root.as_str(), path.as_str()))
    }

    /// What it reads.
    pub fn given(&self) -> &[u8] {
        &self.input
    }

    /// How long it may run.
    pub fn time(&self) -> Option<Duration> {
        self.within
    }

    /// The name and the arguments in one line, for people and tests.
    pub fn line(&self) -> String {
        let words: Vec<&str> = [self.name.as_str()]
            .into_iter()
            .chain(self.arguments.iter().map(String::as_str))
            .collect();
        words.join(" ")
    }

    /// Runs it to its end. Another code than 0 is an error.
    pub async fn run(self, io: &Io) -> Result<Output, ShellError> {
        run(self, io).await
    }

    /// Runs it to its end. Every code is an answer; what did not run is an error.
    pub async fn exit(self, io: &Io) -> Result<Exit, ShellError> {
        let (code, output) = match self.run(io).await {
            Ok(output) => (0, output),
            Err(ShellError::Failed { ending: Ending::Exited(code), output, .. }) => (code, output),
            Err(ShellError::Failed { ending: Ending::Late, output, .. }) => (124, output),
            Err(error) => return Err(error),
        };
        Ok(Exit::of(code, &output))
    }

    /// Runs it to its end, where signals and the host's limits are answers too. What did not run is an error.
    ///
    /// A signal is 128 and its number, 124 that its time was over, 125 that it wrote or started more than it may. With
    /// the last two its standard error ends with what happened.
    pub async fn end(self, io: &Io) -> Result<Exit, ShellError> {
        Exit::of_any(self.run(io).await)
    }
}

impl Exit {
    fn of(code: i32, output: &Output) -> Self {
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Self { code, stdout: output.text(), stderr }
    }

    fn of_any(ran: Result<Output, ShellError>) -> Result<Self, ShellError> {
        let (ending, output) = match ran {
            Ok(output) => return Ok(Self::of(0, &output)),
            Err(ShellError::Failed { ending, output, .. }) => (ending, output),
            Err(error) => return Err(error),
        };
        let code = match ending {
            Ending::Exited(code) => code,
            Ending::Killed(signal) => 128 + signal,
            Ending::Late => 124,
            _ => 125,
        };
        let mut exit = Self::of(code, &output);
        if matches!(code, 124 | 125) {
            exit.stderr = format!("{}\nit {ending}", exit.stderr);
        }
        Ok(exit)
    }
}

#[cfg(target_family = "wasm")]
async fn run(program: Program, io: &Io) -> Result<Output, ShellError> {
    let mut command = io.shell().program(program.name).args(program.arguments).input(program.input);
    for (name, value) in program.variables {
        command = command.env(name, value);
    }
    if let Some((root, path)) = program.folder {
        command = command.folder(root, path);
    }
    if let Some(time) = program.within {
        command = command.within(time);
    }
    command.run().await
}

#[cfg(not(target_family = "wasm"))]
#[expect(clippy::unused_async, reason = "a component waits here")]
async fn run(program: Program, _io: &Io) -> Result<Output, ShellError> {
    crate::testing::run(&program)
}

#[cfg(test)]
mod tests {
    use system_bus_sdk::{Reason, Refused};

    use super::*;

    #[test]
    fn every_end_has_a_code() {
        for (ending, code, stderr) in [
            (Ending::Exited(7), 7, "words"),
            (Ending::Killed(9), 137, "words"),
            (Ending::Late, 124, "words\nit took longer than it may, and was ended"),
            (Ending::Flooded, 125, "words\nit wrote more than it may, and was ended"),
            (Ending::Crowded, 125, "words\nit had more processes than it may, and was ended"),
        ] {
            let output = Output { stdout: b"said".to_vec(), stderr: b"words".to_vec() };
            let ran = Err(ShellError::Failed { program: "p".to_owned(), ending, output });
            let (stdout, stderr) = ("said".to_owned(), stderr.to_owned());
            assert_eq!(Exit::of_any(ran), Ok(Exit { code, stdout, stderr }));
        }
    }

    #[test]
    fn what_did_not_run_has_no_end() {
        let refused = ShellError::Refused(Refused::new(Reason::Denied, "it is not granted"));
        assert_eq!(Exit::of_any(Err(refused.clone())), Err(refused));
    }
}
