//! A file of settings: what it says is done, less than what the environment and the command line say; what is wrong in it stops
//! the start.

use std::process::Command;

use serde_json::{Value, json};

use crate::{Process, Server, folder_of, free_address, turn};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_file_says_counts_less_than_the_environment_and_the_command_line() {
    let _turn = turn().await;
    let server = Server::start(None).expect("a server of any mode");
    let components = folder_of(&[guests::STEPS]);
    let [versions, file] = ["versions", "settings.toml"].map(|name| components.path().join(name));
    let (listen, other) = (free_address(), free_address());
    let text = format!(
        "[worker]\nrole = \"cluster\"\nlisten = \"{listen}\"\ncomponents = {:?}\nversions = {versions:?}\nwatch = false\napp = \"of-the-file\"\n",
        components.path()
    );
    std::fs::write(&file, text).expect("written");
    let file = file.to_string_lossy();
    let mut environment: Vec<_> = server.environment();
    environment.push(("INNGEST_APP_ID", crate::server::APP.to_owned()));
    let environment: Vec<_> =
        environment.iter().map(|(name, value)| (*name, value.as_str())).collect();

    let worker = Process::start(&["worker", "--config", &file], &environment);
    assert_eq!(worker.address, listen, "the file says so");
    server.registered(listen).await;
    let health = server.health(listen).await;
    assert_eq!(
        (&health["role"], &health["app"]),
        (&json!("cluster"), &json!(crate::server::APP)),
        "{health}"
    );
    drop(worker);

    let listened = other.to_string();
    let worker =
        Process::start(&["worker", "--config", &file, "--listen", &listened], &environment);
    assert_eq!(worker.address, other, "the command line says so");
}

#[test]
fn what_is_wrong_in_a_file_stops_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("settings.toml");
    for (text, part) in [
        (Some("[worker]\nroel = \"cluster\"\n"), "did you mean role?"),
        (Some("[worker]\ndrain = \"soon\"\n"), "soon"),
        (None, "cannot be read"),
    ] {
        match text {
            Some(text) => std::fs::write(&file, text).expect("written"),
            None => std::fs::remove_file(&file).expect("removed"),
        }
        let output = Command::new(env!("CARGO_BIN_EXE_system-bus"))
            .args(["--json", "worker", "--config"])
            .arg(&file)
            .env("INNGEST_DEV", "1")
            .output()
            .expect("the program runs");
        let said: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        let message = said["error"]["message"].as_str().expect("why");
        assert!(!output.status.success() && message.contains(part), "{text:?}: {message}");
    }
}
