//! One program, from its start to its end or its time.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use cap_std::fs::Dir;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::process::Command;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::launch::{Ended, GRACE, Launcher, Order, Word, in_session};
use super::output::{Flooded, Gathered, Stream};
use crate::bindings::system_bus::durable::shell::{Ending, Failed, Output};
use crate::refusal::{Reason, Refusal};

/// How long the launcher may take beyond the grace of its program.
const LAUNCHER: Duration = Duration::from_millis(1500);

/// How long what a program wrote may still come once it has ended.
const REST: Duration = Duration::from_millis(300);

/// How long what a killed launcher has left may take to be gone.
const ABANDONED: Duration = Duration::from_millis(500);

/// What came of a program.
pub(crate) enum Came {
    Succeeded(Output),
    Failed(Failed),
    Refused(Refusal),
}

/// Runs what is ordered in a folder, at most until then. Dropped, it closes the launcher's socket, and the launcher ends
/// everything.
pub(crate) async fn run(
    launcher: &Launcher,
    folder: &Dir,
    order: &Order,
    input: Vec<u8>,
    until: Instant,
    gathered: Gathered,
) -> Came {
    match attempt(launcher, folder, order, input, until, &gathered).await {
        Err(refusal) => Came::Refused(refusal),
        Ok(None) => Came::Succeeded(gathered.take()),
        Ok(Some(ending)) => Came::Failed(Failed { ending, output: gathered.take() }),
    }
}

/// How it ended, where it did not succeed.
async fn attempt(
    launcher: &Launcher,
    folder: &Dir,
    order: &Order,
    input: Vec<u8>,
    until: Instant,
    gathered: &Gathered,
) -> Result<Option<Ending>, Refusal> {
    let mut bytes = order.encode()?;
    bytes.extend(input);
    let (ours, theirs) = StdStream::pair().map_err(|error| unavailable(launcher, &error))?;
    ours.set_nonblocking(true).map_err(|error| unavailable(launcher, &error))?;
    let mut command = Command::new(&launcher.program);
    command.args(&launcher.arguments).env_clear();
    command.current_dir(place(folder).map_err(|error| unavailable(launcher, &error))?);
    command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| unavailable(launcher, &error))?;
    let leader = child.id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
    // Dropped behind the socket, whose end is what it has to see.
    let mut going = Going(leader);
    // It holds the launcher's side of the socket too.
    drop(command);
    let ours = UnixStream::from_std(ours).map_err(|error| unavailable(launcher, &error))?;
    let (hears, mut says) = ours.into_split();
    let mut words = BufReader::new(hears).lines();

    let (output, error) = (child.stdout.take(), child.stderr.take());
    let mut reading = pin!(async {
        let output = async { read(gathered, Stream::Output, output).await };
        let error = async { read(gathered, Stream::Error, error).await };
        tokio::try_join!(output, error).map(drop)
    });
    let group = AtomicI32::new(0);
    let mut last = pin!(last_word(&mut words, &group));
    // Input may be long, and a launcher need not take all of it.
    let mut writing = Box::pin(says.write_all(&bytes));
    let (mut read_all, mut written) = (false, false);
    let mut stopped = None;
    let mut word = None;
    while word.is_none() && stopped.is_none() {
        tokio::select! {
            said = &mut last => word = Some(said),
            done = &mut reading, if !read_all => {
                read_all = true;
                if let Err(Flooded) = done {
                    stopped = Some(Ending::Flooded);
                }
            }
            _ = &mut writing, if !written => written = true,
            () = sleep_until(until) => stopped = Some(Ending::Late),
        }
    }
    drop(writing);
    if word.is_none() {
        // Half closed, the socket is the launcher's sign to make an end, and still tells which one.
        // An error means that it is gone.
        drop(says.shutdown().await);
        let limit = Instant::now() + GRACE + LAUNCHER;
        while word.is_none() {
            tokio::select! {
                said = &mut last => word = Some(said),
                _ = &mut reading, if !read_all => read_all = true,
                () = sleep_until(limit) => break,
            }
        }
    }
    if !read_all {
        // Whoever left its group may still hold the stream open; nobody waits for that.
        if let Ok(Err(Flooded)) = timeout(REST, reading).await {
            stopped.get_or_insert(Ending::Flooded);
        }
    }
    let word = word.flatten();
    if word.is_none() {
        // The launcher is gone or stuck, and nobody else is left who would do it. Not waited for yet, so that its number
        // is nobody else's.
        drop(child.start_kill());
        abandoned(leader, Pid::from_raw(group.load(Ordering::Relaxed))).await;
    }
    match timeout(REST, child.wait()).await {
        Ok(_) => going.0 = None,
        // It is reaped when it has gone.
        Err(_) => drop(child.start_kill()),
    }
    match (stopped, word) {
        (_, Some(Word::Refused { missing, message })) => {
            let reason = if missing { Reason::Missing } else { Reason::Failed };
            Err(Refusal::new(reason, message))
        }
        (Some(ending), _) => Ok(Some(ending)),
        (None, Some(Word::Ended(ended))) => Ok(match ended {
            Ended::Exited(0) => None,
            Ended::Exited(code) => Some(Ending::Exited(code)),
            Ended::Killed(signal) => Some(Ending::Killed(signal)),
            Ended::Crowded => Some(Ending::Crowded),
        }),
        (None, _) => {
            let what = "the launcher has ended before its program; what became of it is not known";
            Err(Refusal::new(Reason::Failed, what))
        }
    }
}

