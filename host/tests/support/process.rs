//! The program as a process of its own, which can be killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A running `system-bus`. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What it said when it was up.
    #[allow(dead_code, reason = "only benchmarks look for more than the address")]
    pub(crate) up: Value,
}

impl Process {
    /// Starts a command that serves, and waits for the line that says where.
    pub(crate) fn start(args: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start_with_log(args, environment, Stdio::inherit())
    }

    /// The same with a place for what it logs.
    pub(crate) fn start_with_log(args: &[&str], environment: &[(&str, &str)], log: Stdio) -> Self {
        Self::spawn(&[], args, environment, log)
    }

    /// The same behind another command, which has to become it: `exec`.
    #[allow(dead_code, reason = "only the drill of outages has one")]
    pub(crate) fn behind(wrapper: &[&str], args: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::spawn(wrapper, args, environment, Stdio::inherit())
    }

    fn spawn(wrapper: &[&str], args: &[&str], environment: &[(&str, &str)], log: Stdio) -> Self {
        let whole = [wrapper, &[env!("CARGO_BIN_EXE_system-bus")]].concat();
        let mut command = Command::new(whole[0]);
        command.args(&whole[1..]).stderr(log);
        command.arg("--json").args(args).stdin(Stdio::null()).stdout(Stdio::piped());
        for (name, _) in std::env::vars_os() {
            // What this shell says about some other server must not reach our own.
            if name.to_string_lossy().starts_with("INNGEST_") {
                command.env_remove(name);
            }
        }
        command.env(
            "SYSTEM_BUS_LOG",
            std::env::var("SYSTEM_BUS_LOG").unwrap_or_else(|_| "error".to_owned()),
        );
        // Not in the folder of the sources, and shared: each guest is compiled once for all tests.
        command.env("SYSTEM_BUS_CACHE", concat!(env!("CARGO_TARGET_TMPDIR"), "/compiled"));
        // Nor are records, which few tests look at.
        command.env("SYSTEM_BUS_RECORDS", concat!(env!("CARGO_TARGET_TMPDIR"), "/records"));
        command.envs(environment.iter().copied());
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("its output is ours");
        let mut line = String::new();
        let mut stdout = BufReader::new(stdout);
        stdout.read_line(&mut line).expect("it says that it is up");
        let up: Value = serde_json::from_str(&line).unwrap_or_else(|_| {
            // Why it is not has several lines, and is the last that it says.
            drop(stdout.read_to_string(&mut line));
            panic!("not up: {line}")
        });
        let address = up["address"].as_str().and_then(|text| text.parse().ok());
        Self { child, address: address.unwrap_or_else(|| panic!("no address in {up}")), up }
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) -> SocketAddr {
        self.end();
        self.address
    }

    /// Sends the signal that supervisors send.
    #[allow(dead_code, reason = "only the drills ask")]
    pub(crate) fn ask_to_stop(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.expect("a process has an id");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    }

    /// Waits for its end, and answers with how it ended.
    #[allow(dead_code, reason = "only the drills ask")]
    pub(crate) async fn ended(&mut self) -> std::process::ExitStatus {
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Its number among the processes of the machine.
    #[allow(dead_code, reason = "only a drill asks")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its resident memory in KiB, where the system tells.
    #[allow(dead_code, reason = "only the drills ask")]
    pub(crate) fn resident_kib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// The CPU time that each of its threads has used so far, where the system tells.
    #[allow(dead_code, reason = "only benchmarks ask")]
    pub(crate) fn cpu(&self) -> BTreeMap<String, Duration> {
        let folder = format!("/proc/{}/task", self.child.id());
        let threads = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let used = threads.filter_map(|thread| {
            let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
            let nanos = text.split(' ').next()?.parse().ok()?;
            Some((thread.file_name().into_string().ok()?, Duration::from_nanos(nanos)))
        });
        used.collect()
    }

    /// The CPU time that its threads have used since then. What has ended meanwhile is not counted.
    #[allow(dead_code, reason = "only benchmarks ask")]
    pub(crate) fn cpu_since(&self, then: &BTreeMap<String, Duration>) -> Duration {
        let now = self.cpu();
        let since = |(thread, used): (&String, &Duration)| {
            used.saturating_sub(then.get(thread).copied().unwrap_or_default())
        };
        now.iter().map(since).sum()
    }

    fn end(&mut self) {
        // It may have ended by itself; then there is nothing to kill, and the wait says so.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// An address that nobody listens on now.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address")
}

/// A folder with these guests only.
pub(crate) fn folder_of(guests: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for guest in guests {
        let name = Path::new(guest).file_name().expect("a file");
        std::fs::copy(guest, folder.path().join(name)).expect("copied");
    }
    folder
}
