//! Compiling in a process of its own.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, Command};

use super::message::{self, Answer, Request};
use super::{CompileError, Target};

/// How long one component may take. The largest known, an engine of a language, takes seconds; a busy machine and the
/// lowest priority make minutes of them.
const DEADLINE: Duration = Duration::from_mins(5);

/// How much memory the compiler may use, in bytes. The largest known component takes a quarter of it.
const MEMORY: u64 = 2 << 30;

/// How much code a component may become, in bytes.
const CODE: usize = 512 << 20;

/// How much of what it says at last is repeated, in bytes.
const LAST_WORDS: usize = 2 << 10;

/// A program that compiles one component each time it is started, by calling [`serve`](super::serve) at once.
///
/// It has the lowest priority unless it is [urgent](Self::urgent), a limit of memory and one of time, no environment, and
/// ends when this process ends or nobody waits for it any more.
#[derive(Debug, Clone)]
pub struct Child {
    program: PathBuf,
    arguments: Vec<String>,
    deadline: Duration,
    memory: u64,
    urgent: bool,
}

impl Child {
    /// This program and arguments. It must be the same build as this process; otherwise its answers are refused.
    pub fn new(program: impl Into<PathBuf>, arguments: impl IntoIterator<Item = String>) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().collect(),
            deadline: DEADLINE,
            memory: MEMORY,
            urgent: false,
        }
    }

    /// The program that runs now, also when its file was replaced meanwhile (on Linux).
    ///
    /// Fails where the system does not tell which program that is.
    pub fn this_program(arguments: impl IntoIterator<Item = String>) -> io::Result<Self> {
        let running = Path::new("/proc/self/exe");
        let program = if running.exists() { running.into() } else { std::env::current_exe()? };
        Ok(Self::new(program, arguments))
    }

    /// Ends it after this long; five minutes otherwise.
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// Gives it the priority of this process, and has it make code quickly rather than quick code: somebody sits there and
    /// waits for what they have just written.
    #[must_use]
    pub fn urgent(self) -> Self {
        Self { urgent: true, ..self }
    }

    pub(super) fn is_urgent(&self) -> bool {
        self.urgent
    }

    /// Gives it this much memory, in bytes; 2 GiB otherwise. Held on Linux.
    #[must_use]
    pub fn memory(self, memory: u64) -> Self {
        Self { memory, ..self }
    }

    pub(super) async fn compile(
        &self,
        target: &Target,
        component: &[u8],
    ) -> Result<Vec<u8>, CompileError> {
        let request = Request {
            engine: target.settings,
            memory: self.memory,
            urgent: self.urgent,
            component: component.len(),
        };
        let mut words = LastWords::default();
        let talk = self.talk(&request, component, &mut words);
        let end = match tokio::time::timeout(self.deadline, talk).await {
            // Dropping the talk has ended the process.
            Err(_) => {
                return Err(CompileError::Failed(format!(
                    "the compiler took longer than {:?} and was ended{words}",
                    self.deadline
                )));
            }
            Ok(Err(error)) => {
                return Err(CompileError::Failed(format!(
                    "the compiler {} cannot be started: {error}",
                    self.program.display()
                )));
            }
            Ok(Ok(end)) => end,
        };
        match end.answer {
            Ok((Answer::Compiled { engine, .. }, code)) if engine == target.fingerprint => Ok(code),
            Ok((Answer::Compiled { .. }, _)) => Err(CompileError::Failed(
                "the compiler is of another build than this process, so its code does not fit; restart the worker"
                    .to_owned(),
            )),
            Ok((Answer::Refused(reason), _)) => Err(CompileError::Refused(reason)),
            Err(error) => Err(CompileError::Failed(format!(
                "the compiler {}, and its answer is not one ({error}); it may use {} MiB of memory{words}",
                Ended(end.status),
                self.memory >> 20
            ))),
        }
    }

    async fn talk(
        &self,
        request: &Request,
        component: &[u8],
        words: &mut LastWords,
    ) -> io::Result<End> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            .current_dir("/")
            // What a terminal sends to us is for us: an interrupted worker still finishes its calls.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let pipe = |pipe| io::Error::other(format!("it has no {pipe}"));
        let mut stdin = child.stdin.take().ok_or_else(|| pipe("input"))?;
        let stdout = child.stdout.take().ok_or_else(|| pipe("output"))?;
        let stderr = child.stderr.take().ok_or_else(|| pipe("error output"))?;
        let mut stdout = BufReader::new(stdout);
        let ask = async {
            // A child that died does not read; how it died says more than that.
            drop(ask(&mut stdin, request, component).await);
        };
        let hear = async {
            let answer = message::answer(&mut stdout, CODE).await;
            // After rubbish it may still write, and would wait for somebody to read.
            drop(stdout);
            answer
        };
        let ((), answer, ()) = tokio::join!(ask, hear, words.listen(stderr));
        let status = child.wait().await?;
        // Kept open until here: its end is the sign that nobody waits.
        drop(stdin);
        Ok(End { answer, status })
    }
}

/// How a talk with the child ended.
struct End {
    answer: io::Result<(Answer, Vec<u8>)>,
    status: ExitStatus,
}

async fn ask(stdin: &mut ChildStdin, request: &Request, component: &[u8]) -> io::Result<()> {
    stdin.write_all(&message::line(request)?).await?;
    stdin.write_all(component).await?;
    stdin.flush().await
}

/// The end of what the child wrote to its standard error.
#[derive(Default)]
struct LastWords(VecDeque<u8>);

impl LastWords {
    /// Listens until there is nothing more to hear.
    async fn listen(&mut self, mut stderr: impl AsyncRead + Unpin) {
        let mut heard = [0; 512];
        while let Ok(length @ 1..) = stderr.read(&mut heard).await {
            self.0.extend(&heard[..length]);
            let surplus = self.0.len().saturating_sub(LAST_WORDS);
            self.0.drain(..surplus);
        }
    }
}

impl fmt::Display for LastWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (front, back) = self.0.as_slices();
        let bytes = [front, back].concat();
        match String::from_utf8_lossy(&bytes).trim() {
            "" => Ok(()),
            words => write!(f, "; its last words: {words}"),
        }
    }
}

/// How a process ended, in words.
struct Ended(ExitStatus);

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.signal(), self.0.code()) {
            (Some(signal), _) => write!(f, "was ended by signal {signal}"),
            (None, Some(code)) => write!(f, "ended with code {code}"),
            (None, None) => write!(f, "ended"),
        }
    }
}
