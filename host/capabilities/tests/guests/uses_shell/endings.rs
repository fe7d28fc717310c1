//! Ways in which a program outlives its time, its launcher or its worker, and does not.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use runtime::Limits;
use serde_json::{Value, json};

use super::{Desk, PATIENCE};

/// Notes its number and stays, whatever asks it to end.
const STAYS: &str =
    "trap '' TERM HUP INT; echo $$ > pid.new; mv pid.new pid; while :; do sleep 1; done";

fn in_notes(script: &str) -> Value {
    json!({ "program": "script", "arguments": ["-c", script], "folder": ["notes", ""] })
}

/// The number that a script has noted in this folder, once it has.
async fn noted(notes: &Path) -> String {
    let began = Instant::now();
    loop {
        if let Ok(pid) = fs::read_to_string(notes.join("pid")) {
            return pid.trim().to_owned();
        }
        assert!(began.elapsed() < PATIENCE, "the program has not begun");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether a process is there and has not ended.
fn exists(pid: &str) -> bool {
    let state = if cfg!(target_os = "linux") {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").map(|(_, behind)| behind.to_owned()).unwrap_or_default()
    } else {
        let said = Command::new("ps").args(["-o", "stat=", "-p", pid]).output().expect("ps");
        String::from_utf8_lossy(&said.stdout).trim().to_owned()
    };
    !state.is_empty() && !state.starts_with('Z')
}

/// Waits until it is gone.
async fn gone(pid: &str) {
    let began = Instant::now();
    while exists(pid) {
        assert!(began.elapsed() < PATIENCE, "{pid} still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ignores_its_end_is_killed() {
    let desk = Desk::new().await;
    let mut command = in_notes(STAYS);
    command["within"] = json!(700);
    let began = Instant::now();
    assert_eq!(desk.tells(command).await, "Late after 0 bytes: ");
    assert!(began.elapsed() < PATIENCE);
    let pid = noted(&desk.folder.path().join("notes")).await;
    assert!(!exists(&pid), "{pid} still runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_asked_to_end_may_tidy_up() {
    let desk = Desk::new().await;
    let script = "trap 'echo tidy; exit 0' TERM; while :; do sleep 0.05; done";
    let command = json!({ "program": "script", "arguments": ["-c", script], "within": 500 });
    assert_eq!(desk.tells(command).await, "Late after 5 bytes: tidy\n");
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
    // Twice removed: whoever started it has ended before.
    let script = format!("setsid sh -c \"{STAYS}\" >/dev/null 2>&1 & ");
    let script =
        format!("({}) ; while [ ! -e pid ]; do sleep 0.05; done", script.replace("$$", "\\$\\$"));
    assert_eq!(desk.tells(in_notes(&script)).await, "|");
    let pid = noted(&desk.folder.path().join("notes")).await;
    assert!(!exists(&pid), "{pid} still runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn input_that_nobody_reads_holds_nothing_up() {
    let desk = Desk::new().await;
    let began = Instant::now();
    let input = "x".repeat(4 << 20);
    for (script, told) in
        [("exec 0<&-; echo closed", "closed\n|"), ("sleep 0.5; echo left", "left\n|")]
    {
        let command = json!({ "program": "script", "arguments": ["-c", script], "input": input });
        assert_eq!(desk.tells(command).await, told);
    }
    let command = json!({ "program": "script", "arguments": ["-c", "sleep 60"], "input": input, "within": 500 });
    assert_eq!(desk.tells(command).await, "Late after 0 bytes: ");
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_ends_with_a_call_that_is_given_up() {
    let desk = Desk::new().await;
    let notes = desk.folder.path().join("notes");
    let pid = tokio::select! {
        said = desk.site.run("tells", in_notes(STAYS)) => panic!("it ended: {said}"),
        pid = noted(&notes) => pid,
    };
    gone(&pid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_ends_before_its_step_does() {
    let limits = Limits { step: Duration::from_secs(4), ..Limits::default() };
    let desk = Desk::new().await.limited(limits).await;
    let began = Instant::now();
    let said = desk.site.run("tells", in_notes(STAYS)).await;
    assert_eq!(said, r#"done "Late after 0 bytes: ""#, "the step itself hears of it");
    assert!(began.elapsed() < PATIENCE);
    gone(&noted(&desk.folder.path().join("notes")).await).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_kills_its_launcher_is_ended_too() {
    let desk = Desk::new().await;
    let told = desk.tells(in_notes(&format!("kill -9 $PPID; {STAYS}"))).await;
    assert!(told.starts_with("Failed: the launcher has ended before its program"), "{told}");
    let notes = desk.folder.path().join("notes");
    // It may have been ended before it noted its number.
    if notes.join("pid").exists() {
        gone(&noted(&notes).await).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_stops_its_launcher_is_ended_too() {
    let desk = Desk::new().await;
    let mut command = in_notes(&format!("kill -STOP $PPID; {STAYS}"));
    command["within"] = json!(700);
    let began = Instant::now();
    assert_eq!(desk.tells(command).await, "Late after 0 bytes: ");
    assert!(began.elapsed() < PATIENCE);
    gone(&noted(&desk.folder.path().join("notes")).await).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_launcher_makes_an_end_when_its_call_is_given_up() {
    let desk = Desk::new().await;
    let notes = desk.folder.path().join("notes");
    let pid = tokio::select! {
        said = desk.site.run("tells", in_notes(&format!("kill -STOP $PPID; {STAYS}"))) => {
            panic!("it ended: {said}")
        }
        pid = noted(&notes) => pid,
    };
    gone(&pid).await;
}

/// Where a second process of these tests finds its folder: it plays a worker that is killed.
const PLAYS: &str = "SYSTEM_BUS_TEST_PLAYS_THE_WORKER";

#[tokio::test(flavor = "multi_thread")]
async fn a_program_ends_with_a_worker_that_is_killed() {
    if let Some(notes) = std::env::var_os(PLAYS) {
        let desk = Desk::new().await;
        // Its own folder goes nowhere; the program notes its number where the other process looks.
        let script = format!("cd '{}' && {STAYS}", notes.to_string_lossy());
        let said = desk.script(&script).await;
        panic!("it ended before its worker: {said}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let this = std::env::current_exe().expect("a path");
    let mut worker = Command::new(this)
        .args(["--exact", "uses_shell::endings::a_program_ends_with_a_worker_that_is_killed"])
        .env(PLAYS, folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("a second process");
    let pid = noted(folder.path()).await;
    assert!(exists(&pid));
    worker.kill().expect("SIGKILL");
    worker.wait().expect("its end");
    gone(&pid).await;
}
