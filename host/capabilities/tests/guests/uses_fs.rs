//! Files, for a real component on a real disk.

mod disk;
mod escapes;
mod limits;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use capabilities::fs::{Provider, Roots};
use capabilities::grants;
use runtime::placement::Capability;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::site::{RUN, Site};

/// A component with a root `notes`, a folder beside it that is nobody's, and a place for scratch folders.
struct Desk {
    site: Site,
    folder: TempDir,
}

impl Desk {
    /// With this in the line of the component's grant for `notes`, and this beside it in its `fs`.
    async fn new(notes: &str, beside: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["notes", "outside"] {
            fs::create_dir(folder.path().join(name)).expect("made");
        }
        Self::at(folder, notes, beside).await
    }

    /// In a folder that is there already.
    async fn at(folder: TempDir, notes: &str, beside: &str) -> Self {
        let roots = roots(folder.path(), notes, beside).expect("roots");
        let site = Site::new(guests::USES_FS, vec![Arc::new(Provider::new(Arc::new(roots)))]).await;
        Self { site, folder }
    }

    fn notes(&self) -> PathBuf {
        self.folder.path().join("notes")
    }

    fn outside(&self) -> PathBuf {
        self.folder.path().join("outside")
    }

    fn scratch(&self) -> PathBuf {
        self.folder.path().join("scratch").join(RUN)
    }

    /// What came of these operations.
    async fn does<const N: usize>(&self, operations: [[&str; 4]; N]) -> [String; N] {
        let said = self.site.run("does", json!({ "do": operations.as_slice() })).await;
        let done: Vec<String> = serde_json::from_value(answer(&said)).expect("texts");
        done.try_into().expect("one for each")
    }
}

/// A folder in memory, where there is one: on a disk, thousands of files take long to be made to last.
fn quick_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }
        .expect("a folder")
}

/// Roots as an operator would write them.
fn roots(folder: &Path, notes: &str, beside: &str) -> Result<Roots, capabilities::fs::OpenError> {
    let text = format!(
        "[roots.notes]\npath = '{}'\n[components.uses-fs]\nfs = [{{ root = 'notes'{notes} }}{beside}]",
        folder.join("notes").display(),
    );
    let grants = grants::parse(&text).expect("grants");
    Roots::open(&grants, &folder.join("scratch"), Duration::from_hours(24 * 365))
}

/// What a function ended with.
fn answer(said: &str) -> Value {
    let json = said.strip_prefix("done ").unwrap_or_else(|| panic!("{said}"));
    serde_json::from_str(json).expect("JSON")
}

const WRITES: &str = ", access = 'read-write'";
const SCRATCH: &str = ", { root = 'scratch' }";

#[tokio::test]
async fn files_are_written_read_listed_moved_and_removed() {
    let desk = Desk::new(WRITES, "").await;
    let done = desk
        .does([
            ["make_folder", "notes", "2026/11", ""],
            ["make_folder", "notes", "2026/11", ""],
            ["write", "notes", "2026/11/a.md", "one"],
            ["append", "notes", "2026/11/a.md", " and two"],
            ["append", "notes", "2026/11/b.md", "new"],
            ["read", "notes", "2026/11/a.md", ""],
            ["read_at", "notes", "./2026//11/a.md", "4+3"],
            ["read_at", "notes", "2026/11/a.md", "8+100"],
            ["read_at", "notes", "2026/11/a.md", "100+100"],
            ["metadata", "notes", "2026/11/a.md", ""],
            ["metadata", "notes", "", ""],
            ["list", "notes", "2026/11", ""],
            ["rename", "notes", "2026/11/a.md", "2026/11/b.md"],
            ["rename", "notes", "2026/11", "november"],
            ["list", "notes", "", ""],
            ["read", "notes", "november/b.md", ""],
            ["write", "notes", "november/b.md", ""],
            ["read", "notes", "november/b.md", ""],
            ["remove", "notes", "november/b.md", ""],
            ["remove", "notes", "november", ""],
            ["list", "notes", "", ""],
        ])
        .await;
    let expected = [
        "done",
        "done",
        "done",
        "done",
        "done",
        "one and two",
        "and",
        "two",
        "",
        "File 11 true",
        "Folder 0 true",
        "a.md b.md",
        "done",
        "done",
        "2026/ november/",
        "one and two",
        "done",
        "",
        "done",
        "done",
        "2026/",
    ];
    assert_eq!(done, expected);
    assert_eq!(fs::read_dir(desk.notes()).expect("a list").count(), 1);
}

