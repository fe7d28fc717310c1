//! Where the page is played: a folder with versions of a component, a server, and the workers that the page starts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clone::Artifact;
use crate::process::free_address;
use crate::server::{Mode, Server};

/// The scene.
pub(crate) struct Scene {
    folder: TempDir,
    server: Server,
    /// Addresses as the page has them, and those that stand for them here.
    addresses: BTreeMap<&'static str, String>,
    workers: BTreeMap<String, Child>,
}

/// A worker that is killed when the scene ends.
impl Drop for Scene {
    fn drop(&mut self) {
        for worker in self.workers.values_mut() {
            // It may have ended by itself.
            drop(worker.kill());
            drop(worker.wait());
        }
    }
}

impl Scene {
    /// An engine that runs, and the versions that the page speaks of.
    pub(crate) fn set() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Artifact::read(guests::VERSIONED);
        for (name, version) in [
            ("first", first.clone()),
            ("second", first.clone().version("2")),
            ("third", first.version("3")),
            ("renamed", Artifact::read(guests::VERSIONED_RENAMED)),
            ("alias", Artifact::read(guests::VERSIONED_ALIAS)),
        ] {
            let within = folder.path().join(name);
            std::fs::create_dir(&within).expect("a folder");
            version.place(&within, "versioned");
        }
        let bin = folder.path().join("bin");
        std::fs::create_dir(&bin).expect("a folder");
        let program = env!("CARGO_BIN_EXE_system-bus");
        std::os::unix::fs::symlink(program, bin.join("system-bus")).expect("a link");
        let server = Server::own(Mode::Dev);
        let engine = server.origin().trim_start_matches("http://").to_owned();
        let mut addresses = BTreeMap::from([("127.0.0.1:8288", engine)]);
        for own in ["127.0.0.1:3111", "127.0.0.1:3112", "127.0.0.1:3113"] {
            addresses.insert(own, free_address().to_string());
        }
        Self { folder, server, addresses, workers: BTreeMap::new() }
    }

    /// The address that stands for one of the page.
    fn address(&self, of_page: &str) -> SocketAddr {
        self.addresses[of_page].parse().expect("an address")
    }

    fn here(&self, text: &str) -> String {
        let addresses = self.addresses.iter();
        addresses.fold(text.to_owned(), |text, (page, here)| text.replace(page, here))
    }

    fn of_page(&self, text: &str) -> String {
        let addresses = self.addresses.iter();
        addresses.fold(text.to_owned(), |text, (page, here)| text.replace(here, page))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            // What this shell says about other servers and workers must not reach ours.
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("INNGEST_") || name.starts_with("SYSTEM_BUS_") {
                command.env_remove(name);
            }
        }
        let path = std::env::var("PATH").unwrap_or_default();
        let bin = self.folder.path().join("bin");
        command
            .current_dir(self.folder.path())
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("SYSTEM_BUS_WORKER", format!("http://{}", self.address("127.0.0.1:3111")))
            .env("SYSTEM_BUS_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled"))
            .env("SYSTEM_BUS_LOG", "error")
            .stdin(Stdio::null());
        command
    }

    /// Runs commands to their end; what they have said, with the addresses of the page.
    pub(crate) fn run(&self, commands: &str) -> String {
        // One after the other they say it, so that errors are where they belong.
        let commands = format!("exec 2>&1\n{}", self.here(commands));
        let mut shell = self.command(Path::new("/bin/sh"));
        let output = shell.args(["-c", &commands]).output().expect("a shell");
        self.of_page(&String::from_utf8_lossy(&output.stdout))
    }

    /// Starts a worker, and waits until the server has its functions.
    pub(crate) async fn start(&mut self, command: &str) {
        let text = self.here(command);
        let mut words = text.split_whitespace().peekable();
        let mut worker = self.command(Path::new(env!("CARGO_BIN_EXE_system-bus")));
        while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
            worker.env(name, value);
            words.next();
        }
        assert_eq!(words.next(), Some("system-bus"), "what goes on in the background is a worker");
        let arguments: Vec<_> = words.collect();
        let listen = arguments.iter().position(|word| *word == "--listen").expect("an address");
        let listen = arguments[listen + 1].to_owned();
        let child = worker.args(arguments).stdout(Stdio::null()).spawn().expect("it starts");
        self.workers.insert(listen.clone(), child);
        self.server.registered(listen.parse().expect("an address")).await;
    }

    /// Waits until a worker has ended by itself.
    pub(crate) async fn ended(&mut self, of_page: &str) {
        let here = self.address(of_page).to_string();
        let worker = std::cell::RefCell::new(self.workers.get_mut(&here).expect("a worker"));
        crate::eventually("the worker has ended", async || {
            worker.borrow_mut().try_wait().expect("our own child")
        })
        .await;
    }

    /// Starts a run of each function, and waits until it sleeps after its second step.
    pub(crate) async fn let_runs_sleep(&self) {
        for function in ["versioned", "versioned-pinned"] {
            let data = json!({ "wait": 3_600_000 });
            let event = self.server.send(&format!("testing/{function}.requested"), &data).await;
            crate::eventually("a run sleeps", async || {
                let runs = self.get(&format!("v1/events/{event}/runs")).await?;
                let run = runs["data"][0]["run_id"].as_str()?;
                let done = self.get(&format!("v0/runs/{run}/actions")).await?;
                (done.as_object()?.len() >= 2).then_some(())
            })
            .await;
        }
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let url = format!("{}/{path}", self.server.origin());
        reqwest::get(url).await.ok()?.json().await.ok()
    }
}
