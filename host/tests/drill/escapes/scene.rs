//! Where the attempts are made: a worker with grants, and everything around it that they must not reach.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::redis::Redis;
use super::site::Site;
use crate::process::{Process, folder_of, free_address};
use crate::server::{APP, Ended, Mode, Server};

/// The file outside of every root, and a name that is only there.
pub(super) const OUTSIDE: &str = "what is outside of every root";
pub(super) const MARK: &str = "only-outside";

/// The value of the secret, and that of a variable of the worker's own environment.
const SECRET: &str = "hunter2-but-longer-and-quoted";
const VARIABLE: &str = "of-the-worker-and-nobody-else";

/// What a mark on the command line of a program is called that must not outlive its step: so many seconds of sleep.
pub(super) const SLEEPS: [&str; 3] = ["6101", "6102", "6103"];

/// The names of entries of a quota, and its bytes.
pub(super) const ROOM: (usize, u64) = (20, 64 << 10);

/// The stage of the drill.
pub(super) struct Scene {
    // First, so that it does not outlive what it needs.
    pub(super) worker: Process,
    pub(super) server: Server,
    pub(super) redis: Redis,
    /// A site that is granted with its private address.
    pub(super) open: Site,
    /// One that is granted like this, and is no destination of the secret.
    pub(super) other: Site,
    /// One that is on this machine, which is not granted.
    pub(super) closed: Site,
    folder: TempDir,
    _socket: UnixListener,
    _components: TempDir,
}

impl Scene {
    pub(super) async fn start() -> Self {
        let folder = quick_folder();
        let socket = furnish(folder.path());
        let (open, other, closed) = (Site::start().await, Site::start().await, Site::start().await);
        let redis = Redis::start();
        let grants = folder.path().join("grants.toml");
        let text = grants_of(folder.path(), &redis, [&open, &other]);
        fs::write(&grants, text).expect("written");
        let server = Server::own(Mode::Dev);
        let components = folder_of(&[guests::USES_EVERYTHING, guests::USES_PROPERLY]);
        let worker = worker(&server, components.path(), &grants, &folder.path().join("log"));
        server.registered(worker.address).await;
        // From here on nothing is where it was when the worker opened it.
        let at = |name: &str| folder.path().join(name);
        fs::rename(at("moved"), at("moved-away")).expect("moved");
        symlink(at("outside"), at("moved")).expect("linked");
        fs::remove_dir(at("gone")).expect("removed");
        symlink(at("outside"), at("gone")).expect("linked");
        Self {
            worker,
            server,
            redis,
            open,
            other,
            closed,
            folder,
            _socket: socket,
            _components: components,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The end of the run that an event starts.
    pub(super) async fn asked(&self, event: &str, data: &Value) -> Ended {
        let event = self.server.send(event, data).await;
        self.server.ended(&event).await
    }

    /// A run of the component that keeps to its grants; whether it found everything as it had left it.
    pub(super) async fn behaves(&self, text: &str) -> bool {
        let data = json!({ "text": text, "to": self.open.url("/key") });
        let ended = self.asked("testing/properly.asked", &data).await;
        ended.status == "Completed" && ended.output == json!([text, text, text, text, "200"])
    }

    /// What a text shows that nobody may see.
    pub(super) fn shows(text: &str) -> Option<&'static str> {
        let hidden = [
            (SECRET, "the secret"),
            (OUTSIDE, "the file outside"),
            (MARK, "the names of what is outside"),
            (VARIABLE, "the worker's environment"),
        ];
        hidden.into_iter().find(|(value, _)| text.contains(value)).map(|(_, what)| what)
    }

    /// Where the secret or the environment turned up: in the worker's log, or in what the engine keeps.
    pub(super) fn leaked(&self) -> Option<String> {
        let mut kept = vec![("the log", fs::read(self.path("log")).unwrap_or_default())];
        let state = self.server.data().expect("an engine of ours");
        for entry in fs::read_dir(state).expect("a folder") {
            let path = entry.expect("an entry").path();
            kept.push(("the state of the engine", fs::read(path).unwrap_or_default()));
        }
        kept.iter().find_map(|(place, bytes)| {
            let what = Self::shows(&String::from_utf8_lossy(bytes))?;
            Some(format!("{place} shows {what}"))
        })
    }

    /// What the worker has logged so far.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// The runs of which the worker has recorded that something was denied.
    pub(super) fn recorded(&self) -> BTreeSet<String> {
        let log = self.log();
        let records = log.lines().filter(|line| line.contains(" audit: "));
        let runs = records.filter_map(|line| line.split_once(" run=")?.1.split(' ').next());
        runs.map(str::to_owned).collect()
    }

    /// What has changed outside of the roots.
    pub(super) fn outside_changed(&self) -> Option<String> {
        let secret = fs::read_to_string(self.path("outside/secret")).unwrap_or_default();
        if secret != OUTSIDE {
            return Some(format!("the file outside has become {secret:?}"));
        }
        let mut names = names(&self.path("outside"));
        names.sort();
        let inner = names_count(&self.path("outside/folder"));
        let right = names == ["folder", MARK, "secret"] && inner == 0;
        (!right).then(|| format!("outside there are now {names:?}, and {inner} in the folder"))
    }

    /// How many files of the roots the worker has open.
    pub(super) fn handles(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.worker.id())).into_iter().flatten();
        let to = open.filter_map(|handle| fs::read_link(handle.ok()?.path()).ok());
        to.filter(|path| path.starts_with(self.folder.path())).count()
    }
}

