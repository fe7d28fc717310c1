//! Attempts to use more than is granted.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{Desk, SCRATCH, WRITES, answer, quick_folder, roots};

/// Fills a root in one way; how often that went well, and what was said in the end.
async fn fill(desk: &Desk, root: &str, how: &str) -> (u64, String) {
    let said = desk.site.run("fills-the-disk", json!({ "root": root, "how": how })).await;
    serde_json::from_value(answer(&said)).expect("a number and words")
}

fn names(folder: &Path) -> usize {
    fs::read_dir(folder).expect("a list").count()
}

#[tokio::test]
async fn a_root_takes_as_many_bytes_as_its_quota_says() {
    let desk = Desk::new(", access = 'read-write', bytes = '64KiB'", "").await;
    // What others have put there counts, and is counted at the start.
    fs::write(desk.notes().join("theirs"), [0; 8_000]).expect("written");
    let desk = Desk::at(desk.folder, ", access = 'read-write', bytes = '64KiB'", "").await;
    let (times, told) = fill(&desk, "notes", "bytes").await;
    assert_eq!(times, (65_536 - 8_000) / 4_096);
    assert!(told.starts_with("Exhausted: "), "{told}");
    assert!(told.contains("its limit is 64.0 KiB (`bytes`)"), "{told}");
    // A part of what is there may be exchanged or given back.
    let done = desk
        .does([
            ["write_large", "notes", "file-0", "4096"],
            ["write_large", "notes", "file-0", "8192"],
            ["remove", "notes", "theirs", ""],
            ["write_large", "notes", "file-0", "8192"],
            ["append_large", "notes", "file-1", "8192"],
        ])
        .await;
    assert_eq!([done[0].as_str(), &done[2], &done[3]], ["done"; 3]);
    for full in [&done[1], &done[4]] {
        assert!(full.starts_with("Exhausted: "), "{full}");
    }
    assert_eq!(fs::metadata(desk.notes().join("file-1")).expect("there").len(), 4_096);
}

#[tokio::test]
async fn appending_is_measured_too() {
    let desk = Desk::new(", access = 'read-write', bytes = '64KiB'", "").await;
    let (times, told) = fill(&desk, "notes", "append").await;
    assert_eq!(times, 16);
    assert!(told.starts_with("Exhausted: "), "{told}");
    assert_eq!(fs::metadata(desk.notes().join("file")).expect("there").len(), 65_536);
}

#[tokio::test]
async fn a_root_takes_as_many_files_and_folders_as_its_quota_says() {
    let grant = ", access = 'read-write', files = 20";
    for how in ["files", "folders"] {
        let desk = Desk::new(grant, "").await;
        let (times, told) = fill(&desk, "notes", how).await;
        assert_eq!(times, 20, "{how}");
        assert!(told.starts_with("Exhausted: ") && told.contains("20 files and folders"), "{told}");
        let done = desk
            .does([
                ["make_folder", "notes", "one/more", ""],
                ["append", "notes", "one-more", "x"],
                ["rename", "notes", &format!("{}-0", &how[..how.len() - 1]), "moved"],
                ["remove", "notes", "moved", ""],
                ["append", "notes", "one-more", "x"],
            ])
            .await;
        assert!(
            done[0].starts_with("Exhausted: ") && done[1].starts_with("Exhausted: "),
            "{done:?}"
        );
        assert_eq!(done[2..], ["done", "done", "done"], "{how}");
        assert_eq!(names(&desk.notes()), 20);
    }
}

#[tokio::test]
async fn two_runs_at_once_stay_within_one_quota() {
    let desk = Desk::new(", access = 'read-write', bytes = '64KiB'", "").await;
    let asked = |how| json!({ "root": "notes", "how": how });
    let (one, two, three) = tokio::join!(
        desk.site.run("fills-the-disk", asked("bytes")),
        desk.site.run("fills-the-disk", asked("append")),
        desk.site.run("fills-the-disk", asked("bytes")),
    );
    for said in [one, two, three] {
        assert!(said.contains("Exhausted: "), "{said}");
    }
    let sizes = fs::read_dir(desk.notes()).expect("a list");
    let sizes = sizes.map(|entry| entry.expect("an entry").metadata().expect("there").len());
    assert_eq!(sizes.sum::<u64>(), 65_536);
}

#[tokio::test]
async fn a_run_s_folder_has_quotas_of_its_own() {
    let desk = Desk::new("", ", { root = 'scratch', bytes = '64KiB', files = 100 }").await;
    let (times, told) = fill(&desk, "scratch", "bytes").await;
    assert_eq!(times, 16);
    assert!(told.starts_with("Exhausted: "), "{told}");
    let (times, told) = fill(&desk, "scratch", "files").await;
    // The first sixteen are written anew, and make room for nothing.
    assert_eq!(times, 100);
    assert!(told.contains("100 files and folders"), "{told}");
}

