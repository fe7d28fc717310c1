//! What the flows need before anything runs: folders, services, programs, secrets and grants. Each flow adds its own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;

use super::programs::Programs;
use super::scene::Scene;
use super::site::{Answer, Asked, Site};
use crate::process::{Process, free_address};
use crate::server::{Mode, Server};
use crate::store::Store;

/// What is there before the worker is.
pub(crate) struct Stage {
    folder: TempDir,
    grants: String,
    programs: Programs,
    pub(crate) server: Server,
    pub(crate) store: Store,
}

impl Stage {
    /// An engine, a Redis server, and nothing granted.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let programs = folder.path().join("programs");
        std::fs::create_dir(&programs).expect("a folder");
        let store = Store::start().await;
        let grants = format!("[redis]\nurl = \"{}\"\n\n", store.url());
        let programs = Programs::within(&programs);
        Self { folder, grants, programs, server: Server::own(Mode::Dev), store }
    }

    /// A folder of the drill, made where it is missing.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        path
    }

    /// A folder that is a root of this name, which several flows may have.
    pub(crate) fn root(&mut self, name: &str) -> PathBuf {
        let path = self.folder(name);
        if !self.has(&format!("roots.{name}")) {
            self.grant(&format!("[roots.{name}]\npath = '{}'\n", path.display()));
        }
        path
    }

    /// A service.
    #[expect(clippy::unused_self, reason = "a service is of the stage")]
    pub(crate) fn site(&self, answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Site {
        Site::start(answer)
    }

    /// A program that notes how it is called and then does this, in `sh`.
    pub(crate) fn program(&mut self, name: &str, script: &str) -> Programs {
        let path = self.programs.write(name, script);
        self.real_program(name, &path, "");
        self.programs.clone()
    }

    /// The programs and how they are called.
    pub(crate) fn programs(&self) -> Programs {
        self.programs.clone()
    }

    /// A program of the machine, with these lines of its grant.
    pub(crate) fn real_program(&mut self, name: &str, path: &Path, further: &str) {
        self.grant(&format!("[programs.{name}]\npath = '{}'\n{further}", path.display()));
    }

    /// A secret, which several flows may have.
    pub(crate) fn secret(&mut self, name: &str, value: &str) {
        let path = self.folder("secrets").join(name);
        if self.has(&format!("secrets.{name}")) {
            assert_eq!(std::fs::read_to_string(path).expect("it is there"), value, "{name}");
            return;
        }
        std::fs::write(&path, value).expect("written");
        self.grant(&format!("[secrets.{name}]\nfile = '{}'\n", path.display()));
    }

    /// Sets a key in Redis: what schedules look at that fire while flows play.
    pub(crate) fn set(&self, key: &str, value: &str) {
        let client = redis::Client::open(self.store.url()).expect("an address");
        let mut connection = client.get_connection().expect("a running server");
        redis::cmd("SET").arg(key).arg(value).exec(&mut connection).expect("it is set");
    }

    /// Whether a table of the file of grants is there already: several flows need some of them.
    pub(crate) fn has(&self, table: &str) -> bool {
        self.grants.lines().any(|line| line == format!("[{table}]"))
    }

    /// Lines of the file of grants.
    pub(crate) fn grant(&mut self, lines: &str) {
        writeln!(self.grants, "{lines}").expect("memory");
    }

    /// A worker for each role with these components and all that was granted, once they are registered.
    pub(crate) async fn workers(self, components: &Path) -> Scene {
        let grants = self.folder.path().join("grants.toml");
        std::fs::write(&grants, &self.grants).expect("written");
        let mut workers = Vec::new();
        for role in ROLES {
            workers.push(self.worker(role, components, &grants));
        }
        for worker in &workers {
            self.server.registered(worker.address).await;
        }
        Scene::new(workers, self.server, self.store, self.folder)
    }

    fn worker(&self, role: &str, components: &Path, grants: &Path) -> Process {
        let log = std::fs::File::create(self.folder.path().join(log_of(role))).expect("a file");
        let (app, listen) = (app_of(role), free_address().to_string());
        let versions = self.folder.path().join(format!("{role}-versions"));
        let arguments = [
            ("--log-format", "json"),
            ("--role", role),
            ("--app", &app),
            ("--listen", &listen),
            ("--watch", "off"),
            ("--components", &components.to_string_lossy()),
            ("--versions", &versions.to_string_lossy()),
            ("--grants", &grants.to_string_lossy()),
        ];
        let mut words = vec![];
        for (name, value) in &arguments {
            words.extend([*name, *value]);
        }
        let spool = self.folder.path().join("spool").to_string_lossy().into_owned();
        if role == "cluster" {
            words.extend(["--webhooks", "on", "--spool", &spool]);
        }
        // The form of the log belongs to the program, everything else to the command.
        words.insert(2, "worker");
        let environment = [("INNGEST_DEV", self.server.origin()), ("SYSTEM_BUS_LOG", "info")];
        Process::start_with_log(&words, &environment, Stdio::from(log))
    }
}

/// The key of Typesense, which is asked by functions of several flows.
pub(super) const TYPESENSE_KEY: &str = "key-of-typesense";

/// The key of Convex, likewise.
pub(super) const CONVEX_KEY: &str = "prod:drill|convex-0a77e1";

/// The token of Todoist, likewise.
pub(super) const TODOIST_TOKEN: &str = "token-of-todoist";

/// The roles of workers.
pub(super) const ROLES: [&str; 2] = ["host", "cluster"];

/// The app that a worker of this role serves.
pub(super) fn app_of(role: &str) -> String {
    format!("flows-{role}")
}

/// The file that a worker of this role logs to.
pub(super) fn log_of(role: &str) -> String {
    format!("{role}.log")
}
