//! What a component may try with programs, and what becomes of it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use protocol::digest::Digest;
use serde_json::json;

use super::Desk;

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
async fn a_shell_is_not_there_unless_it_is_granted() {
    let desk = Desk::new().await;
    for program in ["sh", "bash", "/bin/sh", "/usr/bin/env"] {
        let told = desk.tells(json!({ "program": program, "arguments": ["-c", "id"] })).await;
        let expected =
            format!("Denied: the component `uses-shell` may not run a program `{program}`");
        assert!(told.starts_with(&expected), "{told}");
    }
    // Nor does a granted program take the arguments of one.
    let told = desk.tells(json!({ "program": "echo", "arguments": ["-c", "id"] })).await;
    assert!(told.starts_with("Denied: the component `uses-shell` may not give `echo`"), "{told}");
    assert_eq!(desk.denied(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_of_the_same_name_on_path_is_not_run() {
    let lines = "{ program = 'tool', variables = ['PATH'] },";
    let desk = Desk::with("[programs.tool]\npath = '/bin/pwd'", lines).await;
    let notes = desk.folder.path().join("notes");
    for name in ["tool", "pwd"] {
        fs::write(notes.join(name), "#!/bin/sh\necho caught").expect("written");
        fs::set_permissions(notes.join(name), fs::Permissions::from_mode(0o755)).expect("set");
    }
    for path in [notes.to_str().expect("a path"), ".", ""] {
        let told = desk.tells(json!({
            "program": "tool", "folder": ["notes", ""], "variables": [["PATH", path]],
        }));
        let told = told.await;
        assert!(told.ends_with("/notes\n|"), "with PATH={path}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_of_the_component_is_no_program() {
    let desk = Desk::new().await;
    fs::write(desk.folder.path().join("notes/own"), "#!/bin/sh\necho caught").expect("written");
    let programs = ["./own", "own", "notes/own", "../notes/own", "script/../own", "cat\0", "cat "];
    for program in programs {
        let told = desk.tells(json!({ "program": program, "folder": ["notes", ""] })).await;
        assert!(told.starts_with("Denied: "), "{program:?}: {told}");
    }
    assert_eq!(desk.denied(), programs.len() as u64);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn neither_a_program_nor_its_launcher_has_the_workers_environment() {
    let desk = Desk::new().await;
    // Cargo gives it to these tests, which stand in the worker's place.
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some());
    let told = desk.script("cat /proc/self/environ /proc/$PPID/environ | tr '\\0' '\\n'").await;
    assert!(told.contains("GIVEN=by the grant"), "{told}");
    assert!(!told.contains("CARGO") && !told.contains("HOME="), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_leads_elsewhere_after_the_start_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("notes")).expect("made");
    let (link, next) = (folder.path().join("tool"), folder.path().join("next"));
    symlink("/bin/cat", &link).expect("linked");
    let digest = Digest::of(&fs::read("/bin/cat").expect("cat"));
    let tables = format!("[programs.tool]\npath = '$F/tool'\nsha256 = '{digest}'");
    let desk = Desk::within(folder, &tables, "{ program = 'tool' },", "").await;
    let command = json!({ "program": "tool", "input": "as granted" });
    assert_eq!(desk.tells(command.clone()).await, "as granted|");
    symlink("/bin/echo", &next).expect("linked");
    fs::rename(&next, &link).expect("swapped");
    let told = desk.tells(command.clone()).await;
    assert!(told.starts_with("Failed: ") && told.contains("its SHA-256 is"), "{told}");
    fs::remove_file(&link).expect("removed");
    let told = desk.tells(command).await;
    assert!(told.starts_with("Missing: ") && told.contains("was not started"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_goes_after_the_start_is_refused_and_runs_when_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("notes")).expect("made");
    let tool = folder.path().join("tool");
    fs::copy("/bin/cat", &tool).expect("copied");
    let tables = "[programs.tool]\npath = '$F/tool'";
    let desk = Desk::within(folder, tables, "{ program = 'tool' },", "").await;
    let command = json!({ "program": "tool", "input": "x" });
    assert_eq!(desk.tells(command.clone()).await, "x|");
    fs::remove_file(&tool).expect("removed");
    let told = desk.tells(command.clone()).await;
    assert!(told.starts_with("Missing: ") && told.contains("tool was not started"), "{told}");
    fs::create_dir(&tool).expect("made");
    let told = desk.tells(command.clone()).await;
    assert!(told.starts_with("Failed: ") && told.contains("tool was not started"), "{told}");
    fs::remove_dir(&tool).expect("removed");
    fs::copy("/bin/cat", &tool).expect("copied");
    assert_eq!(desk.tells(command).await, "x|");
}
