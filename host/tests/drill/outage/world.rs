//! The engine, a worker with grants, and what its component needs.

use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::counter::Counter;
use crate::process::{Process, folder_of, free_address};
use crate::server::{Ended, Mode, Server};
use crate::store::Store;

/// How long a command of Redis may take, and a request to a name: what the grants say.
pub(super) const WITHIN: u64 = 1_000;

/// How many bytes the granted root may hold.
pub(super) const QUOTA: u64 = 1 << 20;

/// How many bytes the small disk has, where there is one.
const DISK: &str = "1m";

/// Mounts a small disk and another list of resolvers for this process and its children alone, then becomes the command.
const PRIVATELY: &str = r#"mount -t tmpfs -o size="$1" tmpfs "$2" && mount --bind "$3" /etc/resolv.conf && shift 3 && exec "$@""#;

/// Everything there is. What fails of it is up to the scenes.
pub(super) struct World {
    // First, so that no worker outlives what it needs.
    worker: Process,
    server: Server,
    pub(super) counter: Counter,
    pub(super) store: Mutex<Store>,
    private: bool,
    /// Asked for names, and never answers: where this process may have its port.
    _resolver: Option<UdpSocket>,
    _folders: [TempDir; 3],
}

impl World {
    pub(super) async fn start() -> Self {
        let store = Store::start().await;
        let counter = Counter::start().await;
        let components = folder_of(&[guests::USES_OUTAGE]);
        let disk = tempfile::tempdir().expect("a folder");
        let own = tempfile::tempdir().expect("a folder");
        let (full, small) = (disk.path().join("full"), own.path().join("small"));
        for folder in [&full, &small] {
            std::fs::create_dir(folder).expect("a folder");
        }
        let grants = own.path().join("grants.toml");
        std::fs::write(&grants, granted(&store, &counter, &full, &small)).expect("written");

        let (resolver, address) = resolver();
        let resolvers = own.path().join("resolv.conf");
        std::fs::write(&resolvers, format!("nameserver {address}\n")).expect("written");
        let paths = [&full, &resolvers].map(|path| path.to_string_lossy().into_owned());
        let wrapper = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", PRIVATELY];
        let wrapper = [&wrapper[..], &["privately", DISK, &paths[0], &paths[1]]].concat();
        let private = works(&wrapper);

        let server = Server::own(Mode::Dev);
        let worker = worker(
            if private { &wrapper } else { &[] },
            &server,
            components.path(),
            &own.path().join("versions"),
            &grants,
        );
        server.registered(worker.address).await;
        let store = Mutex::new(store);
        let folders = [components, disk, own];
        Self { worker, server, counter, store, private, _resolver: resolver, _folders: folders }
    }

    /// Whether the worker has a small disk and a resolver of its own, which takes leave to mount.
    pub(super) fn private(&self) -> bool {
        self.private
    }

    /// Starts a run; the event that did.
    pub(super) async fn ask(&self, function: &str, mut data: Value, name: &str) -> String {
        data["count"] = json!(self.counter.url(name));
        self.server.send(&format!("testing/{function}.requested"), &data).await
    }

    /// How the run of an event ended.
    pub(super) async fn ended(&self, event: &str) -> Ended {
        self.server.ended(event).await
    }

    /// The result of a run that has to complete.
    pub(super) async fn result(&self, function: &str, data: Value) -> Value {
        let event = self.ask(function, data, function).await;
        self.ended(&event).await.result()
    }

    /// Whether the worker still answers.
    pub(super) async fn alive(&self) -> bool {
        !self.server.health(self.worker.address).await.is_null()
    }
}

/// The file of grants.
fn granted(store: &Store, counter: &Counter, full: &Path, small: &Path) -> String {
    let (url, count) = (store.url(), counter.url(""));
    let (full, small) = (full.display(), small.display());
    format!(
        r#"[redis]
url = "{url}"
within = "{WITHIN}ms"

[roots.full]
path = "{full}"

[roots.small]
path = "{small}"

[components.uses-outage]
redis = {{}}
fs = [
    {{ root = "full", access = "read-write" }},
    {{ root = "small", access = "read-write", bytes = {QUOTA} }},
]
http = [
    {{ to = "{count}**", private = true }},
    {{ to = "http://nobody.invalid/**", within = "{WITHIN}ms" }},
]
"#
    )
}

/// A resolver that is asked and never answers, and its address. Where the port of resolvers may not be had, nobody listens
/// at the address.
fn resolver() -> (Option<UdpSocket>, &'static str) {
    const ADDRESS: &str = "127.0.0.77";
    (UdpSocket::bind((ADDRESS, 53)).ok(), ADDRESS)
}

/// Whether commands can be run behind this one.
fn works(wrapper: &[&str]) -> bool {
    let mut probe = Command::new(wrapper[0]);
    probe.args(&wrapper[1..]).arg("true").stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}

fn worker(
    wrapper: &[&str],
    server: &Server,
    components: &Path,
    versions: &Path,
    grants: &Path,
) -> Process {
    let listen = free_address().to_string();
    let [components, versions, grants] =
        [components, versions, grants].map(|path| path.to_string_lossy().into_owned());
    let arguments = [
        "worker",
        "--listen",
        &listen,
        "--role",
        "host",
        "--app",
        "outage",
        "--components",
        &components,
        "--versions",
        &versions,
        "--watch",
        "off",
        "--grants",
        &grants,
        "--step-limit",
        "20s",
    ];
    let environment = [("INNGEST_DEV", server.origin()), ("INNGEST_EVENT_KEY", "outage")];
    Process::behind(wrapper, &arguments, &environment)
}
