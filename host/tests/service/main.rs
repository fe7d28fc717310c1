//! A worker as a service: what its supervisor is given, and what it is told.

#[path = "../support/patience.rs"]
mod patience;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/server.rs"]
#[allow(dead_code, reason = "only a part of the server is needed")]
mod server;

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use self::patience::eventually;
use self::server::{Mode, Server};

/// Asks the program, with this folder as the user's home.
fn ask(home: &Path, words: &[&str]) -> (i32, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_system-bus"))
        .args([&["--json"], words].concat())
        .env("HOME", home)
        // No supervisor is found, so none of this machine is asked to do anything.
        .env("PATH", home)
        .current_dir(home)
        .output()
        .expect("the program runs");
    let answer = serde_json::from_slice(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().expect("a code"), answer.unwrap_or_else(|_| panic!("{output:?} {said}")))
}

#[test]
fn a_service_is_written_and_removed() {
    let home = tempfile::tempdir().expect("a folder");
    let named = ["--supervisor", "systemd", "--name", "bus.host"];
    let worker = ["--", "--role", "host", "--drain", "90s", "--components", "/srv/functions"];
    let (code, answer) =
        ask(home.path(), &[&["service", "install", "--no-start"], &named[..], &worker].concat());
    assert_eq!((code, &answer["result"]["ran"]), (0, &json!(false)), "{answer}");
    let file = home.path().join(".config/systemd/user/bus.host.service");
    assert_eq!(answer["result"]["path"], json!(file));
    let unit = std::fs::read_to_string(&file).expect("it is written");
    for part in
        ["worker --role host --drain 90s --components /srv/functions", "TimeoutStopSec=100\n"]
    {
        assert!(unit.contains(part), "{part}\n{unit}");
    }
    let home_of = format!("EnvironmentFile=-{}/.config/system-bus.env", home.path().display());
    assert!(unit.contains(&home_of), "{unit}");
    assert_eq!(answer["result"]["commands"][0], "systemctl --user daemon-reload");

    // The same is printed, and nothing is written for that.
    let (_, printed) = ask(home.path(), &[&["service", "print"], &named[..], &worker].concat());
    assert_eq!(printed["result"]["text"], json!(unit));
    let (code, gone) = ask(home.path(), &[&["service", "uninstall"], &named[..]].concat());
    assert_eq!((code, file.exists()), (0, false), "{gone}");
    let (code, again) = ask(home.path(), &[&["service", "uninstall"], &named[..]].concat());
    let said = again["error"]["message"].as_str().expect("why");
    assert!(code == 1 && said.contains("there is no service bus.host at"), "{again}");
}

#[test]
fn what_would_not_start_is_not_written() {
    let home = tempfile::tempdir().expect("a folder");
    for (words, code, said) in [
        (
            &["service", "install", "--supervisor", "launchd", "--", "--roll", "host"][..],
            1,
            "would not start",
        ),
        (
            &["service", "install", "--supervisor", "launchd", "--", "--drain", "soon"],
            1,
            "would not start",
        ),
        (&["service", "print", "--name", "../x"], 2, "is no name of a service"),
        // Started, where there is no supervisor.
        (
            &["service", "install", "--supervisor", "systemd", "--", "--role", "host"],
            1,
            "cannot be run",
        ),
    ] {
        let (ended, answer) = ask(home.path(), words);
        let message = answer["error"]["message"].as_str().expect("why");
        assert!(ended == code && message.contains(said), "{words:?}: {answer}");
    }
    assert!(!home.path().join("Library").exists(), "nothing was written");
}

/// A supervisor listens where systemd would.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_supervisor_is_told_when_calls_are_served_and_when_that_ends() {
    use std::os::unix::net::UnixDatagram;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("bound");
    socket.set_nonblocking(true).expect("set");
    let next = async || {
        eventually("the supervisor is told", async || {
            let mut words = [0; 100];
            let length = socket.recv(&mut words).ok()?;
            Some(String::from_utf8_lossy(&words[..length]).into_owned())
        })
        .await
    };
    let server = Server::own(Mode::Dev);
    let components = process::folder_of(&[guests::STEPS]);
    let components = components.path().to_string_lossy().into_owned();
    let words =
        ["worker", "--role", "cluster", "--listen", "127.0.0.1:0", "--components", &components];
    let path = path.to_string_lossy().into_owned();
    let environment = [("INNGEST_DEV", server.origin()), ("NOTIFY_SOCKET", path.as_str())];
    let worker = process::Process::start(&words, &environment);
    assert_eq!(next().await, "READY=1");
    worker.ask_to_stop();
    assert_eq!(next().await, "STOPPING=1");
}
