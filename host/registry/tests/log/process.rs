//! Other processes: this test program once more, with one job.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const JOB: &str = "REGISTRY_TEST_JOB";
/// What a child tells stands between other output of the test program.
const MARK: &str = "told:";
const ARGUMENTS: [&str; 5] = ["child", "--exact", "--ignored", "--nocapture", "--test-threads=1"];

/// What a child is to do.
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) dir: PathBuf,
    pub(crate) argument: String,
}

/// The job of this process; `None` where it is no child.
pub(crate) fn job() -> Option<Job> {
    let job = env::var(JOB).ok()?;
    let mut parts = job.splitn(3, '|').map(str::to_owned);
    let (name, dir, argument) = (parts.next()?, parts.next()?, parts.next()?);
    Some(Job { name, dir: dir.into(), argument })
}

/// Tells the parent, as a child.
pub(crate) fn tell(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{MARK}{text}").and_then(|()| out.flush()).expect("the parent listens");
}

fn command(mut command: Command, job: &str, dir: &Path, argument: &str) -> Command {
    command.env(JOB, format!("{job}|{}|{argument}", dir.display()));
    command.stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

fn program() -> PathBuf {
    env::current_exe().expect("this program")
}

/// Starts a child.
pub(crate) fn start(job: &str, dir: &Path, argument: &str) -> Child {
    let mut this = Command::new(program());
    this.args(ARGUMENTS);
    command(this, job, dir, argument).spawn().expect("a child")
}

/// Waits for its end, and returns what it told.
pub(crate) fn ends_well(child: Child) -> Vec<String> {
    let output = child.wait_with_output().expect("its end");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    text.lines().filter_map(|line| line.strip_prefix(MARK).map(str::to_owned)).collect()
}

/// Starts a child, kills it when it has told so many things, and returns all that it told.
pub(crate) fn killed(job: &str, dir: &Path, argument: &str, after: usize) -> Vec<String> {
    let mut child = start(job, dir, argument);
    let out = BufReader::new(child.stdout.take().expect("its output"));
    let mut told = Vec::new();
    for line in out.lines().map_while(Result::ok) {
        told.extend(line.strip_prefix(MARK).map(str::to_owned));
        if told.len() == after {
            child.kill().expect("killed");
        }
    }
    assert!(!child.wait().expect("its end").success() && told.len() >= after);
    told
}

/// Runs a child whose files may not grow beyond a few blocks: what it writes beyond that is an error.
#[cfg(unix)]
pub(crate) fn without_room(job: &str, dir: &Path, argument: &str) -> Vec<String> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg("trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"");
    shell.arg(program()).args(ARGUMENTS);
    ends_well(command(shell, job, dir, argument).spawn().expect("a shell"))
}
