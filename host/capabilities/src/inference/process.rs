//! Running a command to its end, whatever it starts.
//!
//! Its input comes from a file and its output goes to files. With pipes, waiting for their end would wait for everything
//! that the command has left running with them open.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

/// How often the size of the output is looked at.
const LOOK: Duration = Duration::from_millis(50);

/// What to run.
pub(super) struct Script {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// The whole environment.
    pub(super) environment: Vec<(&'static str, OsString)>,
    pub(super) input: String,
    /// The most bytes that may come out of either output.
    pub(super) largest: u64,
}

/// What came out.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) output: String,
    pub(super) errors: String,
}

/// Why there is nothing that came out.
#[derive(Debug, thiserror::Error)]
pub(super) enum ScriptError {
    #[error("cannot be started: {0}")]
    Start(std::io::Error),
    #[error("wrote more than {0} bytes, and was stopped")]
    TooLarge(u64),
    #[error("could not be waited for: {0}")]
    Io(#[from] std::io::Error),
}

/// A process and all that it starts. They end with this.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        // That nobody of it is left is no failure.
        self.0.map(|pid| kill_process_group(pid, Signal::KILL).ok());
    }
}

impl Script {
    /// Runs it. Dropping the future kills the process and everything in its group.
    pub(super) async fn run(self) -> Result<Ended, ScriptError> {
        // Files without a name: they go away with the last who has them open.
        let input = self.input;
        let files = move || {
            let mut given = tempfile::tempfile()?;
            given.write_all(input.as_bytes())?;
            given.rewind()?;
            Ok::<_, std::io::Error>((given, tempfile::tempfile()?, tempfile::tempfile()?))
        };
        let (given, output, errors) = blocking(files).await?;
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(self.environment)
            .current_dir(std::env::temp_dir())
            .stdin(given)
            .stdout(Stdio::from(output.try_clone()?))
            .stderr(Stdio::from(errors.try_clone()?))
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().map_err(ScriptError::Start)?;
        let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let group = Group(pid);
        let mut look = tokio::time::interval(LOOK);
        let status = loop {
            tokio::select! {
                status = child.wait() => break status?,
                _ = look.tick() => within(&[&output, &errors], self.largest)?,
            }
        };
        drop(group);
        within(&[&output, &errors], self.largest)?;
        blocking(move || Ok(Ended { status, output: text(output)?, errors: text(errors)? })).await
    }
}

/// Whether none of these files is too large.
fn within(files: &[&File], largest: u64) -> Result<(), ScriptError> {
    for file in files {
        if file.metadata()?.len() > largest {
            return Err(ScriptError::TooLarge(largest));
        }
    }
    Ok(())
}

fn text(mut file: File) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, ScriptError> {
    let worked = tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?;
    Ok(worked?)
}
