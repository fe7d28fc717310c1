//! The servers as processes: starting them, and reading what they cost.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::{Kind, Mode};

/// Tells the same program that it is a server this time, and which.
const SERVE: &str = "BENCH_SERVE";

/// Which server this process is to be, if any.
pub(crate) fn asked_to_serve() -> Option<(Kind, Mode)> {
    Some(match env::var(SERVE).ok()?.as_str() {
        "worker signed" => (Kind::Worker, Mode::Signed),
        "worker dev" => (Kind::Worker, Mode::Dev),
        "plain signed" => (Kind::Plain, Mode::Signed),
        "plain dev" => (Kind::Plain, Mode::Dev),
        other => panic!("{SERVE} says {other}"),
    })
}

/// Tells the process that started this one where it listens, and ends this one when that one has ended.
pub(crate) fn serve_until_alone(address: SocketAddr) {
    println!("{address}");
    // Ends when the other side is closed, whatever becomes of the process that held it.
    drop(std::io::stdin().read_to_end(&mut Vec::new()));
}

/// A running server. Ends when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(kind: Kind, mode: Mode) -> Self {
        let role = match kind {
            Kind::Worker => "worker",
            Kind::Plain => "plain",
        };
        let mode = match mode {
            Mode::Signed => "signed",
            Mode::Dev => "dev",
        };
        let mut child = Command::new(env::current_exe().expect("a path"))
            .env(SERVE, format!("{role} {mode}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process");
        let mut line = String::new();
        let said = child.stdout.take().expect("a pipe");
        BufReader::new(said).read_line(&mut line).expect("a line");
        Self { child, address: line.trim().parse().expect("an address") }
    }

    /// The CPU time that all threads of the process have used so far.
    pub(crate) fn cpu(&self) -> Duration {
        let folder = format!("/proc/{}/task", self.child.id());
        let threads = std::fs::read_dir(folder).expect("Linux").flatten();
        let nanos = threads.map(|thread| {
            let text = std::fs::read_to_string(thread.path().join("schedstat"));
            let first = text.ok().and_then(|text| text.split(' ').next()?.parse().ok());
            first.unwrap_or(0)
        });
        Duration::from_nanos(nanos.sum())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}
