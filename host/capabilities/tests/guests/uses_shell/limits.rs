//! Limits of programs, each with a program that runs into it.

use std::fs;

use serde_json::json;

use super::Desk;

#[tokio::test(flavor = "multi_thread")]
async fn endless_output_is_cut_and_its_program_ended() {
    let desk = Desk::new().await;
    let told = desk.script("head -c 1073741824 /dev/zero").await;
    assert!(told.starts_with("Flooded after 65536 bytes"), "{told:.100}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn limits_and_no_new_privileges_are_set() {
    let desk = Desk::new().await;
    let told = desk.script("grep NoNewPrivs /proc/self/status; ulimit -c; ulimit -v").await;
    assert_eq!(told, "NoNewPrivs:\t1\n0\n1048576\n|");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_no_more_memory_than_it_may() {
    let lines = "{ program = 'small', arguments = ['-c', '*'], memory = '256 MiB' },";
    let desk = Desk::with("[programs.small]\npath = '/bin/sh'", lines).await;
    let script =
        |size| format!("dd if=/dev/zero of=/dev/null bs={size} count=1 2>/dev/null && echo fits");
    let small = json!({ "program": "small", "arguments": ["-c", script("1M")] });
    assert_eq!(desk.tells(small).await, "fits\n|");
    // One buffer of that size; it is asked for and never touched.
    let large = json!({ "program": "small", "arguments": ["-c", script("512M")] });
    assert_eq!(desk.tells(large).await, "Exited(1) after 0 bytes: ");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_writes_no_larger_file_than_it_may() {
    let lines = "{ program = 'writer', arguments = ['-c', '*'], file = '1 MiB' },";
    let desk = Desk::with("[programs.writer]\npath = '/bin/sh'", lines).await;
    let script = "head -c 4194304 /dev/zero > large";
    let command =
        json!({ "program": "writer", "arguments": ["-c", script], "folder": ["notes", ""] });
    let told = desk.tells(command).await;
    assert!(told.starts_with("Exited(") || told.starts_with("Killed("), "{told}");
    let written = fs::metadata(desk.folder.path().join("notes/large")).expect("a file").len();
    assert_eq!(written, 1 << 20);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn more_processes_than_allowed_end_all_of_them() {
    let desk = Desk::new().await;
    let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 & done; wait";
    assert!(desk.script(script).await.starts_with("Crowded"));
}
