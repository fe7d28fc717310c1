//! A function in a folder of its own, made by `new`, and a `dev` that runs it: for whoever edits it and looks.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::patience::PATIENCE;

/// The clone that is tested: its SDK is what functions are written with, and its lock file names what is here already.
const CLONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A function that stands alone.
pub(crate) struct Edited {
    root: TempDir,
    name: String,
}

#[allow(dead_code, reason = "not all who edit need all of it")]
impl Edited {
    /// Made by `new`. Functions of tests that run at once need different names, since all are built in one folder: what
    /// they are made of is compiled once.
    pub(crate) fn new(name: &str) -> Self {
        let edited = Self { root: tempfile::tempdir().expect("a folder"), name: name.to_owned() };
        let made = edited.make();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::fs::copy(Path::new(CLONE).join("Cargo.lock"), edited.folder().join("Cargo.lock"))
            .expect("copied");
        edited
    }

    /// `new`, which may be refused.
    pub(crate) fn make(&self) -> Output {
        let sdk = Path::new(CLONE).join("sdk");
        let sdk = sdk.to_str().expect("text");
        program(self.root.path())
            .args(["new", &self.name, "--sdk", sdk])
            .output()
            .expect("it starts")
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.root.path().join(&self.name)
    }

    /// A file of the function.
    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder().join(file)).expect("a file")
    }

    /// Saves a file of the function; the moment in which it was saved.
    pub(crate) fn save(&self, file: &str, text: &str) -> Instant {
        std::fs::write(self.folder().join(file), text).expect("written");
        Instant::now()
    }

    /// Runs a command in the folder of the function.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        program(&self.folder()).args(arguments).output().expect("it starts")
    }

    /// Runs cargo in the folder of the function.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Output {
        let mut cargo = Command::new(env!("CARGO"));
        surround(&mut cargo, &self.folder()).args(arguments).output().expect("it starts")
    }

    /// The arguments of folders of its own, none of which lies in the sources.
    pub(crate) fn folders(&self) -> Vec<String> {
        let data = self.root.path().join("data").to_string_lossy().into_owned();
        let cache = concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled");
        ["--data", &data, "--cache", cache].map(str::to_owned).to_vec()
    }

    /// Starts `dev`.
    pub(crate) fn dev(&self) -> Dev {
        let mut command = program(&self.folder());
        command.args(["--json", "dev", "--engine", "127.0.0.1:0", "--worker", "127.0.0.1:0"]);
        command.args(self.folders()).stdout(Stdio::piped()).stdin(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let stdout = BufReader::new(child.stdout.take().expect("its output is ours"));
        let (tell, told) = channel();
        // Ends with the program's output.
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let line = serde_json::from_str::<Value>(&line).unwrap_or(Value::String(line));
                if tell.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        Dev { child, told }
    }
}

fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_system-bus"));
    surround(&mut command, folder);
    command
}

/// What is around a program of a test: its folder, and nothing of what this shell says about others.
fn surround<'c>(command: &'c mut Command, folder: &Path) -> &'c mut Command {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("INNGEST_") || text.starts_with("SYSTEM_BUS_") {
            command.env_remove(&name);
        }
    }
    command
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/edited"))
        // All of it is here: the guests of the tests are built with it.
        .env("CARGO_NET_OFFLINE", "true")
}

/// A `dev` that is running. Ends when dropped.
pub(crate) struct Dev {
    child: Child,
    told: Receiver<(Instant, Value)>,
}

#[allow(dead_code, reason = "not all who edit need all of it")]
impl Dev {
    /// The line that says where events go. What functions are made of may have to be compiled before.
    pub(crate) fn up(&self) -> Value {
        self.within(PATIENCE * 5, "it is up", |line| line["what"] == "up").1
    }

    /// The next line that it tells and that fits, and when; what comes before is passed over.
    pub(crate) fn until(&self, what: &str, fits: impl Fn(&Value) -> bool) -> (Instant, Value) {
        self.within(PATIENCE, what, fits)
    }

    fn within(
        &self,
        patience: Duration,
        what: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> (Instant, Value) {
        let end = Instant::now() + patience;
        let mut passed = Vec::new();
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            let Ok((at, line)) = self.told.recv_timeout(left) else { break };
            if fits(&line) {
                return (at, line);
            }
            passed.push(line.to_string());
        }
        panic!("in vain: {what}; it told\n{}", passed.join("\n"));
    }

    /// The next line of a kind.
    pub(crate) fn told(&self, what: &str) -> Value {
        self.until(what, |line| line["what"] == what).1
    }

    /// A line that is there already or comes within this time.
    pub(crate) fn next(&self, wait: Duration) -> Option<(Instant, Value)> {
        self.told.recv_timeout(wait).ok()
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(mut self) -> std::process::ExitStatus {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.expect("a process has an id");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
        self.child.wait().expect("our own child")
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends events to a development engine.
#[derive(Clone)]
pub(crate) struct Sender {
    url: String,
    client: reqwest::Client,
}

impl Sender {
    /// `up` is the line that says where it is.
    pub(crate) fn to(up: &Value) -> Self {
        // Fails when it has been done, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let engine = up["engine"].as_str().expect("an address");
        Self { url: format!("{engine}/e/local"), client: reqwest::Client::new() }
    }

    /// Sends one; the engine's id of it.
    pub(crate) async fn send(&self, name: &str, data: &Value) -> String {
        let event = json!({ "name": name, "data": data });
        let sent = self.client.post(&self.url).json(&event).send().await.expect("an answer");
        let sent: Value = sent.json().await.expect("JSON");
        sent["ids"][0].as_str().unwrap_or_else(|| panic!("not taken: {sent}")).to_owned()
    }
}