#[tokio::test]
async fn a_file_keeps_who_may_read_it_when_it_is_written_anew() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new(WRITES, "").await;
    let path = desk.notes().join("kept");
    // The last lets whoever runs it act as its owner: that was said of what it held before.
    for (before, after) in [(0o600, 0o600), (0o666, 0o666), (0o4755, 0o755)] {
        fs::write(&path, "old").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(before)).expect("set");
        assert_eq!(desk.does([["write", "notes", "kept", "new"]]).await, ["done"]);
        assert_eq!(fs::read(&path).expect("there"), b"new");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o7777, after, "{before:o}");
    }
}

#[tokio::test]
async fn links_that_stay_in_the_root_are_followed() {
    use std::os::unix::fs::symlink;
    let desk = Desk::new(WRITES, "").await;
    fs::create_dir(desk.notes().join("days")).expect("made");
    fs::write(desk.notes().join("days/1.md"), "one").expect("written");
    symlink("days/1.md", desk.notes().join("today.md")).expect("linked");
    symlink("../days", desk.notes().join("days/self")).expect("linked");
    let done = desk
        .does([
            ["read", "notes", "today.md", ""],
            ["append", "notes", "today.md", ", two"],
            ["read", "notes", "days/self/self/1.md", ""],
            ["write", "notes", "today.md", "three"],
            ["metadata", "notes", "today.md", ""],
            ["remove", "notes", "today.md", ""],
            ["read", "notes", "days/1.md", ""],
        ])
        .await;
    assert_eq!(done, ["one", "done", "one, two", "done", "Other 0 true", "done", "three"]);
}

#[tokio::test]
async fn what_cannot_be_done_is_told_with_its_reason() {
    let desk = Desk::new(WRITES, "").await;
    fs::write(desk.notes().join("file"), "x").expect("written");
    fs::create_dir_all(desk.notes().join("folder/inner")).expect("made");
    let table = [
        (["read", "notes", "none", ""], "Missing: `none` in the root `notes` cannot be read"),
        (["write", "notes", "none/a", "x"], "Missing: "),
        (["append", "notes", "none/a", "x"], "Missing: "),
        (["rename", "notes", "none", "a"], "Missing: "),
        (["remove", "notes", "none", ""], "Missing: "),
        (["list", "notes", "none", ""], "Missing: "),
        (["read", "notes", "folder", ""], "Conflict: "),
        (["write", "notes", "folder", "x"], "Conflict: "),
        (["append", "notes", "folder", "x"], "Conflict: "),
        (["remove", "notes", "folder", ""], "Conflict: "),
        (["rename", "notes", "file", "folder"], "Conflict: "),
        (["rename", "notes", "folder", "file"], "Conflict: "),
        (["list", "notes", "file", ""], "Conflict: "),
        (["read", "notes", "file/inner", ""], "Conflict: "),
        (["make_folder", "notes", "file", ""], "Conflict: "),
        (["make_folder", "notes", "file/inner", ""], "Conflict: "),
        (["rename", "notes", "folder", "folder/inner/a"], "Invalid: "),
        (["write", "notes", "", "x"], "Invalid: "),
        (["remove", "notes", "", ""], "Invalid: "),
        (["rename", "notes", "", "a"], "Invalid: "),
        (["rename", "notes", "file", "."], "Invalid: "),
        (["read", "notes", "a\0b", ""], "Invalid: "),
        (["write", "notes", ".system-bus-0123456789abcdef.part", "x"], "Invalid: "),
    ];
    for (operation, expected) in table {
        let [told] = desk.does([operation]).await;
        assert!(told.starts_with(expected), "{operation:?}: {told}");
    }
    let (long, longer) = ("x".repeat(300), "x".repeat(1 << 20));
    let of_long = [
        ["write", "notes", &long, "x"],
        ["write", "notes", &longer, "x"],
        ["write", &longer, "a", "x"],
        ["rename", "notes", "file", &longer],
    ];
    for told in desk.does(of_long).await {
        assert!(told.starts_with("Invalid: ") && told.len() < 600, "{told}");
    }
    assert_eq!(fs::read(desk.notes().join("file")).expect("there"), b"x");
}

