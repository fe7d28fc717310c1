//! Reading a secret from where it is.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use tokio::io::AsyncReadExt;
use tokio::process::Command;
use zeroize::Zeroizing;

use super::grant::Source;
use super::value::{NoValue, Value};
use crate::grants::Name;

/// How long a command may take.
pub(super) const COMMAND: Duration = Duration::from_secs(5);

/// What a command gets of the worker's environment: what programs need to find their own files and their agent.
const PASSED_ON: [&str; 7] =
    ["HOME", "LANG", "LOGNAME", "PATH", "SSH_AUTH_SOCK", "USER", "XDG_RUNTIME_DIR"];

/// Where a secret is: the operator's [`Source`], checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Env(String),
    File(PathBuf),
    Command { program: PathBuf, arguments: Vec<String>, lasts: Option<Duration> },
}

/// Why the operator's words name no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoPlace {
    #[error("it has to be in exactly one of `env`, `file` and `command`")]
    NotOne,
    #[error("`file` has to be an absolute path")]
    RelativeFile,
    #[error("`command` has to begin with the absolute path of a program")]
    RelativeCommand,
    #[error("`lasts` is for a `command`: a variable is read once, and a file whenever it changes")]
    Lasts,
}

/// Why a place has no secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotRead {
    #[error("the variable {0} is not set in the worker's environment")]
    Unset(String),
    #[error("the file {} cannot be read: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error("{} is no file", .0.display())]
    NoFile(PathBuf),
    #[error("the command {} cannot be run: {error}", program.display())]
    Run { program: PathBuf, error: std::io::Error },
    #[error("the command {} ended with {status}", program.display())]
    Status { program: PathBuf, status: std::process::ExitStatus },
    #[error("the command {} took longer than {COMMAND:?}", .0.display())]
    Late(PathBuf),
    #[error("{0}")]
    Value(NoValue),
}

impl Place {
    /// What the operator has written.
    pub(super) fn parse(source: &Source) -> Result<Self, NoPlace> {
        let Source { env, file, command, lasts } = source;
        let place = match (env, file, command) {
            (Some(env), None, None) => Self::Env(env.clone()),
            (None, Some(file), None) if file.is_absolute() => Self::File(file.clone()),
            (None, Some(_), None) => return Err(NoPlace::RelativeFile),
            (None, None, Some(command)) => match command.split_first() {
                Some((program, arguments)) if Path::new(program).is_absolute() => Self::Command {
                    program: program.into(),
                    arguments: arguments.to_vec(),
                    lasts: lasts.map(crate::grants::Time::duration),
                },
                _ => return Err(NoPlace::RelativeCommand),
            },
            _ => return Err(NoPlace::NotOne),
        };
        if lasts.is_some() && !matches!(place, Self::Command { .. }) {
            return Err(NoPlace::Lasts);
        }
        Ok(place)
    }

    /// What is there now.
    pub(super) async fn read(&self) -> Result<Value, NotRead> {
        let bytes = match self {
            Self::Env(variable) => read_variable(variable)?,
            Self::File(path) => read_file(path)?,
            Self::Command { program, arguments, .. } => run(program, arguments).await?,
        };
        Value::parse(bytes).map_err(NotRead::Value)
    }

    /// The same where no command has to be run for it.
    pub(super) fn read_at_once(&self) -> Option<Result<Value, NotRead>> {
        let bytes = match self {
            Self::Env(variable) => read_variable(variable),
            Self::File(path) => read_file(path),
            Self::Command { .. } => return None,
        };
        Some(bytes.and_then(|bytes| Value::parse(bytes).map_err(NotRead::Value)))
    }

    /// What changes when the file does; nothing for other places.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let Self::File(path) = self else { return None };
        Stamp::of(path)
    }
}

/// What tells one state of a file from the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        Some(Self { inode, length: metadata.len(), modified: metadata.modified().ok() })
    }
}

fn read_variable(name: &str) -> Result<Vec<u8>, NotRead> {
    let value = std::env::var_os(name).map(std::os::unix::ffi::OsStringExt::into_vec);
    value.ok_or_else(|| NotRead::Unset(name.to_owned()))
}

