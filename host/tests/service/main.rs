//! A worker as a service: what its supervisor is given, and what it is told.

#[path = "../support/counter.rs"]
#[allow(dead_code, reason = "other tests ask for more")]
mod counter;
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

use self::counter::Counter;
use self::patience::{PATIENCE, eventually};
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

/// A supervisor that notes what it is told; the test does it then.
#[cfg(unix)]
fn supervisor(home: &Path) -> std::path::PathBuf {
    use std::os::unix::fs::PermissionsExt as _;

    let (told, program) = (home.join("told"), home.join("systemctl"));
    let text = format!("#!/bin/sh\necho \"$@\" >> {}\n", told.display());
    std::fs::write(&program, text).expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("set");
    told
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_started_anew_ends_its_step_first() {
    let home = tempfile::tempdir().expect("a folder");
    let told = supervisor(home.path());
    let server = Server::own(Mode::Dev);
    let components = process::folder_of(&[guests::STEPS]);
    let mut old = server.worker(&components, process::free_address()).await;
    let url = format!("http://{}", old.address);
    let restart = ["inngest", "restart-worker", "--supervisor", "systemd", "--worker", &url];

    // Without a service nobody would start it again.
    let (code, answer) = ask(home.path(), &restart);
    let said = answer["error"]["message"].as_str().expect("why");
    assert!(code == 1 && said.contains("make the worker one with `system-bus service"), "{answer}");
    assert!(!told.exists());
    let install = ["service", "install", "--no-start", "--supervisor", "systemd", "--", "--role"];
    assert_eq!(ask(home.path(), &[&install[..], &["host"]].concat()).0, 0);

    // A step runs, and takes as long as the test wants.
    let counter = Counter::start().await;
    counter.hold("one", "flaky");
    let event =
        server.send("testing/retried.requested", &json!({"count": counter.url("one")})).await;
    counter.reached("one", "flaky", 1).await;
    let (code, answer) = ask(home.path(), &[&restart[..], &["--wait-ms", "200"]].concat());
    let result = &answer["result"];
    assert_eq!((code, &result["handing_over"]), (0, &json!(true)), "{answer}");
    assert_eq!(
        (&result["restarted"], &result["active_call_count"]),
        (&json!(false), &json!(1)),
        "{answer}"
    );
    let calls = result["active_calls"][0]["function"].as_str().expect("a call");
    assert!(calls.ends_with("-retried"), "{answer}");
    let noted = std::fs::read_to_string(&told).expect("it was told");
    assert_eq!(noted, "--user --no-block restart system-bus\n");

    // What the supervisor does.
    old.ask_to_stop();
    counter.release();
    old.ended().await;
    assert_eq!(server.ended(&event).await.result(), json!(0));
    assert_eq!(counter.counts("one")["flaky"], 1, "the step ran once");
    let asked = {
        let (home, restart) = (home.path().to_owned(), restart.map(str::to_owned));
        tokio::task::spawn_blocking(move || {
            let restart: Vec<_> = restart.iter().map(String::as_str).collect();
            ask(&home, &[&restart[..], &["--register", "--wait-ms", "240000"]].concat())
        })
    };
    eventually("it is asked again", async || {
        let noted = std::fs::read_to_string(&told).ok()?;
        (noted.lines().count() == 2).then_some(())
    })
    .await;
    let _new = server.worker(&components, old.address).await;
    let (code, answer) = asked.await.expect("asked");
    let result = &answer["result"];
    assert_eq!(
        (code, &result["restarted"], &result["registered"]),
        (0, &json!(true), &json!(true)),
        "{answer}"
    );
    assert_eq!(result["active_call_count"], Value::Null, "nobody was there to tell");
}

#[cfg(unix)]
#[test]
fn a_restart_that_the_supervisor_refuses_is_told() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = tempfile::tempdir().expect("a folder");
    let install = ["service", "install", "--no-start", "--supervisor", "systemd", "--", "--role"];
    assert_eq!(ask(home.path(), &[&install[..], &["host"]].concat()).0, 0);
    let program = home.path().join("systemctl");
    std::fs::write(&program, "#!/bin/sh\necho 'the bus is away' >&2\nexit 1\n").expect("written");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("set");
    let restart = ["inngest", "restart-worker", "--supervisor", "systemd"];
    let nobody = ["--worker", "http://127.0.0.1:1", "--wait-ms", "0"];
    let (code, answer) = ask(home.path(), &[&restart[..], &nobody].concat());
    let said = answer["error"]["message"].as_str().expect("why");
    assert!(code == 1 && said.contains("the bus is away"), "{answer}");
    // A supervisor that takes it, and no worker that comes.
    std::fs::write(&program, "#!/bin/sh\n").expect("written");
    let (code, answer) = ask(home.path(), &[&restart[..], &nobody].concat());
    assert_eq!((code, &answer["result"]["restarted"]), (1, &json!(false)), "{answer}");
}
