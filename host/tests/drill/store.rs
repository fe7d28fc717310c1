//! A Redis server of the drill's own, spoken to in its protocol's simplest form.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::process::free_address;

/// The server. It ends with this value; its data is written through, so that a kill loses nothing that was answered.
pub(crate) struct Store {
    address: SocketAddr,
    folder: TempDir,
    child: Option<Child>,
}

impl Store {
    /// One that answers.
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut store = Self { address: free_address(), folder, child: None };
        store.resume().await;
        store
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Starts it with the data it had, and waits until it answers.
    pub(crate) async fn resume(&mut self) {
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.address.port().to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir"]);
        command.arg(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().expect("redis-server on PATH: `.ci/test` installs it"));
        crate::eventually("redis-server answers", async || {
            self.ask("PING").ok().filter(|said| said == "+PONG")
        })
        .await;
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        // Errors mean that it has ended by itself.
        drop(child.kill());
        drop(child.wait());
    }

    /// Holds it still, with its connections open.
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

    /// Whether it has a key.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.ask(&format!("EXISTS {key}")).expect("a running server") == ":1"
    }

    /// The first line of its answer to a command without spaces in its arguments.
    fn ask(&self, command: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect_timeout(&self.address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.kill();
    }
}
