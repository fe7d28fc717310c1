//! Many files, links and the folder itself.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::time::Duration;

use protocol::digest::Digest;
use registry::folder::{Folder, FolderOptions};
use registry::source::{Found, SourceError};

use crate::support::{
    Fixture, PATIENCE, age, bytes_of, changed, component, is, publish, reason, until,
};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_but_visible_wasm_files_is_a_component() {
    let fixture = Fixture::new();
    for file in [".hidden.wasm", "notes.txt", "check.wasm.part", "check.WASM"] {
        fs::write(fixture.path(file), component(1, 10)).unwrap();
    }
    fs::write(fixture.path("check.wasm"), component(1, 10)).unwrap();
    let scan = fixture.folder.scan().await;
    assert_eq!(scan.components.keys().collect::<Vec<_>>(), ["check"]);
    assert!(is(&scan, "check", &component(1, 10)), "a scan waits for what has just been written");
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_file_among_good_ones() {
    let fixture = Fixture::with(FolderOptions { largest: 1_000, ..FolderOptions::default() });
    publish(&fixture.path("good.wasm"), &component(1, 100));
    publish(&fixture.path("text.wasm"), b"this is not WebAssembly");
    publish(&fixture.path("large.wasm"), &[0; 1_001]);
    symlink("nowhere", fixture.path("link.wasm")).unwrap();
    symlink("loop.wasm", fixture.path("loop.wasm")).unwrap();
    fs::create_dir(fixture.path("folder.wasm")).unwrap();
    let scan =
        until(&fixture.folder, |scan| matches!(scan.components["large"], Found::Faulty { .. }))
            .await;
    assert!(is(&scan, "good", &component(1, 100)));
    // Whoever loads it says what is wrong with it.
    assert!(is(&scan, "text", b"this is not WebAssembly"));
    assert!(reason(&scan, "large").contains("too large: 1001 bytes"), "{scan:?}");
    assert!(reason(&scan, "link").contains("nowhere, which does not exist"), "{scan:?}");
    assert!(reason(&scan, "loop").contains("cannot be looked at"), "{scan:?}");
    assert!(reason(&scan, "folder").contains("is not a file"), "{scan:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn rename_storm() {
    let fixture = Fixture::new();
    let path = fixture.path("check.wasm");
    publish(&path, &component(0, 100));
    fixture.folder.scan().await;
    let storm = tokio::task::spawn_blocking({
        let path = path.clone();
        move || {
            for number in 0..3_000_u32 {
                publish(&path, &component((number % 100) as u8, 100));
                std::thread::sleep(Duration::from_micros(300));
            }
            publish(&path, &component(120, 100));
        }
    });
    let last = component(120, 100);
    let mut scans = 0;
    let search = async {
        loop {
            scans += 1;
            let scan = fixture.folder.scan().await;
            // A file that was never half there is never anything but whole.
            if let Some(digest) = scan.components["check"].digest() {
                let known = (0..=120).any(|filler| Digest::of(&component(filler, 100)) == digest);
                assert!(known, "{scan:?}");
            }
            if is(&scan, "check", &last) {
                return;
            }
            fixture.folder.changed().await;
        }
    };
    tokio::time::timeout(PATIENCE, search).await.expect("the last of them");
    storm.await.unwrap();
    assert!(scans < 300, "{scans} scans for 3001 renames");
}

#[tokio::test(flavor = "multi_thread")]
async fn symlink_swap() {
    let fixture = Fixture::new();
    let store = tempfile::tempdir().unwrap();
    let (one, two) = (store.path().join("one"), store.path().join("two"));
    for (path, filler) in [(&one, 1), (&two, 2)] {
        fs::write(path, component(filler, 100)).unwrap();
        age(path);
    }
    symlink(&one, fixture.path("check.wasm")).unwrap();
    assert!(is(&fixture.folder.scan().await, "check", &component(1, 100)));
    symlink(&two, fixture.path(".new")).unwrap();
    fs::rename(fixture.path(".new"), fixture.path("check.wasm")).unwrap();
    changed(&fixture.folder).await;
    assert!(is(&fixture.folder.scan().await, "check", &component(2, 100)));
}

/// As Kubernetes mounts a config map: files are links through `..data`, which is swapped.
#[tokio::test(flavor = "multi_thread")]
async fn symlinked_folder_swap() {
    let fixture =
        Fixture::with(FolderOptions { rescan: Duration::from_mins(1), ..FolderOptions::default() });
    for version in 1..=3 {
        let folder = fixture.path(&format!("..v{version}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("check.wasm"), component(version, 100)).unwrap();
    }
    symlink("..v1", fixture.path("..data")).unwrap();
    symlink("..data/check.wasm", fixture.path("check.wasm")).unwrap();
    // The same files, watched by the path of a link.
    let linked = Folder::new(
        &fixture.path("..data"),
        FolderOptions { rescan: Duration::from_mins(1), ..FolderOptions::default() },
    );
    for version in 1..=3 {
        if version > 1 {
            symlink(format!("..v{version}"), fixture.path("..tmp")).unwrap();
            fs::rename(fixture.path("..tmp"), fixture.path("..data")).unwrap();
            changed(&fixture.folder).await;
            changed(&linked).await;
        }
        let bytes = component(version, 100);
        assert!(is(&fixture.folder.scan().await, "check", &bytes), "{version}");
        assert!(is(&linked.scan().await, "check", &bytes), "{version}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_that_vanishes() {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("functions");
    let folder = Folder::new(
        &path,
        FolderOptions { rescan: Duration::from_mins(1), ..FolderOptions::default() },
    );
    let missing = folder.scan().await;
    assert!(missing.components.is_empty());
    assert!(missing.troubles[0].contains("cannot be read"), "{missing:?}");

    fs::create_dir(&path).unwrap();
    publish(&path.join("check.wasm"), &component(1, 100));
    until(&folder, |scan| is(scan, "check", &component(1, 100)) && scan.troubles.is_empty()).await;

    fs::remove_dir_all(&path).unwrap();
    let scan = until(&folder, |scan| !scan.troubles.is_empty()).await;
    assert_eq!(scan.components.keys().collect::<Vec<_>>(), ["check"], "what is out of reach stays");

    // Twice, since the watch on a new folder must be a new one each time.
    for version in [2, 3] {
        fs::create_dir_all(&path).unwrap();
        publish(&path.join("check.wasm"), &component(version, 100));
        until(&folder, |scan| is(scan, "check", &component(version, 100))).await;
        publish(&path.join("check.wasm"), &component(version + 10, 100));
        until(&folder, |scan| is(scan, "check", &component(version + 10, 100))).await;
        fs::rename(&path, outer.path().join(format!("away{version}"))).unwrap();
        until(&folder, |scan| !scan.troubles.is_empty()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_events_a_look_now_and_then_finds_everything() {
    let fixture = Fixture::with(FolderOptions {
        events: false,
        rescan: Duration::from_millis(200),
        ..FolderOptions::default()
    });
    fixture.folder.scan().await;
    let path = fixture.path("check.wasm");
    publish(&path, &component(1, 100));
    until(&fixture.folder, |scan| is(scan, "check", &component(1, 100))).await;
    fs::write(&path, component(2, 100)).unwrap();
    until(&fixture.folder, |scan| is(scan, "check", &component(2, 100))).await;
    fs::remove_file(&path).unwrap();
    until(&fixture.folder, |scan| scan.components.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_a_file_or_touching_it_is_no_change() {
    let fixture = Fixture::with(FolderOptions {
        rescan: Duration::from_millis(100),
        ..FolderOptions::default()
    });
    let path = fixture.path("check.wasm");
    publish(&path, &component(1, 100));
    fixture.folder.scan().await;
    let quiet = async {
        for _ in 0..5 {
            fs::read(&path).unwrap();
            File::open(&path).unwrap().set_modified(std::time::SystemTime::now()).unwrap();
            publish(&fixture.path("notes.txt"), b"not a component");
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    };
    tokio::select! {
        biased;
        () = fixture.folder.changed() => panic!("told of a change: {:?}", fixture.folder.scan().await),
        () = quiet => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_files_and_bytes_that_are_not_kept() {
    // Room for the bytes of ten of them.
    let options = FolderOptions { keep: 1_100, ..FolderOptions::default() };
    let fixture = Fixture::with(options);
    for number in 0..500_u16 {
        let path = fixture.path(&format!("c{number}.wasm"));
        publish(&path, &component((number % 100) as u8, 100));
        age(&path);
    }
    let scan = fixture.folder.scan().await;
    assert_eq!(scan.components.len(), 500);
    for number in 0..500_u16 {
        let name = format!("c{number}");
        let bytes = component((number % 100) as u8, 100);
        assert_eq!(bytes_of(&scan, &name).await, Ok(bytes.clone()), "{name}");
        let fetched = fixture.folder.fetch(&Digest::of(&bytes)).await;
        assert_eq!(fetched.as_deref(), Some(bytes.as_slice()));
    }
    // Read again, a file must still be what was found.
    drop(scan);
    let later = fixture.folder.scan().await;
    publish(&fixture.path("c0.wasm"), &component(111, 100));
    assert!(matches!(bytes_of(&later, "c0").await, Err(SourceError::Changed { .. })));
    assert_eq!(fixture.folder.fetch(&Digest::of(b"nobody has this")).await, None);
}
