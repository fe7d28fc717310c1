//! One file: how it is written, and when it counts.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use protocol::digest::Digest;
use registry::folder::FolderOptions;
use registry::source::Found;

use crate::support::{
    Fixture, PATIENCE, age, bytes_of, changed, component, is, publish, reason, until,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_file_renamed_into_place_counts_at_once() {
    let fixture = Fixture::with(FolderOptions {
        // Only the event can be fast enough.
        settle: Duration::from_mins(1),
        rescan: Duration::from_mins(1),
        ..FolderOptions::default()
    });
    assert!(fixture.folder.scan().await.components.is_empty());
    let bytes = component(1, 100);
    let (result, ()) =
        tokio::join!(tokio::time::timeout(PATIENCE, fixture.folder.changed()), async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            publish(&fixture.path("check.wasm"), &bytes);
        });
    result.expect("a change");
    let scan = fixture.folder.scan().await;
    assert!(is(&scan, "check", &bytes));
    assert_eq!(bytes_of(&scan, "check").await.as_deref(), Ok(bytes.as_slice()));
}

#[tokio::test(flavor = "multi_thread")]
async fn half_written_file() {
    let fixture = Fixture::new();
    let (old, new) = (component(1, 100), component(2, 100));
    publish(&fixture.path("check.wasm"), &old);
    assert!(is(&fixture.folder.scan().await, "check", &old));
    // Replaced in place, and the writer stops in the middle for longer than a file needs to settle.
    let mut file = File::create(fixture.path("check.wasm")).unwrap();
    file.write_all(&new[..60]).unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let half = fixture.folder.scan().await;
    assert!(matches!(half.components["check"], Found::Unsettled), "{half:?}");
    file.write_all(&new[60..]).unwrap();
    drop(file);
    until(&fixture.folder, |scan| is(scan, "check", &new)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn written_in_place_slowly_over_three_seconds() {
    let fixture = Fixture::new();
    fixture.folder.scan().await;
    let bytes = component(7, 120);
    let (path, parts) = (fixture.path("check.wasm"), bytes.clone());
    let writer = tokio::task::spawn_blocking(move || {
        let mut file = File::create(path).unwrap();
        for part in parts.chunks(4) {
            file.write_all(part).unwrap();
            std::thread::sleep(Duration::from_millis(3_000 / 30));
        }
    });
    let watch = async {
        loop {
            let scan = fixture.folder.scan().await;
            match scan.components.get("check").and_then(Found::digest) {
                Some(digest) => return digest,
                None => fixture.folder.changed().await,
            }
        }
    };
    let first = tokio::time::timeout(PATIENCE, watch).await.expect("the file");
    assert_eq!(first, Digest::of(&bytes), "no part of it was taken for the whole");
    writer.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_file_that_stays_is_handed_on_as_it_is() {
    let fixture = Fixture::new();
    fixture.folder.scan().await;
    let cut = component(3, 100)[..50].to_vec();
    let began = Instant::now();
    publish(&fixture.path("check.wasm"), &cut);
    let scan = until(&fixture.folder, |scan| is(scan, "check", &cut)).await;
    assert!(began.elapsed() >= Duration::from_secs(2), "it may have been on its way");
    assert_eq!(bytes_of(&scan, "check").await, Ok(cut));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_may_not_be_read_is_read_once_it_may() {
    let fixture = Fixture::new();
    let path = fixture.path("check.wasm");
    publish(&path, &component(1, 100));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_ok() {
        // Nothing is forbidden to this user.
        return;
    }
    let scan = fixture.folder.scan().await;
    assert!(reason(&scan, "check").contains("check its permissions"), "{scan:?}");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    until(&fixture.folder, |scan| is(scan, "check", &component(1, 100))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_and_return() {
    let fixture = Fixture::new();
    let bytes = component(1, 100);
    publish(&fixture.path("check.wasm"), &bytes);
    publish(&fixture.path("other.wasm"), &bytes);
    fixture.folder.scan().await;
    fs::remove_file(fixture.path("check.wasm")).unwrap();
    changed(&fixture.folder).await;
    let scan = fixture.folder.scan().await;
    assert_eq!(scan.components.keys().collect::<Vec<_>>(), ["other"]);
    publish(&fixture.path("check.wasm"), &bytes);
    changed(&fixture.folder).await;
    assert!(is(&fixture.folder.scan().await, "check", &bytes));
}

/// As scripts do that remove a file before they copy the new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_removed_and_written_anew_was_never_gone() {
    let fixture = Fixture::new();
    let path = fixture.path("check.wasm");
    publish(&path, &component(0, 100));
    fixture.folder.scan().await;
    for version in 1..10 {
        fs::remove_file(&path).unwrap();
        let bytes = component(version, 100);
        let (scan, ()) =
            tokio::join!(fixture.folder.scan(), async { fs::write(&path, &bytes).unwrap() });
        assert!(scan.components.contains_key("check"), "{version}");
        until(&fixture.folder, |scan| is(scan, "check", &bytes)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_component_moves_in_one_change() {
    let fixture = Fixture::new();
    publish(&fixture.path("old.wasm"), &component(1, 100));
    fixture.folder.scan().await;
    fs::rename(fixture.path("old.wasm"), fixture.path("new.wasm")).unwrap();
    changed(&fixture.folder).await;
    let scan = fixture.folder.scan().await;
    assert_eq!(scan.components.keys().collect::<Vec<_>>(), ["new"]);
    assert!(is(&scan, "new", &component(1, 100)));
}

/// As `cp -p` over a file: its size and modification time stay, its bytes do not.
#[tokio::test(flavor = "multi_thread")]
async fn mtime_preserving_replacement() {
    let fixture = Fixture::new();
    let path = fixture.path("check.wasm");
    fs::write(&path, component(1, 100)).unwrap();
    age(&path);
    let before = fs::metadata(&path).unwrap();
    assert!(is(&fixture.folder.scan().await, "check", &component(1, 100)));
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    file.write_all(&component(2, 100)).unwrap();
    file.set_modified(before.modified().unwrap()).unwrap();
    drop(file);
    let after = fs::metadata(&path).unwrap();
    assert_eq!(
        (before.len(), before.modified().unwrap()),
        (after.len(), after.modified().unwrap())
    );
    until(&fixture.folder, |scan| is(scan, "check", &component(2, 100))).await;
}