/// The names in a folder.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn names_count(folder: &Path) -> usize {
    names(folder).len()
}

/// A folder in memory, where there is one: on a disk, thousands of files take long to be made to last.
fn quick_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
        .expect("a folder")
}

/// Makes the roots and what is around them; the socket in one of them.
fn furnish(folder: &Path) -> UnixListener {
    let at = |name: &str| folder.join(name);
    for name in ["files/here", "full", "moved", "gone", "own", "outside/folder"] {
        fs::create_dir_all(at(name)).expect("made");
    }
    fs::write(at("outside/secret"), OUTSIDE).expect("written");
    fs::write(at("outside").join(MARK), "").expect("written");
    fs::write(at("key"), SECRET).expect("written");
    fs::write(at("files/here/ours"), "ours").expect("written");
    let link = |to: &str, name: &str| symlink(to, at("files").join(name)).expect("linked");
    link("../outside/secret", "to-file");
    link("../outside", "to-folder");
    link("here/../to-folder", "to-link");
    link("/proc/self/root", "process-root");
    link("/proc/self/cwd", "process-folder");
    link("/proc/self/fd", "process-handles");
    link("/proc/self/environ", "process-environment");
    link("/dev/zero", "device-link");
    fs::hard_link(at("outside/secret"), at("files/hard")).expect("linked");
    let made = Command::new("mkfifo").arg(at("files/pipe")).status().expect("mkfifo");
    assert!(made.success());
    // Only root may make devices; others have the link to one.
    let device = Command::new("mknod").arg(at("files/device")).args(["c", "1", "5"]).output();
    if !device.is_ok_and(|device| device.status.success()) {
        UnixListener::bind(at("files/device")).expect("a socket in its place");
    }
    UnixListener::bind(at("files/socket")).expect("a socket")
}

/// The file of grants: everything there is for the component that wants more, and a little for its neighbour.
fn grants_of(folder: &Path, redis: &Redis, [open, other]: [&Site; 2]) -> String {
    let folder = folder.display();
    let (redis, open, other) = (redis.url(), open.url(""), other.url(""));
    let (files, bytes) = ROOM;
    format!(
        r"
[roots]
files.path = '{folder}/files'
full.path = '{folder}/full'
moved.path = '{folder}/moved'
gone.path = '{folder}/gone'
own.path = '{folder}/own'

[programs]
echo.path = '/bin/echo'
link.path = '/bin/ln'
script.path = '/bin/sh'
script.variables = {{ PATH = '/usr/bin:/bin' }}

[secrets]
key.file = '{folder}/key'
unused.file = '{folder}/key'

[redis]
url = '{redis}'

[components.uses-everything]
fs = [
    {{ root = 'files', access = 'read-write' }},
    {{ root = 'full', access = 'read-write', bytes = '{bytes} B', files = {files} }},
    {{ root = 'moved', access = 'read-write' }},
    {{ root = 'gone', access = 'read-write' }},
]
shell = [
    {{ program = 'echo', arguments = ['*'] }},
    {{ program = 'link', arguments = ['-s', '*', '*'] }},
    {{ program = 'script', arguments = ['-c', '*'], within = '3s', output = '64 KiB', processes = 8 }},
]
http = [
    {{ to = '{open}/**', private = true, within = '2s', answer = '64 KiB' }},
    {{ to = '{other}/**', private = true, within = '2s' }},
    {{ to = 'http://169.254.169.254', private = true, within = '2s' }},
    {{ to = 'http://*:*', within = '2s' }},
]
secrets = [{{ name = 'key', to = ['{open}'] }}]
redis = {{}}
keyvalue = {{ buckets = ['own'], bytes = '64 KiB' }}

[components.uses-properly]
fs = [{{ root = 'own', access = 'read-write' }}]
shell = [{{ program = 'echo', arguments = ['*'] }}]
http = [{{ to = '{open}/**', private = true }}]
secrets = [{{ name = 'key', to = ['{open}'] }}]
redis = {{}}
keyvalue = {{ buckets = ['own'] }}
"
    )
}

/// The worker, as a process of its own that writes its log to a file.
fn worker(server: &Server, components: &Path, grants: &Path, log: &Path) -> Process {
    let listen = free_address().to_string();
    let versions = components.join("versions");
    let [components, versions, grants] =
        [components, &versions, grants].map(|path| path.to_string_lossy().into_owned());
    let args = ["worker", "--listen", &listen, "--role", "host", "--app", APP];
    let of_the_drill = ["--components", &components, "--versions", &versions, "--watch", "off"];
    let limits = ["--grants", &grants, "--memory-mib", "64", "--step-limit", "15s"];
    let environment = [
        ("INNGEST_DEV", server.origin()),
        ("INNGEST_EVENT_KEY", "of-the-drill"),
        ("SYSTEM_BUS_LOG", "info"),
        ("DRILL_VARIABLE", VARIABLE),
    ];
    let log = File::create(log).expect("a file");
    let args = [&args[..], &of_the_drill, &limits].concat();
    Process::start_with_log(&args, &environment, log.into())
}
