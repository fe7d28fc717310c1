//! The life of a launcher: an order, a program, and an end for all of it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use protocol::digest::Digest;
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process, kill_process_group};
use sha2::Digest as _;

use super::order::{Ended, Order, Word};
use super::{limits, tree};

/// How long a program that is asked to end may take before it is killed.
pub(crate) const GRACE: Duration = Duration::from_millis(300);

/// How long killed processes may take to be gone.
const GONE: Duration = Duration::from_secs(1);

/// How long a crowd may take to be gone: while it is being ended, it grows.
const CROWD_GONE: Duration = Duration::from_secs(10);

/// How often its processes are counted.
const COUNT: Duration = Duration::from_millis(20);

/// How often processes that are to be gone are looked for.
const AGAIN: Duration = Duration::from_millis(1);

/// Why a launcher could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// There is no worker at the other end.
    #[error(
        "no program was asked for in the way of a worker: {0}. This command is started by a worker, not by hand"
    )]
    Order(io::Error),
    /// The worker cannot be told.
    #[error("the worker cannot be told what became of its program: {0}")]
    Answer(io::Error),
}

/// What a launcher waits for.
enum Event {
    /// The worker wants an end, or has ended itself.
    Stop,
    /// A child has ended.
    Ended(Pid, WaitStatus),
    /// There are no children any more.
    Alone,
}

/// Serves one order, read from this socket. Returns when the program and what it started have ended.
///
/// The process that calls this must have nothing else to do: it is bound by limits that cannot be lifted, and ends all of
/// its children.
pub fn serve(socket: impl AsFd) -> Result<(), LaunchError> {
    // A session of its own: where this process is killed, the worker finds by it what is left. It fails only for one that
    // leads a group, and so has an owner who sees to that.
    let _ = rustix::process::setsid();
    let socket = socket.as_fd().try_clone_to_owned().map_err(LaunchError::Order)?;
    let mut socket = UnixStream::from(socket);
    let order = Order::read(&mut socket).map_err(LaunchError::Order)?;
    let mut from = socket.try_clone().map_err(LaunchError::Order)?;
    let (events, happens) = mpsc::channel();
    let (mut input, handing) = mpsc::channel::<io::PipeWriter>();
    let length = order.input;
    let stops = events.clone();
    let (pieces, given) = mpsc::channel::<Vec<u8>>();
    // Both end with the process. Two, since a program that does not read must not keep the sign to end it waiting.
    std::thread::spawn(move || {
        let Ok(mut to) = handing.recv() else { return };
        while let Ok(piece) = given.recv() {
            // A program need not read what it is given.
            if to.write_all(&piece).is_err() {
                return;
            }
        }
    });
    std::thread::spawn(move || {
        let mut left = length;
        let mut piece = vec![0; 1 << 16];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
            match from.read(&mut piece[..most]) {
                Ok(length @ 1..) => {
                    left -= length as u64;
                    let _ = pieces.send(piece[..length].to_vec());
                }
                _ => break,
            }
        }
        drop(pieces);
        // From here on the worker says nothing: what can still come is the end.
        let _ = from.read(&mut [0]);
        let _ = stops.send(Event::Stop);
    });
    let word = match start(&order, &mut input) {
        Ok(group) => {
            tell(&mut socket, &Word::Started(group.as_raw_nonzero().get()))?;
            std::thread::spawn(move || reap(&events));
            let (ended, alone) = supervise(group, order.processes, &happens);
            tell(&mut socket, &Word::Ended(ended))?;
            if !alone {
                // The worker waits no longer. Where it is gone, nobody else would end what is left.
                end(group, &happens, Instant::now() + CROWD_GONE);
            }
            return Ok(());
        }
        Err(refused) => refused,
    };
    tell(&mut socket, &word)
}

fn tell(socket: &mut UnixStream, word: &Word) -> Result<(), LaunchError> {
    let mut line = serde_json::to_vec(word).map_err(|error| LaunchError::Answer(error.into()))?;
    line.push(b'\n');
    // Where nobody listens any more, the work is done all the same.
    match socket.write_all(&line) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(LaunchError::Answer(error)),
        _ => Ok(()),
    }
}

