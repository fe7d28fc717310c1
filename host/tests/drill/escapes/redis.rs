//! A Redis server of the drill's own, and a way to ask it past every capability.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::free_address;

/// How long it may take to come up.
const PATIENCE: Duration = Duration::from_mins(1);

/// The server. Killed when dropped.
pub(super) struct Redis {
    child: Child,
    address: SocketAddr,
    _data: tempfile::TempDir,
}

impl Redis {
    pub(super) fn start() -> Self {
        let (address, data) = (free_address(), tempfile::tempdir().expect("a folder"));
        let mut command = Command::new("redis-server");
        command.args(["--port", &address.port().to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no", "--dir"]).arg(data.path());
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.expect("redis-server on PATH: `.ci/test` installs it");
        let server = Self { child, address, _data: data };
        let until = Instant::now() + PATIENCE;
        while server.talk("PING").is_none() {
            assert!(Instant::now() < until, "redis-server does not come up");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    pub(super) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// The value of a key, as text.
    pub(super) fn value(&self, key: &str) -> Option<String> {
        self.talk(&format!("GET {key}"))
    }

    /// Whether any of these commands has reached it, as it counts them itself.
    pub(super) fn was_asked_for(&self, commands: &[&str]) -> Option<String> {
        let counts = self.talk("INFO commandstats").unwrap_or_default();
        let command = commands.iter().find(|name| counts.contains(&format!("cmdstat_{name}:")))?;
        Some(format!("the server was asked for {command}"))
    }

    /// Its answer to a command of one line; none where it does not answer, or has nothing.
    fn talk(&self, command: &str) -> Option<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.write_all(format!("{command}\r\n").as_bytes()).ok()?;
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_at_checked(1)? {
            ("+", text) => Some(text.to_owned()),
            ("$", length) => {
                let mut bytes = vec![0; length.parse().ok()?];
                reader.read_exact(&mut bytes).ok()?;
                String::from_utf8(bytes).ok()
            }
            _ => None,
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
