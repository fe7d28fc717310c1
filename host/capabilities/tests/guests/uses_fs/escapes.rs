//! Attempts to get out of a root, and to what is not for guests.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use protocol::role::Role;
use runtime::{Component, Limits, LoadError, Runtime};
use serde_json::json;
use tempfile::TempDir;

use super::{Desk, WRITES, answer, quick_folder};

/// What a guest must never see.
const SECRET: &str = "a secret of somebody else";

/// A name that no guest makes, so that a list with it is one of the folder outside.
const MARK: &str = "only-outside";

/// A root with a folder `here` in which `ours` is, and a file outside.
async fn desk() -> Desk {
    desk_in(tempfile::tempdir().expect("a folder")).await
}

async fn desk_in(folder: TempDir) -> Desk {
    for name in ["notes/here", "outside/folder"] {
        fs::create_dir_all(folder.path().join(name)).expect("made");
    }
    fs::write(folder.path().join("notes/here/ours"), "ours").expect("written");
    fs::write(folder.path().join("outside/secret"), SECRET).expect("written");
    fs::write(folder.path().join("outside").join(MARK), "").expect("written");
    Desk::at(folder, WRITES, "").await
}

/// Asserts that nobody has touched what is outside.
fn untouched(desk: &Desk) {
    assert_eq!(fs::read_to_string(desk.outside().join("secret")).expect("there"), SECRET);
    let mut names: Vec<_> = fs::read_dir(desk.outside())
        .expect("a list")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["folder", MARK, "secret"]);
    assert_eq!(fs::read_dir(desk.outside().join("folder")).expect("a list").count(), 0);
}

async fn tries(desk: &Desk, paths: &[&str]) -> Vec<String> {
    let said = desk.site.run("tries", json!({ "paths": paths })).await;
    assert!(!said.contains(SECRET) && !said.contains(MARK), "{said}");
    serde_json::from_value(answer(&said)).expect("texts")
}

#[tokio::test]
async fn dots_and_absolute_paths_lead_nowhere() {
    let desk = desk().await;
    let said = desk.site.run("leaves-its-root", json!({ "outside": "outside/secret" })).await;
    // A replacement looks at its source first, which the first round has taken away.
    let got: Vec<String> = serde_json::from_value(answer(&said)).expect("texts");
    assert_eq!(got, Vec::<String>::new());
    untouched(&desk);
}

#[tokio::test]
async fn links_out_of_the_root_lead_nowhere() {
    let desk = desk().await;
    let link = |name: &str, to: &Path| symlink(to, desk.notes().join(name)).expect("linked");
    link("absolute", &desk.outside().join("secret"));
    link("relative", Path::new("../outside/secret"));
    link("folder", &desk.outside());
    link("chain", Path::new("here/../folder"));
    link("root", Path::new("/"));
    link("process", Path::new("/proc/self/root"));
    let paths = [
        "absolute",
        "relative",
        "folder/secret",
        "folder/new",
        "folder/folder/new",
        "chain/secret",
        "root/etc/passwd",
        "process/etc/passwd",
    ];
    for told in tries(&desk, &paths).await {
        let (what, outcome) = told.split_once(": ").expect("an outcome");
        let (operation, path) = what.split_once(' ').expect("a path");
        // The link itself is the guest's own: it may look at it, and take it away.
        let own = !path.contains('/')
            && matches!(operation, "metadata" | "rename" | "replace" | "remove");
        // Nothing is left there once it was taken away.
        let gone = outcome.starts_with("Missing: ");
        let refused = outcome.starts_with("Denied: ") && outcome.contains("leads out of the root");
        assert!(own || gone || refused, "{told}");
    }
    for name in ["folder", "chain", "root", "process"] {
        // As the last part, where the whole folder would be taken.
        let [listed] = desk.does([["list", "notes", name, ""]]).await;
        assert!(listed.contains("leads out of the root"), "{name}: {listed}");
    }
    untouched(&desk);
}

#[tokio::test]
async fn files_with_other_names_outside_are_not_changed() {
    let desk = desk().await;
    fs::hard_link(desk.outside().join("secret"), desk.notes().join("linked")).expect("linked");
    symlink("linked", desk.notes().join("to-linked")).expect("linked");
    let table = [
        ["write", "notes", "linked", "ours"],
        ["append", "notes", "linked", "+"],
        ["write", "notes", "to-linked", "ours"],
        ["append", "notes", "to-linked", "+"],
    ];
    for told in desk.does(table).await {
        assert!(told.starts_with("Denied: "), "{told}");
        assert!(told.contains("more than one name"), "{told}");
    }
    untouched(&desk);
    // Whoever put it into the root has let it be read there, and its name may be given to another file.
    let read = desk
        .does([
            ["read", "notes", "linked", ""],
            ["rename", "notes", "here/ours", "linked"],
            ["append", "notes", "linked", "+"],
        ])
        .await;
    assert_eq!(read, [SECRET, "done", "done"]);
    untouched(&desk);
}

