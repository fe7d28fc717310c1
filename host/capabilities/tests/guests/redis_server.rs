//! A Redis server of a test's own: the real program, on a free port of the loopback, with its data in a folder that goes
//! away with it.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use capabilities::redis::Shared;
use redis::{Client, Commands, Connection};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long a server may take to come up.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server. It ends with this value.
pub(crate) struct RedisServer {
    port: u16,
    folder: TempDir,
    child: Option<Child>,
    options: Vec<String>,
}

impl RedisServer {
    /// A running server.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// The same with more options of its command line.
    pub(crate) fn with(options: &[&str]) -> Self {
        let mut server = Self {
            port: free_port(),
            folder: tempfile::tempdir().expect("a folder"),
            child: None,
            options: options.iter().map(ToString::to_string).collect(),
        };
        server.resume();
        server
    }

    /// Starts it where it was stopped, with the data it had.
    pub(crate) fn resume(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "always", "--dir"]);
        command.arg(self.folder.path()).args(&self.options);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        self.child = Some(child.expect("redis-server on PATH: `.ci/test` installs it"));
        let until = Instant::now() + PATIENCE;
        while self.connect().and_then(|mut own| own.ping::<String>()).is_err() {
            assert!(Instant::now() < until, "redis-server does not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills it, as a power cut does.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        child.kill().expect("a child of ours");
        child.wait().expect("a child of ours");
    }

    /// Holds it still, with its connections open, as a machine does that swaps or a network that loses everything.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it runs");
        kill_process(Pid::from_child(child), signal).expect("a child of ours");
    }

    /// Lets it run, and answer nothing, for so long.
    pub(crate) fn stall(&self, time: Duration) -> std::thread::JoinHandle<()> {
        let mut own = self.connection();
        std::thread::spawn(move || {
            // Its answer comes when it goes on.
            let slept = redis::cmd("DEBUG").arg("SLEEP").arg(time.as_secs_f64()).exec(&mut own);
            slept.expect("a server that sleeps");
        })
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What the host shares, with a time for each command.
    pub(crate) fn shared(&self, within: &str) -> Arc<Shared> {
        let toml = format!("[redis]\nurl = {:?}\nwithin = {within:?}", self.url());
        shared(&toml)
    }

    /// A connection that sees all keys.
    pub(crate) fn connection(&self) -> Connection {
        self.connect().expect("a running server")
    }

    /// The names of all keys, in order.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.connection().keys("*").expect("keys");
        keys.sort();
        keys
    }

    fn connect(&self) -> redis::RedisResult<Connection> {
        Client::open(self.url())?.get_connection_with_timeout(Duration::from_secs(1))
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the host shares, from a file of grants.
pub(crate) fn shared(toml: &str) -> Arc<Shared> {
    let grants = capabilities::grants::parse(toml).expect("grants");
    Arc::new(Shared::new(&grants.redis.expect("a server")).expect("a server"))
}

/// A port that nothing listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback");
    listener.local_addr().expect("an address").port()
}
