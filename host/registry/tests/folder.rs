//! A watched folder: real files, real events.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use protocol::digest::Digest;
use registry::folder::{Folder, FolderOptions};
use registry::source::{Found, Scan, SourceError};
use tempfile::TempDir;

/// Patience with a busy machine; nothing is expected to take that long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A component with nothing in it but a custom section of this many bytes, all of one kind.
fn component(filler: u8, size: u8) -> Vec<u8> {
    let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
    bytes.extend([0, size & 0x7f]);
    bytes.extend(vec![0; 1]);
    bytes.extend(vec![filler; usize::from(size & 0x7f) - 1]);
    bytes
}

/// Writes beside, then renames into place: the way to publish.
fn publish(path: &Path, bytes: &[u8]) {
    let beside = path.with_file_name(format!(
        ".{}.{:?}.tmp",
        path.file_name().unwrap().to_string_lossy(),
        std::thread::current().id()
    ));
    fs::write(&beside, bytes).unwrap();
    fs::rename(&beside, path).unwrap();
}

/// Makes a file look as if nobody had touched it for long.
fn age(path: &Path) {
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(3_600);
    File::open(path).unwrap().set_modified(long_ago).unwrap();
}

struct Fixture {
    dir: TempDir,
    folder: Folder,
}

impl Fixture {
    fn new() -> Self {
        Self::with(FolderOptions::default())
    }

    fn with(options: FolderOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path(), options);
        Self { dir, folder }
    }

    fn path(&self, file: &str) -> std::path::PathBuf {
        self.dir.path().join(file)
    }
}

async fn changed(folder: &Folder) {
    tokio::time::timeout(PATIENCE, folder.changed()).await.expect("a change");
}

/// Waits for changes until a scan is as wanted.
async fn until(folder: &Folder, wanted: impl Fn(&Scan) -> bool) -> Scan {
    let search = async {
        loop {
            let scan = folder.scan().await;
            if wanted(&scan) {
                return scan;
            }
            folder.changed().await;
        }
    };
    tokio::time::timeout(PATIENCE, search).await.expect("the wanted state")
}

fn is(scan: &Scan, name: &str, bytes: &[u8]) -> bool {
    scan.components.get(name).and_then(Found::digest) == Some(Digest::of(bytes))
}

async fn bytes_of(scan: &Scan, name: &str) -> Result<Vec<u8>, SourceError> {
    match &scan.components[name] {
        Found::Ready { content, .. } => content.bytes().await.map(|bytes| bytes.to_vec()),
        other => panic!("{name} is {other:?}"),
    }
}

fn reason(scan: &Scan, name: &str) -> String {
    match &scan.components[name] {
        Found::Faulty { reason } => reason.clone(),
        other => panic!("{name} is {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_renamed_into_place_counts_at_once() {
    let fixture = Fixture::with(FolderOptions {
        // Only the event can be fast enough.
        settle: Duration::from_secs(60),
        rescan: Duration::from_secs(60),
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
    let fixture = Fixture::with(FolderOptions {
        rescan: Duration::from_secs(60),
        ..FolderOptions::default()
    });
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
        FolderOptions { rescan: Duration::from_secs(60), ..FolderOptions::default() },
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

#[tokio::test(flavor = "multi_thread")]
async fn folder_that_vanishes() {
    let outer = tempfile::tempdir().unwrap();
    let path = outer.path().join("functions");
    let folder = Folder::new(
        &path,
        FolderOptions { rescan: Duration::from_secs(60), ..FolderOptions::default() },
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