#[tokio::test]
async fn without_a_line_for_it_a_run_s_folder_takes_ten_thousand_files() {
    let folder = quick_folder();
    fs::create_dir(folder.path().join("notes")).expect("made");
    let desk = Desk::at(folder, "", SCRATCH).await;
    fs::create_dir_all(desk.scratch()).expect("made");
    for n in 0..9_990 {
        fs::create_dir(desk.scratch().join(n.to_string())).expect("made");
    }
    let (times, told) = fill(&desk, "scratch", "folders").await;
    assert_eq!(times, 10, "{told}");
    assert!(told.contains("10000 files and folders"), "{told}");
    // 256 MiB, most of it in a file that takes no room on the disk.
    let large = fs::File::create(desk.scratch().join("0/large")).expect("made");
    large.set_len((256 << 20) - 100).expect("set");
    let run = "01M81GXW71CEV7JQT6T4T8NAKA";
    let other = desk.scratch().with_file_name(run);
    fs::create_dir_all(&other).expect("made");
    fs::rename(desk.scratch().join("0/large"), other.join("large")).expect("moved");
    let asked =
        json!({ "do": [["append_large", "scratch", "a", "100"], ["append", "scratch", "a", "x"]] });
    let said = desk.site.run_as(run, "does", asked).await;
    let told: Vec<String> = serde_json::from_value(answer(&said)).expect("texts");
    assert_eq!(told[0], "done");
    assert!(told[1].contains("its limit is 256.0 MiB"), "{}", told[1]);
}

#[tokio::test]
async fn no_tree_is_deeper_than_a_path_can_say() {
    let desk = Desk::new(WRITES, "").await;
    let (_, told) = fill(&desk, "notes", "deep").await;
    assert!(told.starts_with("Invalid: ") && told.contains("64 folders deep"), "{told}");
}

#[tokio::test]
async fn a_piece_is_as_large_as_the_grant_says() {
    let desk = Desk::new(", access = 'read-write', file = '1KiB'", "").await;
    fs::write(desk.notes().join("large"), [b'x'; 1_025]).expect("written");
    fs::write(desk.notes().join("fits"), [b'x'; 1_024]).expect("written");
    let done = desk
        .does([
            ["read_at", "notes", "large", "1020+1024"],
            ["write_large", "notes", "a", "1024"],
            ["append_large", "notes", "a", "1024"],
            ["read", "notes", "large", ""],
            ["read_at", "notes", "large", "0+1025"],
            ["write_large", "notes", "b", "1025"],
            ["append_large", "notes", "b", "1025"],
        ])
        .await;
    assert_eq!(done[..3], ["xxxxx", "done", "done"]);
    for refused in &done[3..] {
        assert!(refused.starts_with("Exhausted: "), "{refused}");
        assert!(refused.contains("1.0 KiB that are allowed in one piece (`file`)"), "{refused}");
    }
    let [fits] = desk.does([["read", "notes", "fits", ""]]).await;
    assert_eq!(fits.len(), 1_024);
    assert_eq!(names(&desk.notes()), 3);
}

#[tokio::test]
async fn a_piece_has_sixteen_mebibytes_where_the_grant_says_nothing() {
    let desk = Desk::new("", "").await;
    let large = fs::File::create(desk.notes().join("large")).expect("made");
    large.set_len((16 << 20) + 1).expect("set");
    let [told] = desk.does([["read", "notes", "large", ""]]).await;
    assert!(told.contains("16.0 MiB that are allowed in one piece"), "{told}");
}

#[tokio::test]
async fn a_folder_with_too_many_entries_is_not_listed() {
    let desk = Desk::new("", "").await;
    for n in 0..10_000 {
        fs::File::create(desk.notes().join(n.to_string())).expect("made");
    }
    let [told] = desk.does([["list", "notes", "", ""]]).await;
    assert_eq!(told.split(' ').count(), 10_000);
    fs::File::create(desk.notes().join("one-more")).expect("made");
    let [told] = desk.does([["list", "notes", "", ""]]).await;
    assert!(told.starts_with("Exhausted: "), "{told}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn thousands_of_calls_leave_nothing_open() {
    let desk = Desk::new("", SCRATCH).await;
    fs::write(desk.notes().join("a"), "x").expect("written");
    fs::create_dir(desk.notes().join("folder")).expect("made");
    let open = || {
        let own = fs::read_dir("/proc/self/fd").expect("Linux");
        let within = own.filter_map(|handle| fs::read_link(handle.ok()?.path()).ok());
        within.filter(|path| path.starts_with(desk.folder.path())).count()
    };
    let before = open();
    assert_eq!(before, 1, "the root's own handle");
    let said = desk.site.run("opens-many", json!({ "times": 1_000 })).await;
    assert_eq!(said, "done 4000");
    assert_eq!(open(), before);
}

#[tokio::test]
async fn what_a_killed_writer_left_goes_at_the_next_start_and_is_never_seen() {
    let desk = Desk::new(WRITES, "").await;
    let left = desk.notes().join("folder/.system-bus-0123456789abcdef.part");
    fs::create_dir(desk.notes().join("folder")).expect("made");
    fs::write(&left, "half").expect("written");
    let [listed] = desk.does([["list", "notes", "folder", ""]]).await;
    assert_eq!(listed, "");
    // A writer that still lives holds its file.
    let lives = fs::File::open(&left).expect("there");
    lives.lock().expect("locked");
    let start = || roots(desk.folder.path(), WRITES, "").expect("roots");
    drop(start());
    assert!(left.exists());
    drop(lives);
    drop(start());
    assert!(!left.exists());
}