/// Starts the program in a group of its own.
fn start(order: &Order, input: &mut Sender<io::PipeWriter>) -> Result<Pid, Word> {
    let refused = |missing, what: &str| {
        let message = format!("{} was not started: {what}", order.path.display());
        Word::Refused { missing, message }
    };
    let failed = |error: io::Error| refused(false, &error.to_string());
    // Held open until the program runs: what was hashed is what is run.
    let (_file, path) = match order.digest {
        Some(expected) => {
            let missing = |error: io::Error| {
                refused(error.kind() == io::ErrorKind::NotFound, &error.to_string())
            };
            let file = File::open(&order.path).map_err(missing)?;
            let (found, script) = read(&file).map_err(failed)?;
            if found != expected {
                let what = format!(
                    "its SHA-256 is {found}, and the grants say {expected}. If it was meant to change, change `sha256`"
                );
                return Err(refused(false, &what));
            }
            if script {
                // Its interpreter opens it once more.
                rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty())
                    .map_err(|error| failed(error.into()))?;
            }
            let path = checked(&file, order);
            (Some(file), path)
        }
        None => (None, order.path.clone()),
    };
    let (reads, writes) = io::pipe().map_err(failed)?;
    limits::bind(order).map_err(failed)?;
    let mut command = Command::new(path);
    command.arg0(&order.path).args(&order.arguments);
    command.env_clear().envs(order.variables.iter().map(|(name, value)| (name, value)));
    command.process_group(0).stdin(Stdio::from(reads));
    let child = command
        .spawn()
        .map_err(|error| refused(error.kind() == io::ErrorKind::NotFound, &error.to_string()))?;
    let _ = input.send(writes);
    Ok(Pid::from_child(&child))
}

/// Where the open file can be run from.
#[cfg(target_os = "linux")]
fn checked(file: &File, _order: &Order) -> PathBuf {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// Elsewhere an open file cannot be run, so whoever can replace it between the check and the start is not stopped.
#[cfg(not(target_os = "linux"))]
fn checked(_file: &File, order: &Order) -> PathBuf {
    order.path.clone()
}

/// The SHA-256 of a file, and whether an interpreter reads it.
fn read(mut file: &File) -> io::Result<(Digest, bool)> {
    let mut hash = sha2::Sha256::new();
    let mut piece = vec![0; 1 << 16];
    let mut script = None;
    loop {
        let length = file.read(&mut piece)?;
        if length == 0 {
            let digest: [u8; 32] = hash.finalize().into();
            return Ok((Digest::from(digest), script.unwrap_or(false)));
        }
        script.get_or_insert(piece[..length].starts_with(b"#!"));
        hash.update(&piece[..length]);
    }
}

/// Takes note of every child that ends, those included that were left to this process.
fn reap(events: &Sender<Event>) {
    loop {
        let event = match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) => Event::Ended(pid, status),
            Ok(None) | Err(rustix::io::Errno::INTR) => continue,
            Err(_) => Event::Alone,
        };
        let over = matches!(event, Event::Alone);
        if events.send(event).is_err() || over {
            return;
        }
    }
}

/// Waits for the program, ends what it leaves behind, and tells how it ended, and whether nothing is left.
fn supervise(main: Pid, most: u64, happens: &mpsc::Receiver<Event>) -> (Ended, bool) {
    let mut status = None;
    let mut crowded = false;
    // When those that were asked to end are killed.
    let mut ending: Option<Instant> = None;
    let mut look = Instant::now();
    let alone = loop {
        let now = Instant::now();
        // By the clock, since children that come and go leave no quiet moment.
        if now >= look {
            look = now + COUNT;
            if tree::descendants().len() as u64 > most {
                crowded = true;
                break end(main, happens, now + CROWD_GONE);
            }
        }
        if ending.is_some_and(|kill| now >= kill) {
            break end(main, happens, now + GONE);
        }
        let next = ending.map_or(look, |kill| kill.min(look));
        match happens.recv_timeout(next.saturating_duration_since(now)) {
            Ok(Event::Ended(pid, ended)) if pid == main => status = Some(ended),
            Ok(Event::Stop) => {}
            Ok(Event::Ended(..)) | Err(RecvTimeoutError::Timeout) => continue,
            Ok(Event::Alone) | Err(RecvTimeoutError::Disconnected) => break true,
        }
        if ending.is_none() {
            signal(main, Signal::TERM);
            ending = Some(Instant::now() + GRACE);
        }
    };
    let ended = match status {
        _ if crowded => Ended::Crowded,
        Some(status) => match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Ended::Exited(code),
            (None, signal) => Ended::Killed(signal.unwrap_or(Signal::KILL.as_raw())),
        },
        None => Ended::Killed(Signal::KILL.as_raw()),
    };
    (ended, alone)
}

/// Kills again and again until nothing is left, since what is to be gone may start more meanwhile. Tells whether that is
/// so at this time.
fn end(main: Pid, happens: &mpsc::Receiver<Event>, until: Instant) -> bool {
    while Instant::now() < until {
        signal(main, Signal::KILL);
        // Only what all of them have left counts: one look at the processes can miss some.
        let again = Instant::now() + AGAIN;
        loop {
            match happens.recv_timeout(again.saturating_duration_since(Instant::now())) {
                Ok(Event::Alone) | Err(RecvTimeoutError::Disconnected) => return true,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => break,
            }
        }
    }
    false
}

/// Sends a signal to the program's group at once, and to whatever else descends from it.
fn signal(group: Pid, signal: Signal) {
    // Those that are gone need none.
    let _ = kill_process_group(group, signal);
    for pid in tree::descendants() {
        let _ = kill_process(pid, signal);
    }
}
