//! `system-bus inspect`, as people and programs call it, on components that workers take and on some that they do not.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

const DOCS: &str = include_str!("../../../docs/placement.md");

fn inspect(arguments: &[&str], file: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_system-bus"));
    command.arg("inspect").args(arguments).arg(file).output().expect("the program starts")
}

fn words(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// The JSON that was answered, and the exit code.
fn told(arguments: &[&str], file: &Path) -> (Value, Option<i32>) {
    let output = inspect(&[arguments, &["--json"]].concat(), file);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(answer["command"], "inspect");
    assert_eq!(answer["ok"] == true, output.status.success());
    (answer["result"].clone(), output.status.code())
}

/// A copy of the guest that imports files, with imports renamed to what no worker has. Names keep their length, so the
/// rest of the file stays as it was.
fn refused(folder: &Path) -> PathBuf {
    let mut bytes = std::fs::read(guests::IMPORT_FILES).expect("a built guest");
    for (known, other) in [
        ("wasi:cli/environment@", "wasi:sockets/network@"),
        ("wasi:cli/exit@0.2.12", "wasi:cli/exit@0.3.12"),
        ("wasi:filesystem/types@", "wasi:filesystem/tapes@"),
    ] {
        let at = bytes.windows(known.len()).position(|part| part == known.as_bytes());
        let at = at.expect("it imports this");
        bytes[at..at + other.len()].copy_from_slice(other.as_bytes());
    }
    let file = folder.join("refused.wasm");
    std::fs::write(&file, bytes).expect("our own folder");
    file
}

/// Blocks of output that the page shows.
fn shown() -> impl Iterator<Item = &'static str> {
    DOCS.split("```text\n").skip(1).filter_map(|block| block.split("```").next())
}

#[test]
fn a_component_for_hosts_is_told_with_each_import_that_forces_it_there() {
    let (report, code) = told(&[], Path::new(guests::IMPORT_FILES));
    assert_eq!(code, Some(0), "{report}");
    assert_eq!((&report["name"], &report["sdk"]), (&json!("import-files"), &json!("rust/0.1.0")));
    assert_eq!(report["functions"][0]["id"], "reads");
    assert_eq!(report["functions"][0]["home"], "host");
    assert_eq!(report["functions"][0]["mode"], "latest-compatible");
    assert_eq!(report["grants"], json!(["fs"]));
    assert_eq!(report["roles"][0], json!({ "role": "host", "fits": true, "lacks": [] }));
    let cluster = &report["roles"][1];
    assert_eq!((&cluster["role"], &cluster["fits"]), (&json!("cluster"), &json!(false)));
    let lacks = cluster["lacks"].as_array().expect("a list");
    let files = |import: &Value| {
        import.as_str().is_some_and(|import| import.starts_with("wasi:filesystem/"))
    };
    assert!(!lacks.is_empty() && lacks.iter().all(files), "{cluster}");
    let imports = report["imports"].as_array().expect("a list");
    let types = imports.iter().find(|import| import["interface"] == "wasi:filesystem/types");
    let types = types.expect("it reads files");
    assert_eq!((&types["capability"], &types["authority"]), (&json!("fs"), &json!(true)));
    assert!(types["version"].as_str().is_some_and(|version| version.starts_with("0.2.")));
}

#[test]
fn a_component_that_uses_capabilities_is_told_with_what_starts_its_functions() {
    let (report, code) = told(&[], Path::new(guests::USES_REDIS));
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(report["grants"], json!(["redis"]));
    let functions = report["functions"].as_array().expect("functions");
    assert!(!functions.is_empty(), "{report}");
    for function in functions {
        let triggers = function["triggers"].as_array().expect("triggers");
        assert!(
            triggers[0].as_str().is_some_and(|name| name.starts_with("testing/")),
            "{function}"
        );
        assert!(function["retries"].as_u64().is_some_and(|retries| retries >= 1), "{function}");
    }
}

#[test]
fn a_refused_component_is_told_with_all_refusals_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = refused(folder.path());
    for arguments in [&[][..], &["--no-describe"]] {
        let (report, code) = told(arguments, &file);
        assert_eq!(code, Some(1), "{report}");
        assert_eq!(report["faults"].as_array().map(Vec::len), Some(3), "{report}");
        assert_eq!(report["roles"][0]["lacks"].as_array().map(Vec::len), Some(3), "{report}");
        assert!(report["functions"].is_null(), "{report}");
    }
    let output = inspect(&[], &file);
    let page = shown().nth(1).expect("a second block");
    assert!(words(&output).contains(page.trim_end()), "{}", words(&output));
}

#[test]
fn a_pinned_function_is_told_as_the_page_shows_it() {
    let output = inspect(&[], Path::new(guests::TWO_HOMES));
    let said = words(&output);
    assert!(output.status.success(), "{said}");
    // Digest and size are those of one build.
    let of_all_builds = |text: &str| {
        let lines =
            text.lines().filter(|line| !line.starts_with("digest") && !line.starts_with("size"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let page = shown().next().expect("a block");
    assert_eq!(of_all_builds(said.trim_end()), of_all_builds(page.trim_end()));
}

#[test]
fn without_describing_nothing_of_the_component_runs() {
    let (report, code) = told(&["--no-describe"], Path::new(guests::TWO_HOMES));
    assert_eq!(code, Some(0), "{report}");
    assert!(report["functions"].is_null() && report["sdk"].is_null(), "{report}");
    assert_eq!(report["roles"][1]["fits"], true);
}

#[test]
fn functions_that_are_left_out_are_faults() {
    let (report, code) = told(&[], Path::new(guests::MANIFEST_FAULTS));
    assert_eq!(code, Some(1), "{report}");
    assert_eq!(report["functions"].as_array().map(Vec::len), Some(1), "{report}");
    assert!(report["faults"][0].as_str().is_some_and(|fault| fault.contains("retries: 0")));
}

#[test]
fn what_is_no_component_and_what_cannot_be_read_end_with_one_and_wrong_usage_with_two() {
    let folder = tempfile::tempdir().expect("a folder");
    let half = folder.path().join("half.wasm");
    let whole = std::fs::read(guests::TWO_HOMES).expect("a built guest");
    std::fs::write(&half, &whole[..whole.len() / 2]).expect("our own folder");
    let output = inspect(&[], &half);
    assert_eq!(output.status.code(), Some(1));
    assert!(words(&output).contains("its file ends too early"), "{}", words(&output));

    let output = inspect(&[], &folder.path().join("nothing.wasm"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("nothing.wasm: it cannot be read"), "{said}");

    let output = inspect(&["--what"], &half);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn wrong_usage_is_told_as_json_where_json_is_asked_for() {
    let output = inspect(&["--bogus", "--json"], Path::new("x.wasm"));
    assert_eq!(output.status.code(), Some(2));
    let answer: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!((&answer["ok"], &answer["command"]), (&json!(false), &json!("inspect")));
    let message = answer["error"]["message"].as_str().expect("words");
    assert!(message.contains("--bogus"), "{message}");

    let output = inspect(&["--bogus"], Path::new("x.wasm"));
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_reader_that_has_gone_away_changes_nothing() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_system-bus"));
    command.args(["inspect", "--no-describe"]).arg(guests::IMPORT_FILES);
    let (read, write) = std::io::pipe().expect("a pipe");
    drop(read);
    let output = command.stdout(write).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", output.status);
}
