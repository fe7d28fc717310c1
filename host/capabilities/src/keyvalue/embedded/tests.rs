use std::thread;

use tempfile::TempDir;

use super::*;

fn bucket(place: &str) -> Bucket {
    Bucket { place: place.to_owned(), room: 100 }
}

fn store() -> (TempDir, Embedded) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Embedded::open(&folder.path().join("values")).expect("a file");
    (folder, store)
}

fn pair(key: &str, value: &str) -> (String, Vec<u8>) {
    (key.to_owned(), value.as_bytes().to_vec())
}

#[test]
fn buckets_whose_names_begin_alike_share_nothing() {
    let (_folder, store) = store();
    let (a, ab) = (bucket("own/a"), bucket("own/ab"));
    store.set_many(&a, &[pair("k", "1"), pair("l", "2")]).expect("set");
    store.set_many(&ab, &[pair("k", "3")]).expect("set");
    assert_eq!(store.keys(&a, "").expect("keys"), ["k", "l"]);
    assert_eq!(store.keys(&a, "k").expect("keys"), ["l"]);
    assert_eq!(store.keys(&ab, "").expect("keys"), ["k"]);
    store.delete_many(&a, &["k".to_owned(), "gone".to_owned()]).expect("delete");
    assert_eq!(store.get(&a, "k").expect("get"), None);
    assert_eq!(store.get(&ab, "k").expect("get"), Some(b"3".to_vec()));
}

#[test]
fn a_full_bucket_takes_nothing_more_and_keeps_what_it_has() {
    let (_folder, store) = store();
    let bucket = bucket("b");
    store.set_many(&bucket, &[pair("a", &"x".repeat(60))]).expect("61 of 100 bytes");
    let many = [pair("b", "y"), pair("c", &"z".repeat(60))];
    let full = store.set_many(&bucket, &many).expect_err("full");
    assert!(matches!(full, StoreError::Full { bytes: 124, room: 100 }), "{full:?}");
    assert_eq!(store.keys(&bucket, "").expect("keys"), ["a"], "all or nothing");
    store.set_many(&bucket, &[pair("a", "x")]).expect("smaller");
    store.set_many(&bucket, &many).expect("room again");
}

#[test]
fn numbers_and_swaps_are_atomic_among_many_writers() {
    let (_folder, store) = store();
    let bucket = bucket("b");
    let range = i128::from(i64::MIN)..=i128::from(i64::MAX);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    store.increment(&bucket, "n", 1, range.clone()).expect("a number");
                    loop {
                        let was = store.get(&bucket, "s").expect("get");
                        let next = was.as_deref().map_or(0, <[u8]>::len) + 1;
                        if store
                            .swap(&bucket, "s", was.as_deref(), &vec![b'x'; next])
                            .expect("swap")
                        {
                            break;
                        }
                    }
                }
            });
        }
    });
    assert_eq!(store.get(&bucket, "n").expect("get"), Some(b"40".to_vec()));
    assert_eq!(store.get(&bucket, "s").expect("get").map(|value| value.len()), Some(40));
    store.set_many(&bucket, &[pair("n", "many")]).expect("set");
    assert!(store.increment(&bucket, "n", 1, range.clone()).is_err(), "no number");
    store.set_many(&bucket, &[pair("n", &i64::MAX.to_string())]).expect("set");
    assert!(store.increment(&bucket, "n", 1, range).is_err(), "too large");
}

#[test]
fn what_was_answered_is_there_when_the_file_is_opened_again() {
    let (folder, store) = store();
    store.set_many(&bucket("b"), &[pair("a", "1")]).expect("set");
    assert!(Embedded::open(&folder.path().join("values")).is_err(), "one writer");
    // What a process killed at this moment would leave: the file as it is.
    std::fs::copy(folder.path().join("values"), folder.path().join("copy")).expect("a copy");
    let again = Embedded::open(&folder.path().join("copy")).expect("a file");
    assert_eq!(again.get(&bucket("b"), "a").expect("get"), Some(b"1".to_vec()));
}
