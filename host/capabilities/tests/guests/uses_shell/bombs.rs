//! Programs that multiply, and are ended with all that they have become. On Linux, where processes are counted.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Desk, PATIENCE};

/// A bomb: each process starts two more and stays. Its depth bounds it, should nothing else do so.
const BOMB: &str = r#"
echo $$ >> pids
if [ "$1" -gt 0 ]; then
    for side in 1 2; do $2 sh ./bomb $(($1 - 1)) $2 & done
fi
sleep 60
"#;

/// Sets it off, and waits until none of its processes is left.
async fn explode(command: &str) {
    let desk = Desk::new().await;
    let notes = desk.folder.path().join("notes");
    fs::write(notes.join("bomb"), BOMB).expect("written");
    let script = json!({
        "program": "script", "arguments": ["-c", command], "folder": ["notes", ""],
    });
    let began = Instant::now();
    let told = desk.tells(script).await;
    assert!(told.starts_with("Crowded"), "{told}");
    assert!(began.elapsed() < PATIENCE);
    let pids = fs::read_to_string(notes.join("pids")).expect("it went off");
    // Of nine processes, four at least have started others, and noted themselves before.
    assert!(pids.lines().count() >= 4, "{pids}");
    for pid in pids.lines() {
        assert!(!lives(pid, "bomb"), "{pid} of {} is left", pids.lines().count());
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let later = fs::read_to_string(notes.join("pids")).expect("it went off");
    assert_eq!(pids, later, "nobody is left who starts more");
}

/// Whether the process of this number is there and was started with this word; numbers are used again.
fn lives(pid: &str, word: &str) -> bool {
    let line = fs::read(Path::new("/proc").join(pid).join("cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).contains(word)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_is_ended_with_all_its_processes() {
    explode("exec sh ./bomb 8").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_in_sessions_of_its_own_is_ended_too() {
    explode("exec sh ./bomb 8 setsid").await;
}
