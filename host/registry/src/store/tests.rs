use super::*;

fn store() -> (tempfile::TempDir, Versions) {
    let dir = tempfile::tempdir().expect("a folder");
    let store = Versions::open(dir.path()).expect("a store");
    (dir, store)
}

fn stored(store: &Versions, digest: &Digest) -> Option<Vec<u8>> {
    store.get(digest).map(|component| component.bytes().to_vec())
}

#[test]
fn a_component_is_found_under_its_digest_and_put_once() {
    let (dir, store) = store();
    let digest = store.put(b"one".as_slice()).expect("put");
    assert_eq!(digest, Digest::of(b"one"));
    assert_eq!(stored(&store, &digest).as_deref(), Some(b"one".as_slice()));
    let since = store.list().expect("list")[0].since;
    assert_eq!(store.put(b"one".as_slice()).expect("again"), digest);
    let again = Versions::open(dir.path()).expect("another process");
    let list = again.list().expect("list");
    assert_eq!(list, [Stored { digest, bytes: 3, since }], "it was not written again");
    let names: Vec<_> = fs::read_dir(dir.path().join("components")).expect("folder").collect();
    assert_eq!(names.len(), 1, "nothing else is left: {names:?}");
}

#[test]
fn a_corrupt_component_counts_as_missing_and_is_kept_aside() {
    let (_dir, store) = store();
    let digest = store.put(b"good".as_slice()).expect("put");
    fs::write(store.path(&digest), b"goad").expect("damage");
    assert_eq!(stored(&store, &digest), None);
    assert!(!store.has(&digest));
    let aside = store.path(&digest).with_extension("corrupt");
    assert_eq!(fs::read(aside).expect("kept aside"), b"goad");
    assert_eq!(store.list().expect("list"), []);
    store.put(b"good".as_slice()).expect("put again");
    assert_eq!(stored(&store, &digest).as_deref(), Some(b"good".as_slice()));
}

#[test]
fn putting_repairs_what_is_broken() {
    let (_dir, store) = store();
    let digest = store.put(b"good".as_slice()).expect("put");
    fs::write(store.path(&digest), b"").expect("damage");
    assert_eq!(store.put(b"good".as_slice()).expect("put"), digest);
    assert_eq!(stored(&store, &digest).as_deref(), Some(b"good".as_slice()));
}

#[test]
fn foreign_files_are_left_alone_and_abandoned_ones_swept() {
    let (dir, store) = store();
    let digest = store.put(b"one".as_slice()).expect("put");
    let folder = dir.path().join("components");
    let upper = format!("{}.wasm", digest.to_string().to_uppercase());
    let part = format!(".{digest}.77-0.part");
    for name in ["README", "abc.wasm", ".hidden.part", &upper, &part] {
        fs::write(folder.join(name), b"?").expect("a file");
    }
    fs::create_dir(folder.join("sub.wasm")).expect("a folder");
    assert_eq!(store.list().expect("list").len(), 1);
    store.sweep(SystemTime::now()).expect("sweep");
    assert!(folder.join(&part).exists(), "its writer may be at work");
    store.sweep(SystemTime::now() + 2 * ABANDONED).expect("sweep");
    assert!(!folder.join(&part).exists());
    for name in ["README", "abc.wasm", ".hidden.part", &upper, "sub.wasm"] {
        assert!(folder.join(name).exists(), "{name}");
    }
}

#[test]
fn removing_says_whether_it_was_there() {
    let (_dir, store) = store();
    let digest = store.put(b"one".as_slice()).expect("put");
    assert!(store.remove(&digest).expect("remove"));
    assert!(!store.remove(&digest).expect("again"));
    assert_eq!(stored(&store, &digest), None);
}

#[test]
fn what_cannot_be_written_is_an_error_that_names_the_file() {
    let (dir, store) = store();
    fs::remove_dir(dir.path().join("components")).expect("remove the folder");
    let error = store.put(b"one".as_slice()).expect_err("no folder");
    let digest = Digest::of(b"one").to_string();
    assert!(error.to_string().starts_with("cannot write ") && error.to_string().contains(&digest));
}

#[test]
fn writers_of_one_component_do_not_disturb_each_other() {
    let (_dir, store) = store();
    let bytes = vec![7; 200_000];
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let digest = store.put(bytes.as_slice()).expect("put");
                assert_eq!(stored(&store, &digest).as_deref(), Some(bytes.as_slice()));
            });
        }
    });
    assert_eq!(store.list().expect("list").len(), 1);
}
