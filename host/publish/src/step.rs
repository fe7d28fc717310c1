//! A step: what a person would type, and running that very thing.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// A program with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    program: String,
    args: Vec<String>,
    /// Variables beside ours.
    environment: Vec<(String, String)>,
    /// What it reads, and the words for it: a token is not printed.
    input: Option<(String, &'static str)>,
}

impl Step {
    pub(crate) fn new(program: &str, args: &[&str]) -> Self {
        let args = args.iter().map(|&it| it.to_owned()).collect();
        Self { program: program.to_owned(), args, environment: Vec::new(), input: None }
    }

    pub(crate) fn with(mut self, name: &str, value: &std::path::Path) -> Self {
        self.environment.push((name.to_owned(), value.display().to_string()));
        self
    }

    /// It reads this; a person is told `words` instead.
    pub(crate) fn reading(mut self, input: String, words: &'static str) -> Self {
        self.input = Some((input, words));
        self
    }

    /// As a line for a shell.
    pub(crate) fn words(&self) -> String {
        let variables =
            self.environment.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let args = self.args.iter().map(|arg| quoted(arg));
        let command: Vec<_> = variables.chain([self.program.clone()]).chain(args).collect();
        match &self.input {
            Some((_, words)) => format!("{words} | {}", command.join(" ")),
            None => command.join(" "),
        }
    }

    /// Runs it; answers with what it wrote. What it writes to the standard error is seen as it comes.
    pub(crate) async fn run(&self) -> anyhow::Result<String> {
        let what = || format!("`{}`", self.words());
        let mut command = Command::new(&self.program);
        command.args(&self.args).envs(self.environment.iter().cloned());
        command.stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() });
        // When this is dropped, by Ctrl-C, it ends too.
        command.stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
        let mut child = command.spawn().with_context(what)?;
        if let (Some((input, _)), Some(mut pipe)) = (&self.input, child.stdin.take()) {
            // A program that does not want it says why itself.
            drop(pipe.write_all(input.as_bytes()).await);
        }
        let output = child.wait_with_output().await.with_context(what)?;
        if !output.status.success() {
            bail!("{} has failed ({})", what(), output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Where a program is, on the path.
pub(crate) fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|it| it.is_file())
}

/// Fails where one of these programs is not there.
pub(crate) fn need(programs: &[&str]) -> anyhow::Result<()> {
    let missing: Vec<_> = programs.iter().filter(|it| found(it).is_none()).copied().collect();
    if !missing.is_empty() {
        bail!("not found on the path: {}; install them, or see --print", missing.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_what_a_person_types() {
        let step = Step::new("docker", &["login", "a b", "it's"])
            .with("DOCKER_CONFIG", std::path::Path::new("/tmp/x"))
            .reading("secret".to_owned(), "gh auth token");
        let words = "gh auth token | DOCKER_CONFIG=/tmp/x docker login 'a b' 'it'\\''s'";
        assert_eq!(step.words(), words);
    }
}