#[tokio::test]
async fn a_link_that_is_swapped_all_the_time_leads_nowhere() {
    let desk = desk_in(quick_folder()).await;
    let stop = Arc::new(AtomicBool::new(false));
    let swaps = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&swaps);
    let (notes, outside, over) = (desk.notes(), desk.outside(), Arc::clone(&stop));
    let swapper = std::thread::spawn(move || {
        let make = |name: &str| {
            let (file, folder) =
                (notes.join(format!("{name}-file")), notes.join(format!("{name}-folder")));
            (file, folder)
        };
        while !over.load(Ordering::Relaxed) {
            // Each path is a file or folder of the root at one moment, and a link out of it at the next.
            let (file, folder) = make("next");
            let _ = fs::write(&file, "ours");
            let _ = fs::rename(&file, notes.join("file"));
            let _ = symlink(outside.join("secret"), &file);
            let _ = fs::rename(&file, notes.join("file"));
            let _ = fs::create_dir(&folder);
            let _ = fs::write(folder.join("secret"), "ours");
            let _ = fs::remove_file(notes.join("folder"));
            let _ = fs::rename(&folder, notes.join("folder"));
            let _ = fs::remove_dir_all(notes.join("folder"));
            let _ = symlink(&outside, notes.join("folder"));
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let paths = ["file", "folder", "folder/secret", "folder/folder"];
    // Until both have got far enough to have met; a busy machine may need some rounds.
    let mut said = String::new();
    for _ in 0..100 {
        said += &desk.site.run("races", json!({ "times": 100, "paths": paths })).await;
        if swaps.load(Ordering::Relaxed) > 1_000 && said.contains("ours") {
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    swapper.join().expect("it ends");
    assert!(swaps.load(Ordering::Relaxed) > 1_000, "hardly anything was swapped");
    assert!(said.contains("ours"), "nothing was read between two swaps: {said}");
    assert!(!said.contains(SECRET), "{said}");
    assert!(!said.contains(MARK), "the folder outside was listed: {said}");
    untouched(&desk);
}

#[tokio::test]
async fn devices_pipes_and_sockets_are_never_opened() {
    let desk = desk().await;
    let at = |name: &str| desk.notes().join(name);
    let made = Command::new("mkfifo").arg(at("pipe")).status().expect("mkfifo");
    assert!(made.success());
    let socket = UnixListener::bind(at("socket")).expect("a socket");
    socket.set_nonblocking(true).expect("set");
    let mut paths = vec!["pipe", "socket"];
    // Only root may make devices; others have the first two.
    let device = Command::new("mknod").arg(at("device")).args(["c", "1", "5"]).output();
    if device.is_ok_and(|device| device.status.success()) {
        paths.push("device");
    }
    for path in paths {
        for operation in ["read", "read_at", "write", "append"] {
            let [told] = desk.does([[operation, "notes", path, "0+10"]]).await;
            assert!(told.starts_with("Denied: "), "{operation} {path}: {told}");
            assert!(told.contains("never opened"), "{operation} {path}: {told}");
        }
    }
    assert!(socket.accept().is_err(), "nobody has come");
}

#[tokio::test]
async fn a_root_that_is_replaced_while_the_worker_runs_is_still_the_folder_that_was_opened() {
    let desk = desk().await;
    let away = desk.folder.path().join("away");
    fs::rename(desk.notes(), &away).expect("moved");
    symlink(desk.outside(), desk.notes()).expect("linked");
    let done = desk
        .does([
            ["read", "notes", "here/ours", ""],
            ["read", "notes", "secret", ""],
            ["write", "notes", "made", "ours"],
            ["list", "notes", "", ""],
        ])
        .await;
    assert_eq!([&done[0], &done[2], &done[3]], ["ours", "done", "here/ made"]);
    assert!(done[1].starts_with("Missing: "), "{}", done[1]);
    assert_eq!(fs::read(away.join("made")).expect("there"), b"ours");
    untouched(&desk);
}

#[tokio::test]
async fn a_root_that_is_removed_while_the_worker_runs_is_missing_and_nothing_takes_its_place() {
    let desk = desk().await;
    fs::remove_dir_all(desk.notes()).expect("removed");
    symlink(desk.outside(), desk.notes()).expect("linked");
    let all = ["write", "append", "make_folder", "read", "remove"];
    for operation in all {
        let [told] = desk.does([[operation, "notes", "secret", "ours"]]).await;
        assert!(told.starts_with("Missing: "), "{operation}: {told}");
    }
    untouched(&desk);
}

#[tokio::test]
async fn names_with_line_ends_are_names_and_too_long_ones_are_none() {
    let desk = desk().await;
    let odd = "a\n/etc\u{202e}/b";
    let done = desk
        .does([
            ["make_folder", "notes", "a\n/etc\u{202e}", ""],
            ["write", "notes", odd, "ours"],
            ["read", "notes", odd, ""],
            ["write", "notes", "a\n/../../outside/new", "x"],
            ["write", "notes", "a\0/../../outside/new", "x"],
            ["write", "notes", &"x".repeat(256), "x"],
            ["write", "notes", &"x/".repeat(600), "x"],
        ])
        .await;
    assert_eq!(done[..3], ["done", "done", "ours"]);
    assert!(desk.notes().join(odd).is_file());
    assert!(done[3].starts_with("Denied: "), "{}", done[3]);
    for told in &done[4..] {
        assert!(told.starts_with("Invalid: "), "{told}");
    }
    untouched(&desk);
}

#[tokio::test]
async fn links_of_the_worker_s_own_process_lead_nowhere() {
    let desk = desk().await;
    for name in ["root", "cwd", "fd", "environ", "mem"] {
        symlink(format!("/proc/self/{name}"), desk.notes().join(name)).expect("linked");
    }
    let paths = ["root/etc/passwd", "cwd/Cargo.toml", "fd/0", "environ", "mem"];
    for path in paths {
        for operation in ["read", "read_at", "write", "append"] {
            let [told] = desk.does([[operation, "notes", path, "0+10"]]).await;
            assert!(told.starts_with("Denied: "), "{operation} {path}: {told}");
            assert!(told.contains("leads out of the root"), "{operation} {path}: {told}");
        }
    }
}

#[tokio::test]
async fn outside_of_a_step_there_are_no_files_and_the_line_is_named() {
    let desk = desk().await;
    fs::write(desk.notes().join("a"), "x").expect("written");
    let said = desk.site.run("reads-outside", json!({})).await;
    assert!(said.contains("fs"), "{said}");
    assert!(said.contains("uses_fs.rs:"), "{said}");
    assert!(!said.starts_with("done"), "{said}");
}

#[tokio::test]
async fn files_keep_a_component_out_of_clusters() {
    let desk = desk().await;
    let placement = desk.site.component.placement();
    assert_eq!(placement.roles().collect::<Vec<_>>(), [Role::Host]);
    let forced: Vec<_> =
        placement.forced().map(|(role, import)| (role, import.name.clone())).collect();
    for interface in ["fs-read", "fs-write"] {
        let name = format!("system-bus:durable/{interface}");
        assert!(
            forced.iter().any(|(role, import)| *role == Role::Cluster && import.starts_with(&name)),
            "{forced:?}"
        );
    }
}

#[tokio::test]
async fn bytes_that_hide_their_imports_do_not_link() {
    let desk = desk().await;
    let mut bytes = fs::read(guests::USES_FS).expect("a built guest");
    // Names of the same length that clusters have, so that the rest of the file is as it was.
    for (asked, shown) in [
        ("system-bus:durable/fs-read@0.1.0", "wasi:cli/environment@0.2.1234567"),
        ("system-bus:durable/fs-write@0.1.0", "system-bus:durable/blocking@0.1.0"),
        ("system-bus:durable/fs-types@0.1.0", "wasi:cli/terminal-stdout@0.2.1234"),
    ] {
        let at = bytes.windows(asked.len()).position(|part| part == asked.as_bytes());
        let at = at.expect("it imports this");
        bytes[at..at + shown.len()].copy_from_slice(shown.as_bytes());
    }
    let hidden = Component::load(&desk.site.runtime, "uses_fs", bytes).await;
    let error = hidden.expect_err("it does not link");
    assert!(matches!(error, LoadError::Link { .. }), "{error}");
}

#[tokio::test]
async fn a_worker_without_files_does_not_load_what_asks_for_them() {
    let runtime = Runtime::new(Limits::default(), Vec::new()).expect("an engine");
    let bytes = fs::read(guests::USES_FS).expect("a built guest");
    let error = Component::load(&runtime, "uses_fs", bytes).await.expect_err("it is refused");
    assert!(matches!(error, LoadError::Imports { .. }), "{error}");
    let said = error.to_string();
    assert!(
        said.contains("system-bus:durable/fs-") && said.contains("nothing stands behind it"),
        "{error}"
    );
}
