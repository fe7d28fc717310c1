mod processes;

use std::thread;

use tempfile::TempDir;

use super::*;

/// How long each question may take: more than it ever does.
const LEFT: Duration = Duration::from_secs(30);

impl Embedded {
    fn one(&self, bucket: &Bucket, key: &str) -> Option<Vec<u8>> {
        self.get(bucket, &[key.to_owned()], LEFT).expect("get").remove(0)
    }

    fn put(&self, bucket: &Bucket, all: &[(String, Vec<u8>)]) -> Result<(), StoreError> {
        self.change(bucket, LEFT, |changing| {
            Ok(all.iter().try_for_each(|(key, value)| changing.put(key, value))?)
        })
    }
}

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
    store.put(&a, &[pair("k", "1"), pair("l", "2")]).expect("set");
    store.put(&ab, &[pair("k", "3")]).expect("set");
    assert_eq!(store.keys(&a, "", LEFT).expect("keys"), ["k", "l"]);
    assert_eq!(store.keys(&a, "k", LEFT).expect("keys"), ["l"]);
    assert_eq!(store.keys(&ab, "", LEFT).expect("keys"), ["k"]);
    store.change(&a, LEFT, |changing| Ok(changing.remove("k")?)).expect("delete");
    store.change(&a, LEFT, |changing| Ok(changing.remove("gone")?)).expect("delete");
    assert_eq!(store.one(&a, "k"), None);
    assert_eq!(store.one(&ab, "k"), Some(b"3".to_vec()));
}

#[test]
fn a_full_bucket_takes_nothing_more_and_keeps_what_it_has() {
    let (_folder, store) = store();
    let bucket = bucket("b");
    store.put(&bucket, &[pair("a", &"x".repeat(60))]).expect("61 of 100 bytes");
    let many = [pair("b", "y"), pair("c", &"z".repeat(60))];
    let full = store.put(&bucket, &many).expect_err("full");
    assert!(matches!(full, StoreError::Full { bytes: 124, room: 100 }), "{full:?}");
    assert_eq!(store.keys(&bucket, "", LEFT).expect("keys"), ["a"], "all or nothing");
    store.put(&bucket, &[pair("a", "x")]).expect("smaller");
    store.put(&bucket, &many).expect("room again");
}

#[test]
fn numbers_and_swaps_are_atomic_among_many_writers() {
    let (_folder, store) = store();
    let bucket = bucket("b");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    store.increment(&bucket, "n", 1, i64::MIN, LEFT).expect("a number");
                    loop {
                        let was = store.one(&bucket, "s");
                        let next = vec![b'x'; was.as_deref().map_or(0, <[u8]>::len) + 1];
                        if store.swap(&bucket, "s", was.as_deref(), &next, LEFT).expect("swap") {
                            break;
                        }
                    }
                }
            });
        }
    });
    assert_eq!(store.one(&bucket, "n"), Some(b"40".to_vec()));
    assert_eq!(store.one(&bucket, "s").map(|value| value.len()), Some(40));
}

#[test]
fn only_numbers_are_added_to_and_no_sum_leaves_its_range() {
    let (_folder, store) = store();
    let bucket = bucket("b");
    for (was, by, lowest, sum) in [
        ("40", 2, i64::MIN, Some(42)),
        ("1", -2, i64::MIN, Some(-1)),
        ("1", -2, 0, None),
        ("many", 1, i64::MIN, None),
        ("007", 1, i64::MIN, None),
        ("+7", 1, i64::MIN, None),
        ("9223372036854775807", 1, i64::MIN, None),
        ("-9223372036854775808", -1, i64::MIN, None),
    ] {
        store.put(&bucket, &[pair("n", was)]).expect("set");
        let added = store.increment(&bucket, "n", by, lowest, LEFT).ok();
        assert_eq!(added, sum, "{was} and {by}");
        let kept = sum.map_or(was.to_owned(), |sum| sum.to_string());
        assert_eq!(store.one(&bucket, "n"), Some(kept.into_bytes()), "{was} and {by}");
    }
}

#[test]
fn keys_with_a_nul_or_dots_are_keys_like_others() {
    let (_folder, store) = store();
    let bucket = bucket("b");
    let keys = ["..", "../own/b", "a", "a\0b", "a\0c", "\u{10ffff}"];
    for key in keys {
        store.put(&bucket, &[pair(key, key)]).expect("set");
    }
    for key in keys {
        assert_eq!(store.one(&bucket, key), Some(key.as_bytes().to_vec()), "{key:?}");
    }
    assert_eq!(store.keys(&bucket, "", LEFT).expect("keys"), keys);
}

#[test]
fn pages_have_every_key_that_stays_while_others_come_and_go() {
    let (_folder, store) = store();
    let bucket = Bucket { place: "b".to_owned(), room: 1 << 20 };
    let all: Vec<_> = (0..2500).map(|n| pair(&format!("k{n:05}"), "")).collect();
    store.put(&bucket, &all).expect("set");
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = store.keys(&bucket, &after, LEFT).expect("keys");
        assert!(page.len() <= PAGE);
        let Some(last) = page.last() else { break };
        after.clone_from(last);
        // What lies before the cursor goes, the cursor itself too, and new ones come before and behind it.
        store
            .change(&bucket, LEFT, |changing| {
                changing.remove(&page[0])?;
                changing.remove(last)?;
                changing.put("k00000-new", b"")?;
                // Only behind what was there at first: behind a new one there would be no end.
                if !last.ends_with("-new") {
                    changing.put(&format!("{last}-new"), b"")?;
                }
                Ok(())
            })
            .expect("change");
        seen.extend(page);
    }
    let mut stayed = seen.clone();
    stayed.retain(|key| !key.ends_with("-new"));
    assert_eq!(stayed, all.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), "each once");
    assert!(seen.is_sorted());
}