fn read_file(path: &Path) -> Result<Vec<u8>, NotRead> {
    use std::io::Read as _;

    let failed = |error| NotRead::File { path: path.to_owned(), error };
    // Opening a pipe would wait for its other end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(NotRead::NoFile(path.to_owned()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(AT_MOST).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// As much as the longest value, its line end, and one byte to tell that it is too long.
const AT_MOST: u64 = Value::LONGEST as u64 + 3;

/// Runs a command to its end, or kills it with everything it started.
async fn run(program: &Path, arguments: &[String]) -> Result<Vec<u8>, NotRead> {
    let failed = |error| NotRead::Run { program: program.to_owned(), error };
    let passed_on = PASSED_ON.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(passed_on)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // It may say the secret there too.
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let _group = child.id().and_then(Group::of);
    let mut bytes = Zeroizing::new(Vec::new());
    let whole = async {
        if let Some(output) = child.stdout.take() {
            output.take(AT_MOST).read_to_end(&mut bytes).await?;
        }
        child.wait().await
    };
    match tokio::time::timeout(COMMAND, whole).await {
        Err(_) => Err(NotRead::Late(program.to_owned())),
        Ok(Err(error)) => Err(failed(error)),
        // It may have been stopped by a closed pipe.
        Ok(Ok(_)) if bytes.len() as u64 == AT_MOST => Err(NotRead::Value(NoValue::Long)),
        Ok(Ok(status)) if !status.success() => {
            Err(NotRead::Status { program: program.to_owned(), status })
        }
        Ok(Ok(_)) => Ok(std::mem::take(&mut *bytes)),
    }
}

/// A process group, killed when nobody waits for it any more.
struct Group(rustix::process::Pid);

impl Group {
    fn of(child: u32) -> Option<Self> {
        rustix::process::Pid::from_raw(i32::try_from(child).ok()?).map(Self)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It is gone already where nothing of it was left.
        let _ = rustix::process::kill_process_group(self.0, rustix::process::Signal::KILL);
    }
}

/// A secret's name and place.
pub(super) type Named = (Name, Place);

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<Place, NoPlace> {
        Place::parse(&toml::from_str(text).expect("a source"))
    }

    #[test]
    fn a_source_is_one_place() {
        for (text, parsed) in [
            ("env = 'A'", Ok(Place::Env("A".to_owned()))),
            ("file = '/run/a'", Ok(Place::File("/run/a".into()))),
            (
                "command = ['/bin/agent', 'get']\nlasts = '1h'",
                Ok(Place::Command {
                    program: "/bin/agent".into(),
                    arguments: vec!["get".to_owned()],
                    lasts: Some(Duration::from_hours(1)),
                }),
            ),
            ("", Err(NoPlace::NotOne)),
            ("lasts = '1h'", Err(NoPlace::NotOne)),
            ("env = 'A'\nfile = '/run/a'", Err(NoPlace::NotOne)),
            ("file = 'a'", Err(NoPlace::RelativeFile)),
            ("command = []", Err(NoPlace::RelativeCommand)),
            ("command = ['agent']", Err(NoPlace::RelativeCommand)),
            ("env = 'A'\nlasts = '1h'", Err(NoPlace::Lasts)),
            ("file = '/a'\nlasts = '1h'", Err(NoPlace::Lasts)),
        ] {
            assert_eq!(place(text), parsed, "{text}");
        }
    }

    async fn said(command: &str) -> Result<Vec<u8>, String> {
        let arguments = ["-c".to_owned(), command.to_owned()];
        let place = Place::Command {
            program: "/bin/sh".into(),
            arguments: arguments.to_vec(),
            lasts: None,
        };
        let read = place.read().await;
        read.map(|value| value.bytes().to_vec()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn commands_answer_within_their_limits() {
        assert_eq!(said("echo hunter2").await.as_deref(), Ok(&b"hunter2"[..]));
        let failed = said("echo hunter2; exit 3").await.expect_err("a status");
        assert!(failed.contains("/bin/sh") && failed.contains('3'), "{failed}");
        assert!(!failed.contains("hunter2"), "{failed}");
        let long = said("yes hunter2").await.expect_err("no end");
        assert!(long.contains("more than 65536 bytes"), "{long}");
        let short = said("echo 12345").await.expect_err("short");
        assert!(short.contains("5 bytes"), "{short}");
        // What the worker knows of secrets, the command does not.
        let environment = said("env | sort | head -c 4000; echo hunter2").await.expect("names");
        let environment = String::from_utf8_lossy(&environment);
        assert!(!environment.contains("CARGO"), "{environment}");
    }

    #[tokio::test]
    async fn a_command_that_does_not_end_is_killed_with_what_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let beat = folder.path().join("beat");
        let command = format!("while :; do date > {}; sleep 0.05; done & wait", beat.display());
        let late = said(&command).await.expect_err("no end");
        assert!(late.contains("longer than 5s"), "{late}");
        std::fs::remove_file(&beat).ok();
        // Something that still ran would write it again.
        tokio::time::sleep(Duration::from_millis(500)).await;
        std::fs::remove_file(&beat).ok();
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!beat.exists());
    }

    #[tokio::test]
    async fn files_are_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        std::fs::write(&file, "hunter2\n").expect("written");
        let value = Place::File(file.clone()).read().await.expect("a value");
        assert_eq!(value.bytes(), b"hunter2");
        let before = Place::File(file.clone()).stamp();
        std::fs::write(&file, "hunter2 and more\n").expect("written");
        assert_ne!(before, Place::File(file).stamp());
        for (path, said) in [("nothing", "cannot be read"), (".", "is no file")] {
            let error = Place::File(folder.path().join(path)).read().await.expect_err(path);
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}
