//! Ending a build that is under way, with everything it has started.

use std::process::{Child, Command};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Ends a build from elsewhere. Clones end the same one.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    stopped: bool,
    #[cfg(unix)]
    group: Option<rustix::process::Pid>,
}

impl Stop {
    /// Ends it: cargo and every compiler it runs. Harmless when it has ended by itself; what begins later ends at once.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        #[cfg(unix)]
        if let Some(group) = state.group.take() {
            // It may have ended in this moment; then there is nothing to end.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }

    /// Whether it was ended.
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Starts a program in a group of its own; none when it was ended before it began.
    pub(crate) fn spawn(&self, command: &mut Command) -> std::io::Result<Option<Child>> {
        let mut state = self.lock();
        if state.stopped {
            return Ok(None);
        }
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command.spawn()?;
        #[cfg(unix)]
        {
            state.group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
        }
        Ok(Some(child))
    }

    /// The program is about to be waited for: from then on its number may belong to another one.
    pub(crate) fn release(&self) {
        #[cfg(unix)]
        {
            self.lock().group = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Read;
    use std::process::Stdio;

    use super::*;

    #[test]
    fn what_a_program_has_started_ends_with_it() {
        let stop = Stop::default();
        let mut shell = Command::new("sh");
        // The second one keeps the pipe open for as long as it lives.
        shell.args(["-c", "sleep 600 & echo up; wait"]).stdout(Stdio::piped());
        let mut child = stop.spawn(&mut shell).expect("a shell").expect("not ended yet");
        let mut stdout = child.stdout.take().expect("its output is ours");
        let mut up = [0; 3];
        stdout.read_exact(&mut up).expect("it is up");
        stop.stop();
        let mut rest = Vec::new();
        stdout.read_to_end(&mut rest).expect("both have ended");
        assert!(!child.wait().expect("our own child").success());
        assert!(stop.is_stopped());
        assert!(stop.spawn(&mut Command::new("true")).expect("no fault").is_none());
    }
}