/// A launcher that may have been stopped by its own program: it goes on, to see that it is to make an end.
struct Going(Option<Pid>);

impl Drop for Going {
    fn drop(&mut self) {
        // Nobody has waited for it, so the number is still its own.
        self.0.map(|pid| kill_process(pid, Signal::CONT).ok());
    }
}

/// Ends what a launcher has left that was killed: its program's group, if it is known, and all that is in its session.
async fn abandoned(leader: Option<Pid>, group: Option<Pid>) {
    // That nobody of them is left is no failure.
    group.map(|group| kill_process_group(group, Signal::KILL).ok());
    let Some(leader) = leader else { return };
    let until = Instant::now() + ABANDONED;
    while Instant::now() < until {
        let left = tokio::task::spawn_blocking(move || in_session(leader)).await;
        let left = left.unwrap_or_default();
        if left.is_empty() {
            return;
        }
        for pid in left {
            let _ = kill_process(pid, Signal::KILL);
        }
        sleep(Duration::from_millis(5)).await;
    }
}

async fn read(
    gathered: &Gathered,
    stream: Stream,
    from: Option<impl tokio::io::AsyncRead + Unpin>,
) -> Result<(), Flooded> {
    match from {
        Some(from) => gathered.read(stream, from).await,
        None => Ok(()),
    }
}

/// What a launcher says in the end; on the way it notes the group that it has started.
async fn last_word(words: &mut Lines<BufReader<OwnedReadHalf>>, group: &AtomicI32) -> Option<Word> {
    while let Ok(Some(line)) = words.next_line().await {
        match serde_json::from_str(&line).ok()? {
            Word::Started(number) => group.store(number, Ordering::Relaxed),
            word => return Some(word),
        }
    }
    None
}

fn unavailable(launcher: &Launcher, error: &std::io::Error) -> Refusal {
    let program = launcher.program.display();
    Refusal::unavailable(format!("the launcher {program} cannot be started: {error}"))
}

/// A path that leads to an open folder whatever happens to its name, for a child that has not yet become its program.
#[cfg(target_os = "linux")]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn place(folder: &Dir) -> std::io::Result<PathBuf> {
    use std::os::fd::AsRawFd;
    Ok(format!("/proc/self/fd/{}", folder.as_raw_fd()).into())
}

/// Elsewhere it is where the folder is now; whoever may move it in between is not stopped.
#[cfg(target_vendor = "apple")]
fn place(folder: &Dir) -> std::io::Result<PathBuf> {
    use std::os::unix::ffi::OsStringExt;
    let path = rustix::fs::getpath(folder)?;
    Ok(PathBuf::from(std::ffi::OsString::from_vec(path.into_bytes())))
}
