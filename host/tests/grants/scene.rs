//! Where it is played: folders of one test, an engine, and the program.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::process::folder_of;
use crate::server::{Ended, Mode, Server};

/// The scene.
pub(crate) struct Scene {
    folder: TempDir,
    components: TempDir,
    role: &'static str,
    pub(crate) server: Server,
}

/// A worker that runs. Killed when dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) origin: String,
    pub(crate) id: u32,
    log: PathBuf,
}

/// How a command has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Scene {
    /// An engine, and a folder with these guests.
    pub(crate) fn of(guests: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for root in ["notes", "old"] {
            std::fs::create_dir(folder.path().join(root)).expect("a folder");
        }
        std::fs::write(folder.path().join("notes/a.txt"), "mine").expect("written");
        Self { folder, components: folder_of(guests), role: "host", server: Server::own(Mode::Dev) }
    }

    /// The same for workers of this role.
    pub(crate) fn in_role(self, role: &'static str) -> Self {
        Self { role, ..self }
    }

    /// A file of grants with the roots of the scene and these lines of components.
    pub(crate) fn grants(&self, components: &str) -> String {
        let root = |name: &str| {
            let path = self.folder.path().join(name);
            format!("[roots.{name}]\npath = '{}'\n", path.display())
        };
        self.write("grants.toml", &format!("{}{}{components}", root("notes"), root("old")))
    }

    /// Writes a file beside all others.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    }

    pub(crate) fn components(&self) -> String {
        self.components.path().to_string_lossy().into_owned()
    }

    pub(crate) fn versions(&self) -> PathBuf {
        self.folder.path().join("versions")
    }

    /// The arguments of a worker with this file of grants.
    pub(crate) fn arguments(&self, grants: &str) -> Vec<String> {
        let (components, versions) = (self.components(), self.versions());
        [
            ("--role", self.role),
            ("--listen", "127.0.0.1:0"),
            ("--watch", "off"),
            ("--components", &components),
            ("--versions", &versions.to_string_lossy()),
            // Shared by all tests of this program: each guest is compiled once.
            ("--cache", concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled")),
            ("--grants", grants),
        ]
        .into_iter()
        .flat_map(|(name, value)| [name.to_owned(), value.to_owned()])
        .collect()
    }

    /// A whole `dev` with this file of grants, on folders and ports of its own.
    pub(crate) fn dev(&self, grants: &str) -> Vec<String> {
        let (components, data) = (self.components(), self.folder.path().join("dev"));
        let mut words = vec!["dev".to_owned()];
        for (name, value) in [
            ("--engine", "127.0.0.1:0"),
            ("--worker", "127.0.0.1:0"),
            ("--data", &data.to_string_lossy()),
            ("--components", &components),
            ("--cache", concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled")),
            ("--grants", grants),
        ] {
            words.extend([name.to_owned(), value.to_owned()]);
        }
        words
    }

    fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_system-bus"));
        for (name, _) in std::env::vars_os() {
            // What this shell says about other servers and workers must not reach ours.
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("INNGEST_") || name.starts_with("SYSTEM_BUS_") {
                command.env_remove(name);
            }
        }
        command
            // Where `dev` finds the workspace; every path that is named is a whole one.
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("INNGEST_DEV", self.server.origin())
            .env("SYSTEM_BUS_LOG", "info")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn command(&self, arguments: &[&str]) -> Finished {
        let output = self.program().args(arguments).output().expect("the program runs");
        Finished {
            code: output.status.code().expect("it ends by itself"),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// A worker with this file of grants, of which the engine knows.
    pub(crate) async fn worker(&self, grants: &str) -> Running {
        let log = self.folder.path().join("worker.log");
        let file = std::fs::File::create(&log).expect("a file");
        let mut child = self
            .program()
            .args(["--json", "--log-format", "json", "worker"])
            .args(self.arguments(grants))
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output is ours");
        BufReader::new(out).read_line(&mut line).expect("it says that it is up");
        let up: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            panic!("not up: {line:?}\n{log}")
        });
        let address = up["address"].as_str().and_then(|text| text.parse().ok());
        let address: SocketAddr = address.unwrap_or_else(|| panic!("no address in {up}"));
        let running =
            Running { id: child.id(), child, address, origin: format!("http://{address}"), log };
        self.server.registered(running.address).await;
        running
    }

    /// Sends an event, and waits for the end of the run that it begins.
    pub(crate) async fn ended(&self, event: &str, data: &Value) -> Ended {
        let event = self.server.send(event, data).await;
        self.server.ended(&event).await
    }
}

impl Running {
    /// All that it has written to its log so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("a log")
    }

    /// The audit record in its log, once there is one.
    pub(crate) fn audit(&self) -> Option<Value> {
        let log = self.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.into_iter().find(|line| line["target"] == "audit")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Finished {
    /// What it said, as one object.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// Why a command has failed, in words or as JSON.
pub(crate) fn said(failed: &Finished) -> String {
    match serde_json::from_str::<Value>(&failed.out) {
        Ok(envelope) => envelope["error"]["message"].as_str().unwrap_or_default().to_owned(),
        Err(_) => failed.err.clone(),
    }
}
