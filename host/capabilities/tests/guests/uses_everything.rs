//! A component that was granted several capabilities and uses one to get more of another. `just drill escapes` has it try
//! everything that it can, with the whole program.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use capabilities::shell::Launcher;
use capabilities::telemetry::Origin;
use capabilities::{Surroundings, grants, providers};
use runtime::{Component, Limits, LoadError};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::site::Site;

/// What is in the file outside, and a name that is only there.
const SECRET: &str = "a secret of somebody else";
const MARK: &str = "only-outside";

/// A guest with all providers of these grants.
pub(crate) async fn whole(limits: Limits, guest: &str, text: &str, folder: &Path) -> Site {
    let grants = Arc::new(grants::parse(text).expect("grants"));
    let surroundings = Surroundings {
        scratch: folder.join("scratch"),
        folder: folder.to_owned(),
        launcher: Launcher::new(env!("CARGO_BIN_EXE_launch"), []),
        origin: Origin { session: String::new(), system: "mini".to_owned() },
    };
    let providers = providers(&grants, &surroundings).expect("providers");
    Site::within(limits, guest, providers).await
}

/// The component with a root and two programs, and a file outside of the root.
async fn desk(limits: Limits) -> (Site, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["files", "outside"] {
        fs::create_dir(folder.path().join(name)).expect("made");
    }
    fs::write(folder.path().join("outside/secret"), SECRET).expect("written");
    fs::write(folder.path().join("outside").join(MARK), "").expect("written");
    let text = format!(
        "roots.files.path = '{}/files'\n\
         programs.link.path = '/bin/ln'\n\
         programs.script.path = '/bin/sh'\n\
         programs.script.variables = {{ PATH = '/usr/bin:/bin' }}\n\
         [components.uses-everything]\n\
         fs = [{{ root = 'files', access = 'read-write' }}]\n\
         shell = [\n\
             {{ program = 'link', arguments = ['-s', '*', '*'] }},\n\
             {{ program = 'script', arguments = ['-c', '*'] }},\n\
         ]\n\
         keyvalue = {{ buckets = ['own'] }}",
        folder.path().display(),
    );
    (whole(limits, guests::USES_EVERYTHING, &text, folder.path()).await, folder)
}

/// Asserts that nobody has touched what is outside of the root.
fn untouched(folder: &TempDir) {
    let outside = folder.path().join("outside");
    assert_eq!(fs::read_to_string(outside.join("secret")).expect("there"), SECRET);
    assert_eq!(fs::read_dir(outside).expect("a list").count(), 2);
}

/// What came of what a function tries.
async fn tries(site: &Site, function: &str, tries: Value) -> Vec<String> {
    let said = site.run(function, json!({ "tries": tries })).await;
    let json = said.strip_prefix("done ").unwrap_or_else(|| panic!("{said}"));
    serde_json::from_str(json).expect("texts")
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_its_own_program_makes_lead_nowhere() {
    let (site, folder) = desk(Limits::default()).await;
    let link = |to: &str, name: &str| json!({ "program": "link", "arguments": ["-s", to, name], "folder": ["files", ""] });
    let made = tries(
        &site,
        "tries-programs",
        json!([link("../outside/secret", "file"), link("../outside", "folder"), link("/", "root")]),
    )
    .await;
    assert_eq!(made, ["ran: ", "ran: ", "ran: "]);
    let paths = ["file", "folder/secret", "folder/new", "root/etc/passwd"];
    let all = paths.iter().flat_map(|path| {
        ["read", "write", "append"].map(|what| json!([what, "files", path, "ours"]))
    });
    for told in tries(&site, "tries-files", all.collect()).await {
        assert!(told.starts_with("Denied: ") && told.contains("leads out of the root"), "{told}");
    }
    untouched(&folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_swaps_links_in_the_root_gains_nothing() {
    let (site, folder) = desk(Limits::default()).await;
    let script = "i=0; while [ $i -lt 300 ]; do \
         rm -rf swapped; mkdir swapped; echo ours > swapped/secret; \
         rm -rf swapped; ln -s ../outside swapped; i=$((i + 1)); done";
    let swaps =
        json!([{ "program": "script", "arguments": ["-c", script], "folder": ["files", ""] }]);
    // Two runs of the component at once: one has the program swap, the other one looks.
    let swapping = site.run("tries-programs", json!({ "tries": swaps }));
    let racing = tries(&site, "tries-files", json!([["race", "files", "swapped", "500"]]));
    let (swapped, seen) = tokio::join!(swapping, racing);
    assert_eq!(swapped, "done [\"ran: \"]");
    assert!(seen[0].contains("ours"), "nothing was seen between two swaps: {seen:?}");
    assert!(!seen[0].contains(SECRET) && !seen[0].contains(MARK), "{seen:?}");
    untouched(&folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_the_worker_s_process_is_there() {
    let (site, _folder) = desk(Limits::default()).await;
    let all = tries(&site, "tries-itself", json!(["environment", "arguments", "files"])).await;
    assert_eq!(all, ["nothing is there"; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_of_calls_ends_with_the_time_of_its_step() {
    let limits = Limits { step: Duration::from_secs(2), ..Limits::default() };
    let (site, _folder) = desk(limits).await;
    let said = site.run("tries-itself", json!({ "tries": ["bomb"] })).await;
    assert!(said.contains("for longer than the limit of"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_are_hidden_from_inspection_do_not_link() {
    let (site, _folder) = desk(Limits::default()).await;
    let mut bytes = fs::read(guests::USES_SHELL).expect("a built guest");
    // A name of the same length that clusters have, so that the rest of the file is as it was.
    let (asked, shown) = ("system-bus:durable/shell@0.1.0", "system-bus:durable/redis@0.1.0");
    let at = bytes.windows(asked.len()).position(|part| part == asked.as_bytes());
    let at = at.expect("it imports this");
    bytes[at..at + shown.len()].copy_from_slice(shown.as_bytes());
    let hidden = Component::load(&site.runtime, "uses-shell", bytes).await;
    let error = hidden.expect_err("it does not link");
    assert!(matches!(error, LoadError::Link { .. }), "{error}");
}
