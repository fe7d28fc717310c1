use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use cap_std::ambient_authority;
use tempfile::TempDir;

use super::*;
use crate::fs::grant::Access;
use crate::fs::quota::Quota;
use crate::fs::shared::Terms;
use crate::fs::space::Space;
use crate::fs::survey::survey;

/// A root that somebody may change, and what is known of it.
struct Desk {
    folder: TempDir,
    space: Arc<Space>,
    ledger: Ledger,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = Dir::open_ambient_dir(folder.path(), ambient_authority()).expect("it opens");
        Self { folder, space: Arc::new(Space::new(dir)), ledger: Ledger::default() }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn asked(&self, path: &str) -> Asked {
        let quota = Quota { bytes: Some(1 << 20), files: Some(1_000) };
        let terms = Terms { line: 0, access: Access::ReadWrite, quota, piece: 1 << 20 };
        let spot = Spot::parse("root", path).expect("a path");
        Asked { spot, terms, space: Arc::clone(&self.space) }
    }

    /// Does one of the five things that can be done.
    fn does(&mut self, what: &str, path: &str, more: &str, going: &Going) -> Answer<()> {
        let asked = self.asked(path);
        let ledger = &mut self.ledger;
        match what {
            "write" => asked.write(more.as_bytes(), ledger, going),
            "append" => asked.append(more.as_bytes(), ledger, going),
            "make_folder" => asked.make_folder(ledger, going),
            "rename" => asked.rename(&Spot::parse("root", more)?, ledger, going),
            _ => asked.remove(ledger, going),
        }
    }
}

#[test]
fn what_is_kept_of_a_root_is_what_a_count_would_find() {
    let mut desk = Desk::new();
    fs::create_dir(desk.at("links")).expect("made");
    symlink("../a", desk.at("links/to-a")).expect("linked");
    let going = Going::default();
    // Each thing, and whether it can be done.
    let table = [
        ("write", "a", "four", true),
        ("write", "a", "six   ", true),
        ("write", "links/to-a", "eight   ", true),
        ("append", "a", "two", true),
        ("append", "links/to-a", "two", true),
        ("append", "b", "new", true),
        ("append", "none/b", "new", false),
        ("write", "none/b", "new", false),
        ("make_folder", "x/y/z", "", true),
        ("make_folder", "x/y/z", "", true),
        ("make_folder", "a/y", "", false),
        ("make_folder", "e", "", true),
        ("rename", "x/y", "e", true),
        ("rename", "e", "a", false),
        ("rename", "a", "b", true),
        ("rename", "b", "b", true),
        ("rename", "b", "e/z/b", true),
        ("rename", "links/to-a", "other", true),
        ("remove", "other", "", true),
        ("remove", "other", "", false),
        ("remove", "e", "", false),
        ("remove", "e/z/b", "", true),
        ("remove", "e/z", "", true),
    ];
    for (what, path, more, fine) in table {
        let done = desk.does(what, path, more, &going);
        assert_eq!(done.is_ok(), fine, "{what} {path} {more}: {done:?}");
        let there = survey(desk.space.dir(), || true).expect("walked");
        assert_eq!(desk.ledger.held(), there, "after {what} {path} {more}");
    }
    // Two names of one file: the system leaves both.
    desk.does("write", "one", "file", &going).expect("written");
    fs::hard_link(desk.at("one"), desk.at("two")).expect("linked");
    desk.ledger = Ledger::default();
    desk.does("write", "three", "", &going).expect("written");
    desk.does("rename", "one", "two", &going).expect("nothing to do");
    assert_eq!(desk.ledger.held(), survey(desk.space.dir(), || true).expect("walked"));
}

#[test]
fn nothing_is_changed_for_a_call_that_has_ended() {
    let mut desk = Desk::new();
    fs::write(desk.at("a"), "old").expect("written");
    fs::create_dir(desk.at("folder")).expect("made");
    let gone = Going::ended();
    for (what, path, more) in [
        ("write", "a", "new"),
        ("write", "b", ""),
        ("append", "a", "more"),
        ("append", "b", "new"),
        ("append", "b", ""),
        ("make_folder", "c", ""),
        ("rename", "a", "c"),
        ("rename", "folder", "c"),
        ("remove", "a", ""),
        ("remove", "folder", ""),
    ] {
        let refused = desk.does(what, path, more, &gone).expect_err("too late");
        assert_eq!(refused.reason, Reason::Late, "{what}: {}", refused.message);
        let mut names: Vec<_> = fs::read_dir(desk.folder.path())
            .expect("a list")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        names.sort();
        assert_eq!(names, ["a", "folder"], "after {what} {path}");
        assert_eq!(fs::read(desk.at("a")).expect("there"), b"old");
    }
}
