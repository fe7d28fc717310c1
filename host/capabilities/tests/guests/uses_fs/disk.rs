//! A disk that takes no more.

use std::fs;
use std::process::Command;

use super::{Desk, WRITES};

/// The test below as it is called in a process of its own, the folder that it works in, and what it will be told.
const INNER: &str = "uses_fs::disk::what_does_not_fit_on_the_disk_leaves_what_was_there";
const FOLDER: &str = "SYSTEM_BUS_TEST_FOLDER";
const TOLD: &str = "SYSTEM_BUS_TEST_TOLD";

/// Runs it in a shell that has done this before; `$1` is its folder.
fn inner(mut command: Command, before: &str, told: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let script = format!("{before}; exec \"$2\" --exact \"$3\" --ignored");
    command.args(["sh", "-ec", &script, "sh"]);
    command.arg(folder.path()).arg(std::env::current_exe().expect("this test")).arg(INNER);
    let ran = command.env(FOLDER, folder.path()).env(TOLD, told).output().expect("it runs");
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_full_disk_is_told_and_leaves_the_old_file() {
    // A disk of a mebibyte, in a namespace that ends with its process. Not every machine lets its users make one; the
    // next test fails in the same places without it.
    let unshared = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount"]);
        unshare
    };
    let mount = "mount -t tmpfs -o size=1m none \"$1\"";
    let mut tried = unshared();
    tried.args(["sh", "-ec", mount, "sh", "/tmp"]);
    if tried.output().is_ok_and(|tried| tried.status.success()) {
        inner(unshared(), mount, "no room left");
    }
}

#[test]
fn a_file_that_the_system_cuts_short_leaves_the_old_one() {
    inner(Command::new("env"), "trap '' XFSZ; ulimit -f 1000", "no file that large");
}

#[tokio::test]
#[ignore = "needs a small disk, which the tests above make"]
async fn what_does_not_fit_on_the_disk_leaves_what_was_there() {
    let told = std::env::var(TOLD).expect("words");
    let folder = tempfile::tempdir_in(std::env::var_os(FOLDER).expect("a folder"));
    let folder = folder.expect("a folder on the small disk");
    fs::create_dir(folder.path().join("notes")).expect("made");
    let desk = Desk::at(folder, WRITES, "").await;
    let done = desk
        .does([
            ["write", "notes", "kept", "old"],
            ["write_large", "notes", "kept", "2000000"],
            ["read", "notes", "kept", ""],
            ["append_large", "notes", "kept", "2000000"],
            ["read", "notes", "kept", ""],
            ["append_large", "notes", "new", "2000000"],
            ["list", "notes", "", ""],
            ["write_large", "notes", "kept", "400000"],
            ["metadata", "notes", "kept", ""],
        ])
        .await;
    for full in [&done[1], &done[3], &done[5]] {
        assert!(full.starts_with("Exhausted: ") && full.contains(&told), "{full}");
    }
    let others = [&done[0], &done[2], &done[4], &done[6], &done[7], &done[8]];
    assert_eq!(others, ["done", "old", "old", "kept", "done", "File 400000 true"]);
    assert_eq!(fs::read_dir(desk.notes()).expect("a list").count(), 1);
}
