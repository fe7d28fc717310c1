use jiff::Timestamp;
use protocol::event::NewEvent;

use super::*;

fn entry(id: &str) -> Entry {
    let text = format!(r#"{{"name":"a/b","id":"{id}","data":{{"id":"{id}"}}}}"#);
    let event = NewEvent::parse_all(text.as_bytes()).expect("an event").remove(0);
    Entry::new("acme", &event, Timestamp::now(), "0".repeat(32))
}

fn options(folder: &Path) -> SpoolOptions {
    SpoolOptions::new(folder.join("spool"))
}

async fn ids(spool: &Spool) -> Vec<String> {
    let waiting = spool.first(1000, 1 << 20).await.expect("readable");
    waiting.into_iter().map(|waiting| waiting.entry.id).collect()
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_start_in_its_order_and_repeats_do_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = Spool::open(options(folder.path())).expect("opened");
    for id in ["c", "a", "b"] {
        assert_eq!(spool.put(vec![entry(id)], false).await.expect("kept"), Kept::New);
    }
    assert_eq!(spool.put(vec![entry("a")], false).await.expect("known"), Kept::Repeat);
    let first = spool.first(1, 1).await.expect("readable").remove(0);
    spool.remove(first.number, first.number).await.expect("removed");
    let (level, seed) = (spool.waiting(), spool.seed());
    drop(spool);

    let spool = Spool::open(options(folder.path())).expect("opened again");
    assert_eq!(ids(&spool).await, ["a", "b"]);
    assert_eq!((spool.waiting(), spool.seed()), (level, seed));
    assert_eq!(spool.put(vec![entry("c")], false).await.expect("sent before"), Kept::Repeat);
    assert_eq!(spool.put(vec![entry("c")], true).await.expect("on purpose"), Kept::New);
    assert_eq!(ids(&spool).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn many_at_once_share_writes_and_none_is_lost_or_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = Spool::open(options(folder.path())).expect("opened");
    let puts = (0..500).map(|n| {
        let spool = Arc::clone(&spool);
        // Each id comes twice.
        tokio::spawn(async move { spool.put(vec![entry(&format!("{}", n / 2))], false).await })
    });
    let mut new = 0;
    for put in puts.collect::<Vec<_>>() {
        new += usize::from(put.await.expect("it ends").expect("kept") == Kept::New);
    }
    assert_eq!((new, ids(&spool).await.len()), (250, 250));
    let waiting = spool.first(1000, 1 << 20).await.expect("readable");
    let writes: std::collections::BTreeSet<_> = waiting.iter().map(|one| one.written).collect();
    assert!(writes.len() < 250, "{} writes for 250 entries", writes.len());
}

#[tokio::test]
async fn a_full_spool_takes_nothing_more_until_something_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = entry("0").size() * 3;
    let spool = Spool::open(SpoolOptions { bytes, ..options(folder.path()) }).expect("opened");
    let mut kept = 0;
    let refused = loop {
        match spool.put(vec![entry(&kept.to_string())], false).await {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 10, "the bound is broken");
    };
    assert!(matches!(refused, SpoolError::Full(_)), "{refused}");
    assert!((2..=4).contains(&kept), "{kept}");
    // Whoever comes at the same moment counts too.
    let together = futures_of(&spool, 10).await;
    assert_eq!(together, 0);
    let first = spool.first(1, 1).await.expect("readable").remove(0);
    spool.remove(first.number, first.number).await.expect("removed");
    assert_eq!(futures_of(&spool, 10).await, 1);
}

/// How many of so many that come at once are kept.
async fn futures_of(spool: &Arc<Spool>, count: usize) -> usize {
    let puts = (0..count).map(|n| {
        let spool = Arc::clone(spool);
        tokio::spawn(async move { spool.put(vec![entry(&format!("more-{n}"))], false).await })
    });
    let mut kept = 0;
    for put in puts.collect::<Vec<_>>() {
        kept += usize::from(put.await.expect("it ends").is_ok());
    }
    kept
}

#[tokio::test]
async fn ids_are_forgotten_by_number_and_by_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let bounds = SpoolOptions { ids: 3, ..options(folder.path()) };
    let spool = Spool::open(bounds.clone()).expect("opened");
    for id in ["a", "b", "c", "d"] {
        spool.put(vec![entry(id)], false).await.expect("kept");
    }
    assert_eq!(spool.put(vec![entry("d")], false).await.expect("known"), Kept::Repeat);
    assert_eq!(spool.put(vec![entry("a")], false).await.expect("forgotten"), Kept::New);
    drop(spool);
    let spool = Spool::open(SpoolOptions { remembered: Duration::ZERO, ..bounds }).expect("opened");
    tokio::time::sleep(Duration::from_millis(5)).await;
    spool.put(vec![entry("x")], false).await.expect("kept");
    tokio::time::sleep(Duration::from_millis(5)).await;
    spool.put(vec![entry("y")], false).await.expect("kept");
    assert_eq!(spool.put(vec![entry("x")], false).await.expect("forgotten"), Kept::New);
}

#[tokio::test]
async fn what_cannot_be_sent_is_a_letter_with_its_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = Spool::open(options(folder.path())).expect("opened");
    spool.put(vec![entry("a"), entry("b")], false).await.expect("kept");
    let waiting = spool.first(10, 1 << 20).await.expect("readable");
    spool.bury(&waiting[0], "it is too large").await.expect("buried");
    assert_eq!(ids(&spool).await, ["b"]);
    let letters = spool.dead().all().expect("readable");
    let [letter] = &letters[..] else { panic!("{letters:?}") };
    assert_eq!((letter.why.as_str(), letter.entry.id.as_str()), ("it is too large", "a"));
    let again = spool.dead().get(&letter.letter).expect("readable").expect("there");
    assert_eq!(again.entry.event.get(), waiting[0].entry.event.get());
    #[cfg(unix)]
    for (path, mode) in
        [("dead".to_owned(), 0o700), (format!("dead/{}.json", letter.letter), 0o600)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let found =
            std::fs::metadata(folder.path().join("spool").join(&path)).expect("it is there");
        assert_eq!(found.permissions().mode() & 0o777, mode, "{path}: only its owner may look");
    }
    for name in ["", "../spool", "1-2/3", "nothing"] {
        assert!(spool.dead().get(name).expect("no letter").is_none(), "{name}");
    }
    spool.dead().remove(letter).expect("removed");
    assert!(spool.dead().all().expect("readable").is_empty());
}

#[tokio::test]
async fn a_folder_has_one_gateway() {
    let folder = tempfile::tempdir().expect("a folder");
    let _first = Spool::open(options(folder.path())).expect("opened");
    let second = Spool::open(options(folder.path())).expect_err("it is open").to_string();
    assert!(second.contains("another process has it open"), "{second}");
}
