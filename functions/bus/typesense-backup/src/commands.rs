//! The programs that are run.

use outside::{Exit, Program};
use system_bus_sdk::prelude::*;

use crate::paths;
use crate::settings::{Place, Settings};

const NAMESPACE: &str = "joelclaw";
const POD: &str = "typesense-0";

/// Runs programs for one step.
pub(crate) struct Commands<'a> {
    pub(crate) io: &'a Io,
    pub(crate) settings: Settings,
}

impl<'a> Commands<'a> {
    pub(crate) fn of(io: &'a Io) -> Self {
        Self { io, settings: Settings::of(&|key: &str| io.config(key)) }
    }

    /// Runs a program, whatever comes of it.
    pub(crate) async fn run(&self, program: &str, arguments: &[&str]) -> Result<Exit> {
        Ok(Program::new(program).args(arguments.iter().copied()).end(self.io).await?)
    }

    /// Runs a program that has to succeed.
    pub(crate) async fn must(&self, program: &str, arguments: &[&str]) -> Result<Exit> {
        let what = format!("{program} {}", arguments.join(" "));
        ok(self.run(program, arguments).await?, &what)
    }

    /// Runs a program where the snapshots are.
    pub(crate) async fn at_source(&self, program: &str, arguments: &[&str]) -> Result<Exit> {
        match self.settings.place {
            Place::Local => self.run(program, arguments).await,
            Place::Pod => {
                let mut words = vec!["exec", "-n", NAMESPACE, POD, "--", program];
                words.extend(arguments);
                self.run("kubectl", &words).await
            }
        }
    }

    /// Runs a program on the NAS.
    pub(crate) async fn on_nas(&self, arguments: &[&str]) -> Result<Exit> {
        let flags = self.settings.ssh_flags.iter().map(String::as_str);
        let words: Vec<&str> = flags
            .chain([self.settings.ssh_host.as_str()])
            .chain(arguments.iter().copied())
            .collect();
        self.run("ssh", &words).await
    }

    /// Empties the stage of a snapshot; where it is. It stays there whatever becomes of the settings.
    pub(crate) async fn prepare(&self, stamp: &str) -> Result<String> {
        let stage = paths::stage(&self.settings.stage_root, stamp);
        let _ = self.must("rm", &["-rf", &stage]).await?;
        let _ = self.must("mkdir", &["-p", &stage]).await?;
        Ok(stage)
    }

    /// Copies a snapshot to the stage; an empty one is none.
    pub(crate) async fn copy(&self, snapshot: &str, stage: &str) -> Result<()> {
        let _ = match self.settings.place {
            Place::Pod => {
                let from = format!("{POD}:{snapshot}/.");
                self.must("kubectl", &["cp", "-n", NAMESPACE, &from, stage]).await?
            }
            Place::Local => {
                let line = ["-a", &format!("{snapshot}/"), &format!("{stage}/")];
                // The router knows by these words that another run would fail as well.
                let what = format!("copy failed: rsync {}", line.join(" "));
                ok(self.run("rsync", &line).await?, &what)?
            }
        };
        let found = self.must("find", &[stage, "-mindepth", "1", "-print", "-quit"]).await?;
        if found.stdout.trim().is_empty() {
            return Err(Error::retry(format!("no files staged at {stage}")));
        }
        Ok(())
    }
}

/// An error unless the program succeeded; `what` says what it was to do.
pub(crate) fn ok(exit: Exit, what: &str) -> Result<Exit> {
    match problem(&exit, what) {
        None => Ok(exit),
        Some(problem) => Err(Error::retry(problem).named("ProgramFailed")),
    }
}

/// What went wrong, in the program's own words.
pub(crate) fn problem(exit: &Exit, what: &str) -> Option<String> {
    if exit.code == 0 {
        return None;
    }
    let words = if exit.stderr.trim().is_empty() { &exit.stdout } else { &exit.stderr };
    let words: String = words.trim().chars().take(400).collect();
    Some(format!("{what} failed (exit {}): {words}", exit.code))
}
