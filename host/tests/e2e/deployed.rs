//! What a worker does with its folder, its log and its predecessor when it starts.

use std::io::Write;
use std::process::Command;

use serde_json::json;

use crate::{Server, eventually, folder_of, free_address, turn, worker};

/// Puts a guest in the place of the component `steps`.
fn replace(components: &tempfile::TempDir, guest: &str) {
    let beside = components.path().join(".steps.wasm");
    std::fs::copy(guest, &beside).expect("copied");
    std::fs::rename(beside, components.path().join("steps.wasm")).expect("renamed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_is_no_reload_where_somebody_has_to_ask() {
    let _turn = turn().await;
    let server = Server::start(None).expect("a server of any mode");
    let (first, components) = worker(&server).await;
    let before = server.health(first.address).await;
    replace(&components, guests::CHANGED);
    let address = first.kill();
    let again = server.worker(&components, address).await;
    let after = server.health(again.address).await;
    assert_eq!(after["components"], before["components"], "what was active is");
    assert_eq!((&after["generation"], &after["registered"]), (&json!(1), &json!(true)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_log_is_told_while_calls_go_on() {
    let _turn = turn().await;
    let server = Server::start(None).expect("a server of any mode");
    let (worker, components) = worker(&server).await;
    let log = components.path().join("versions/activations.jsonl");
    let good = std::fs::read_to_string(&log).expect("the log").lines().count();
    let mut log = std::fs::OpenOptions::new().append(true).open(log).expect("the log");
    log.write_all(b"no line\n").expect("written");
    let said = eventually("health tells of the log", async || {
        let health = server.health(worker.address).await;
        let refused = health["refused"].to_string();
        (health["status"] == "degraded" && refused.contains("activation log")).then_some(refused)
    })
    .await;
    assert!(said.contains(&format!("line {}", good + 1)), "it names the line: {said}");
    let event = server.send("testing/five.requested", &json!({})).await;
    assert_eq!(server.ended(&event).await.result(), json!([1, 2, 3, 4, 5]));
}

#[test]
fn nothing_is_taken_from_a_worker_that_does_not_answer() {
    let components = folder_of(&[guests::STEPS]);
    let versions = components.path().join("versions");
    let (nobody, server) = (format!("http://{}", free_address()), free_address());
    let output = Command::new(env!("CARGO_BIN_EXE_system-bus"))
        .args(["worker", "--role", "cluster", "--listen", "127.0.0.1:0", "--replace", &nobody])
        .arg("--components")
        .arg(components.path())
        .arg("--versions")
        .arg(&versions)
        .arg("--cache")
        .arg(components.path().join("cache"))
        .env("INNGEST_DEV", format!("http://{server}"))
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&nobody) && said.contains("nothing was changed"), "{said}");
    assert!(!versions.exists(), "not even a versions folder was made");
}