#[tokio::test]
async fn a_refusal_fails_the_step_for_good_where_asking_again_changes_nothing() {
    let desk = Desk::new("", "").await;
    let fails =
        async |operation: [&str; 3]| desk.site.run("fails", json!({ "do": operation })).await;
    assert_eq!(
        fails(["write", "notes", "a"]).await,
        "fail failed with CapabilityDenied: `a` in the root `notes` cannot be changed: the component \
         `uses-fs` may only read there. To allow more takes `access = \"read-write\"` for this root \
         in `fs` of [components.uses-fs] (Never)"
    );
    assert_eq!(
        fails(["read", "letters", "a"]).await,
        "fail failed with CapabilityDenied: the component `uses-fs` may not use the root `letters`: \
         that takes `{ root = \"letters\", access = \"read\" }` in `fs` of [components.uses-fs] (Never)"
    );
    assert_eq!(
        fails(["read", "scratch", "a"]).await,
        "fail failed with CapabilityDenied: the component `uses-fs` may not use the root `scratch`: \
         that takes `{ root = \"scratch\" }` in `fs` of [components.uses-fs] (Never)"
    );
    let used = desk.site.runtime.usage()["uses-fs"].of(Capability::Fs);
    assert_eq!((used.calls, used.denied), (3, 3));
}

#[tokio::test]
async fn a_run_has_a_folder_for_itself_until_it_ends() {
    let desk = Desk::new("", SCRATCH).await;
    assert!(!desk.scratch().exists(), "made when it is first asked for");
    assert_eq!(desk.site.run("hands-on", json!({})).await, "done \"from the first step\"");
    assert!(desk.scratch().join("kept").exists());
    let other = "01M81GXW71CEV7JQT6T4T8NAKA";
    let asked =
        json!({ "do": [["read", "scratch", "kept"], ["write", "scratch", "kept", "mine"]] });
    let told: Vec<String> =
        serde_json::from_value(answer(&desk.site.run_as(other, "does", asked).await))
            .expect("texts");
    assert!(told[0].starts_with("Missing: "), "{}", told[0]);
    assert_eq!(told[1], "done");
    // A new worker knows the folders of the last one.
    let desk = Desk::at(desk.folder, "", SCRATCH).await;
    desk.site.runtime.run_ended(RUN.parse().expect("a run"));
    for _ in 0..500 {
        if !desk.scratch().exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!desk.scratch().exists());
    let others = desk.folder.path().join("scratch").join(other).join("kept");
    assert_eq!(fs::read(others).expect("there"), b"mine");
}

#[test]
fn a_root_that_cannot_be_used_is_an_error_at_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = |text: &str| {
        // As they are written, faults included.
        let grants: capabilities::Grants = toml::from_str(text).expect("grants");
        let opened = Roots::open(&grants, &folder.path().join("scratch"), Duration::MAX);
        opened.map(|_| ()).expect_err("an error").to_string()
    };
    fs::write(folder.path().join("file"), "x").expect("written");
    let missing = folder.path().join("missing").display().to_string();
    let file = folder.path().join("file").display().to_string();
    let table = [
        (
            format!("[roots.notes]\npath = '{missing}'"),
            format!("the root `notes` cannot be opened at {missing}: No such file"),
        ),
        (
            format!("[roots.notes]\npath = '{file}'"),
            format!("the root `notes` cannot be opened at {file}: Not a directory"),
        ),
        (
            "[roots.notes]\npath = 'notes'".to_owned(),
            "the root `notes` has the path notes".to_owned(),
        ),
        ("[roots.scratch]\npath = '/'".to_owned(), "a root cannot be called `scratch`".to_owned()),
        (
            "[components.a]\nfs = [{ root = 'nots' }]".to_owned(),
            "the component `a` is granted the root `nots`, and there is no [roots.nots]".to_owned(),
        ),
        (
            "[components.a]\nfs = [{ root = 'scratch' }, { root = 'scratch' }]".to_owned(),
            "the component `a` is granted the root `scratch` twice".to_owned(),
        ),
    ];
    for (text, expected) in table {
        let told = told(&text);
        assert!(told.starts_with(&expected), "{told}");
    }
}
