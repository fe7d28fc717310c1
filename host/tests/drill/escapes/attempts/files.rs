//! Attempts with files.

use serde_json::{Value, json};

use crate::Size;
use crate::escapes::attempt::Attempt;
use crate::escapes::attempt::Refusal::{Fails, Told};
use crate::escapes::scene::{ROOM, Scene, names};
use crate::escapes::swapper::SWAPPED;

const FILES: &str = "testing/files.tried";

/// Everything that can be done at a path.
const ALL: [&str; 8] =
    ["read", "list", "metadata", "append", "write", "make_folder", "rename", "remove"];

/// What follows a link, or would have to open what it finds.
const FOLLOWING: [&str; 3] = ["read", "append", "write"];

pub(super) fn attempts(size: Size) -> Vec<Attempt> {
    let mut all = paths(size);
    all.extend(room(size));
    all
}

/// These operations at each of these paths.
fn each(operations: &[&str], paths: &[&str]) -> Value {
    let operations = paths.iter().flat_map(|path| {
        operations.iter().map(move |operation| json!([operation, "files", path, "here/taken"]))
    });
    operations.collect()
}

fn tries(what: &'static str, tries: Value, told: &'static [&'static str]) -> Attempt {
    Attempt::new(what, FILES, tries, Told(told)).unless(Scene::outside_changed)
}

/// Attempts to get out of a root, or at what is no file.
fn paths(size: Size) -> Vec<Attempt> {
    let race = json!([["race", "files", SWAPPED, size.pick("3000", "300")]]);
    let up = ["..", "../outside/secret", "here/../../outside/secret", "./..//outside/secret"];
    let absolute = ["/etc/passwd", "//etc/passwd", "/proc/self/environ", "/"];
    let links = ["to-file", "to-folder/secret", "to-folder/new", "to-link/secret"];
    let process = [
        "process-root/etc/passwd",
        "process-folder/Cargo.toml",
        "process-handles/0",
        "process-environment",
    ];
    let long = "x".repeat(1 << 20);
    let own_program = json!([{
        "program": "link", "arguments": ["-s", "../outside", "made-by-a-program"],
        "folder": ["files", ""],
    }]);
    vec![
        tries("a path that leads up", each(&ALL, &up), &["Denied: "]),
        tries("an absolute path", each(&ALL, &absolute), &["Denied: "]),
        tries(
            "a link to a file or folder outside",
            each(&FOLLOWING, &links),
            &["leads out of the root"],
        ),
        tries("a link of /proc/self", each(&FOLLOWING, &process), &["leads out of the root"]),
        tries(
            "a link that the component's own program makes",
            each(&FOLLOWING, &["made-by-a-program/secret", "made-by-a-program/new"]),
            &["leads out of the root"],
        )
        .after("testing/programs.tried", own_program),
        tries(
            "writing to a file with another name outside",
            each(&["append", "write"], &["hard"]),
            &["more than one name"],
        ),
        tries("a path that is swapped with links", race, &["ours"]),
        tries(
            "a device, a pipe, a socket",
            each(&FOLLOWING, &["device", "pipe", "socket"]),
            &["never opened"],
        ),
        tries("a link to a device", each(&FOLLOWING, &["device-link"]), &["leads out of the root"]),
        tries(
            "a name that is too long",
            each(&["write"], &[&"x".repeat(300), &long, &"d/".repeat(65)]),
            &["Invalid: "],
        ),
        tries("a name with a NUL character", each(&["write"], &["a\0b"]), &["Invalid: "]),
        tries(
            "a name with a line end, to end up elsewhere",
            each(&["write"], &["a\n/../../outside/new"]),
            &["Denied: "],
        ),
        tries("a root that was moved, with a link in its place", in_root("moved"), &["done"]),
        tries("a root that was removed, with a link in its place", in_root("gone"), &["Missing: "]),
        tries("a root that nobody granted", in_root("own"), &["Denied: "]),
        Attempt::new(
            "a file where nothing may happen",
            OUTSIDE_STEP,
            json!([]),
            Fails("files.rs:"),
        )
        .unless(|scene| {
            let made = scene.path("files/made-outside").exists();
            made.then(|| "the file was made".to_owned())
        }),
        Attempt::new(
            "the environment, arguments and files of a process",
            "testing/itself.tried",
            json!(["environment", "arguments", "files"]),
            Told(&["nothing is there"]),
        ),
        Attempt::new(
            "calls of the host without an end",
            "testing/itself.tried",
            json!(["bomb"]),
            Fails("for longer than the limit of"),
        ),
    ]
}

const OUTSIDE_STEP: &str = "testing/files-outside.tried";

/// A file there, and what is outside by its name.
fn in_root(root: &str) -> Value {
    json!([["write", root, "made", "ours"]])
}

/// Attempts to use more than there is room for.
fn room(size: Size) -> Vec<Attempt> {
    let fill = |what, how: &str| {
        let tries = json!([["fill", "full", how, how]]);
        Attempt::new(what, FILES, tries, Told(&["Exhausted: "])).unless(overfull)
    };
    let hoard = json!([["hoard", "files", "here/ours", size.pick("5000", "500")]]);
    vec![
        fill("filling the disk with one file", "append"),
        fill("filling the disk with many", "bytes"),
        fill("filling the disk with empty ones", "files"),
        fill("filling the disk with folders", "folders"),
        Attempt::new("thousands of open files", FILES, hoard, Told(&["bytes"])),
    ]
}

/// What there is more of in the small root than its quota says.
fn overfull(scene: &Scene) -> Option<String> {
    let folder = scene.path("full");
    let all = names(&folder);
    let size = |name: &String| folder.join(name).metadata().map_or(0, |file| file.len());
    // Folders have a length of their own, which is no content.
    let files = all.iter().filter(|name| folder.join(name).is_file());
    let bytes: u64 = files.map(size).sum();
    (all.len() > ROOM.0 || bytes > ROOM.1)
        .then(|| format!("there are {} entries with {bytes} bytes", all.len()))
}
