//! What a component may try with programs, and what becomes of it.

use std::time::{Duration, Instant};

use serde_json::json;

use super::Desk;

/// Much longer than any of these programs may last.
const PATIENCE: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_granted_is_denied_whatever_it_is_called() {
    let desk = Desk::new().await;
    let programs = ["sh", "/bin/sh", "./echo", "../bin/echo", "ECHO", ""];
    for program in programs {
        let told = desk.tells(json!({ "program": program, "arguments": ["-c", "id"] })).await;
        assert!(told.starts_with("Denied: "), "{program}: {told}");
    }
    assert_eq!(desk.denied(), programs.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn metacharacters_arrive_as_they_are() {
    let desk = Desk::new().await;
    let text = "$(id); `id` && id | id > x * ~";
    let told = desk.tells(json!({ "program": "echo", "arguments": [text] })).await;
    assert_eq!(told, format!("{text}\n|"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_argument_cannot_become_an_option() {
    let desk = Desk::new().await;
    for arguments in [vec!["--output=/etc/passwd"], vec!["-n"], vec![], vec!["a", "b"]] {
        let told = desk.tells(json!({ "program": "echo", "arguments": arguments })).await;
        assert!(told.starts_with("Denied: "), "{arguments:?}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_that_of_the_grant() {
    let desk = Desk::new().await;
    let script = ["-c", "env | cut -d= -f1 | grep -v -x -e PWD -e _ -e SHLVL -e OLDPWD | sort"];
    let command = json!({
        "program": "script", "arguments": script, "variables": [["ADDED", "x"]],
    });
    assert_eq!(desk.tells(command).await, "ADDED\nGIVEN\nPATH\n|");
    let command = json!({
        "program": "script", "arguments": script, "variables": [["LD_PRELOAD", "/x.so"]],
    });
    assert!(desk.tells(command).await.starts_with("Denied: "));
    let command = json!({
        "program": "script", "arguments": script, "variables": [["PATH", "/tmp"]],
    });
    assert!(desk.tells(command).await.starts_with("Denied: "));
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_output_is_cut_and_its_program_ended() {
    let desk = Desk::new().await;
    let told = desk.script("head -c 1073741824 /dev/zero").await;
    assert!(told.starts_with("Flooded after 65536 bytes"), "{told:.100}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ignores_its_end_is_killed() {
    let desk = Desk::new().await;
    let began = Instant::now();
    let script = "trap '' TERM; echo here; while :; do sleep 1; done";
    let command = json!({ "program": "script", "arguments": ["-c", script], "within": 500 });
    assert_eq!(desk.tells(command).await, "Late after 5 bytes: here\n");
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grandchild_that_keeps_the_pipe_open_is_ended_too() {
    let desk = Desk::new().await;
    let began = Instant::now();
    assert_eq!(desk.script("sleep 60 & echo done").await, "done\n|");
    assert!(began.elapsed() < PATIENCE);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_in_a_session_of_its_own_is_ended_too() {
    let desk = Desk::new().await;
    let told =
        desk.script("setsid sh -c 'echo $$; trap \"\" TERM; exec sleep 60' & sleep 0.5").await;
    let pid: u32 = told.trim_end_matches(['|', '\n']).parse().unwrap_or_else(|_| panic!("{told}"));
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "{pid} still runs");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn more_processes_than_allowed_end_all_of_them() {
    let desk = Desk::new().await;
    // As many as a bomb has in its first moments, and no more, whatever the limit does.
    let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 & done; wait";
    assert!(desk.script(script).await.starts_with("Crowded"));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn limits_and_no_new_privileges_are_set() {
    let desk = Desk::new().await;
    let told = desk.script("grep NoNewPrivs /proc/self/status; ulimit -c; ulimit -v").await;
    assert_eq!(told, "NoNewPrivs:\t1\n0\n1048576\n|");
}
