use std::fs;

use super::*;
use crate::grants::parse;

const RUN: &str = "01M81GXW71CEV7JQT6T4T8NAKZ";

#[test]
fn what_a_grant_leaves_open_has_its_usual_value() {
    let text =
        "[roots.a]\npath = '/a'\n[components.c]\nfs = [{ root = 'a' }, { root = 'scratch' }]";
    let usual = terms(&parse(text).expect("grants")).expect("terms");
    let (read, none) = (Access::Read, Quota::default());
    assert_eq!(usual["c"]["a"], Terms { line: 0, access: read, quota: none, piece: 16 << 20 });
    let own = Quota { bytes: Some(256 << 20), files: Some(10_000) };
    let access = Access::ReadWrite;
    assert_eq!(usual["c"][SCRATCH], Terms { line: 1, access, quota: own, piece: 16 << 20 });

    let text = "[components.c]\nfs = [{ root = 'scratch', bytes = 5, files = 6, file = 7 }]";
    let set = terms(&parse(text).expect("grants")).expect("terms");
    let quota = Quota { bytes: Some(5), files: Some(6) };
    assert_eq!(set["c"][SCRATCH], Terms { line: 0, access, quota, piece: 7 });
}

#[test]
fn others_are_given_the_folders_of_granted_roots() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("notes/inner")).expect("made");
    fs::write(folder.path().join("notes/inner/a"), "x").expect("written");
    std::os::unix::fs::symlink("..", folder.path().join("notes/out")).expect("linked");
    let path = folder.path().join("notes");
    let text =
        format!("[roots.notes]\npath = {path:?}\n[components.c]\nfs = [{{ root = 'notes' }}]");
    let grants = parse(&text).expect("grants");
    let scratch = folder.path().join("scratch");
    let roots = Roots::open(&grants, &scratch, Duration::MAX).expect("roots");
    let run = RUN.parse().expect("a run");
    let inner = roots.folder("c", run, "notes", "inner").expect("granted");
    assert!(inner.exists("a"));
    let refused = |component, root, path| {
        roots.folder(component, run, root, path).expect_err("refused").reason
    };
    assert_eq!(refused("other", "notes", "inner"), Reason::Denied);
    assert_eq!(refused("c", SCRATCH, ""), Reason::Denied);
    assert_eq!(refused("c", "notes", "../scratch"), Reason::Denied);
    assert_eq!(refused("c", "notes", "out"), Reason::Denied);
    assert_eq!(refused("c", "notes", "none"), Reason::Missing);
    assert_eq!(refused("c", "notes", "inner/a"), Reason::Conflict);
    let own = roots.scratch_folder(run).expect("made");
    own.write("a", "x").expect("written");
    assert!(scratch.join(RUN).join("a").exists());
}
