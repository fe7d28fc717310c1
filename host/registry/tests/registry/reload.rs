//! One registry and its folder: what a reload takes up, what it refuses, and what it leaves as it was.

use protocol::digest::Digest;
use registry::{Back, ReloadError, Request, Verdict};

use crate::support::{
    Place, active, ask, component, half_faulty, id, owners, refused, reload, verdicts,
};

#[tokio::test]
async fn a_broken_component_among_good_ones_keeps_its_version_and_the_good_ones_move() {
    let place = Place::new();
    let old = place.put("bad", &component(1, &["a"]));
    place.put("good", &component(1, &["b"]));
    let registry = place.open().await;
    assert_eq!(reload(&registry).await.generation.after, 1);
    place.put("bad", b"\0asm\x0d\0\x01\0and no more of it");
    let new = place.put("good", &component(2, &["b"]));
    place.put("never", b"no component at all");
    let report = reload(&registry).await;
    assert!(!report.ok);
    assert_eq!(
        verdicts(&report),
        [("bad", Verdict::CarriedOver), ("good", Verdict::Activated), ("never", Verdict::Rejected)]
    );
    assert!(
        report
            .components
            .iter()
            .all(|one| one.verdict == Verdict::Activated || one.reason.is_some())
    );
    assert_eq!((active(&registry, "a"), active(&registry, "b")), (Some(old), Some(new)));
    let rejected = registry.rejected();
    assert_eq!(rejected.keys().collect::<Vec<_>>(), ["bad", "never"]);
    // Mended, it is told no longer.
    place.put("bad", &component(2, &["a"]));
    place.remove("never");
    assert!(reload(&registry).await.ok);
    assert!(registry.rejected().is_empty());
}

#[tokio::test]
async fn of_two_new_ones_with_one_function_neither_is_taken() {
    let place = Place::new();
    place.put("one", &component(1, &["a", "b"]));
    place.put("two", &component(2, &["b"]));
    place.put("three", &component(1, &["c"]));
    let registry = place.open().await;
    let report = reload(&registry).await;
    assert_eq!(
        verdicts(&report),
        [("one", Verdict::Rejected), ("three", Verdict::Activated), ("two", Verdict::Rejected)]
    );
    assert!(report.components.iter().filter(|one| one.is_new_duplicate()).count() == 2);
    assert_eq!(owners(&registry).len(), 1);
}

#[tokio::test]
async fn who_has_a_function_keeps_it() {
    let place = Place::new();
    let first = place.put("one", &component(1, &["a"]));
    let registry = place.open().await;
    reload(&registry).await;
    place.put("two", &component(2, &["a"]));
    let report = reload(&registry).await;
    assert_eq!(verdicts(&report), [("one", Verdict::Unchanged), ("two", Verdict::Rejected)]);
    assert_eq!(report.generation.after, 1);
    assert_eq!(active(&registry, "a"), Some(first));
}

#[tokio::test]
async fn a_function_moves_from_one_file_to_another_in_one_reload() {
    let place = Place::new();
    place.put("one", &component(1, &["a", "b"]));
    place.put("two", &component(1, &["c"]));
    let registry = place.open().await;
    reload(&registry).await;
    let one = place.put("one", &component(2, &["a"]));
    let two = place.put("two", &component(2, &["b", "c"]));
    assert_eq!(reload(&registry).await.generation.after, 2);
    let owner = |function: &str, name: &str, digest| (function.to_owned(), name.to_owned(), digest);
    assert_eq!(
        owners(&registry),
        [owner("a", "one", one), owner("b", "two", two), owner("c", "two", two)]
    );
}

#[tokio::test]
async fn a_fault_in_a_served_function_keeps_the_whole_component_and_in_a_new_one_only_that() {
    let place = Place::new();
    let old = place.put("one", &component(1, &["a", "b"]));
    let registry = place.open().await;
    reload(&registry).await;
    place.put("one", &half_faulty("a", "b"));
    let report = reload(&registry).await;
    assert_eq!(verdicts(&report), [("one", Verdict::CarriedOver)]);
    assert_eq!((active(&registry, "a"), active(&registry, "b")), (Some(old), Some(old)));
    let new = place.put("other", &half_faulty("c", "d"));
    reload(&registry).await;
    assert_eq!((active(&registry, "c"), active(&registry, "d")), (Some(new), None));
    assert_eq!(registry.present().refused().count(), 1);
}

#[tokio::test]
async fn a_deleted_file_takes_its_functions_away_and_they_are_retired() {
    let place = Place::new();
    place.put("one", &component(1, &["a"]));
    place.put("two", &component(1, &["b"]));
    let registry = place.open().await;
    reload(&registry).await;
    place.remove("two");
    let report = reload(&registry).await;
    assert_eq!(verdicts(&report), [("one", Verdict::Unchanged), ("two", Verdict::Removed)]);
    let present = registry.present();
    assert!(present.active(&id("b")).is_none());
    let home = present.history().homes().find(|(function, ..)| **function == id("b"));
    let role = home.expect("its last home").1;
    assert_eq!(present.retired(role).map(|one| one.id.to_string()).collect::<Vec<_>>(), ["b"]);
    registry.drained(role, &id("b")).await;
    assert_eq!(registry.present().retired(role).count(), 0);
}

#[tokio::test]
async fn a_folder_that_vanishes_changes_nothing() {
    let place = Place::new();
    let digest = place.put("one", &component(1, &["a"]));
    let registry = place.open().await;
    reload(&registry).await;
    std::fs::rename(place.folder(), place.folder().with_extension("away")).expect("renamed");
    let report = reload(&registry).await;
    assert_eq!((report.generation.before, report.generation.after), (1, 1));
    assert_eq!(active(&registry, "a"), Some(digest));
}

#[tokio::test]
async fn an_empty_folder_is_refused_unless_it_is_meant() {
    let place = Place::new();
    place.put("one", &component(1, &["a"]));
    let registry = place.open().await;
    reload(&registry).await;
    place.remove("one");
    assert!(matches!(refused(&registry, &ask()).await, ReloadError::Empty { functions: 1 }));
    assert!(active(&registry, "a").is_some());
    let forced = Request { force: true, ..ask() };
    assert_eq!(registry.reload(&forced).await.expect("forced").generation.after, 2);
    assert_eq!(owners(&registry), []);
}

#[tokio::test]
async fn a_renamed_file_is_the_same_code_under_another_name() {
    let place = Place::new();
    let digest = place.put("one", &component(1, &["a"]));
    let registry = place.open().await;
    reload(&registry).await;
    std::fs::rename(place.path("one"), place.path("two")).expect("renamed");
    let report = reload(&registry).await;
    assert_eq!(verdicts(&report), [("one", Verdict::Removed), ("two", Verdict::Activated)]);
    assert_eq!(owners(&registry), [("a".to_owned(), "two".to_owned(), digest)]);
    assert_eq!(registry.in_memory_count(), 1);
}

#[tokio::test]
async fn a_dry_run_tells_and_changes_nothing() {
    let place = Place::new();
    let old = place.put("one", &component(1, &["a"]));
    let registry = place.open().await;
    reload(&registry).await;
    let new = place.put("one", &component(2, &["a"]));
    let report = registry.reload(&Request { dry_run: true, ..ask() }).await.expect("a report");
    assert!(report.dry_run);
    assert_eq!(verdicts(&report), [("one", Verdict::Activated)]);
    assert_eq!((report.components[0].digest, report.generation.after), (Some(new), 1));
    assert_eq!(active(&registry, "a"), Some(old));
    assert!(!place.stored(new).exists());
}

#[tokio::test]
async fn another_generation_than_expected_is_a_conflict() {
    let place = Place::new();
    let digest = place.put("one", &component(1, &["a"]));
    let registry = place.open().await;
    reload(&registry).await;
    place.put("one", &component(2, &["a"]));
    for expected in [0, 2] {
        let error = refused(&registry, &Request { expected: Some(expected), ..ask() }).await;
        assert!(matches!(error, ReloadError::Conflict { present: 1, .. }), "{error}");
        let back = Back { to: Some(1), expected: Some(expected), ..Back::default() };
        let error = registry.roll_back(&back).await.expect_err("a conflict");
        assert!(matches!(error, ReloadError::Conflict { present: 1, .. }), "{error}");
    }
    assert_eq!(active(&registry, "a"), Some(digest));
    let report = registry.reload(&Request { expected: Some(1), ..ask() }).await;
    assert_eq!(report.expect("as expected").generation.after, 2);
}

#[tokio::test]
async fn nothing_new_writes_no_line() {
    let place = Place::new();
    place.put("one", &component(1, &["a"]));
    let registry = place.open().await;
    for _ in 0..3 {
        assert_eq!(reload(&registry).await.generation.after, 1);
    }
    assert_eq!(registry.present().history().all().count(), 1);
}

#[tokio::test]
async fn two_hundred_reloads_leave_nothing_behind() {
    let place = Place::new();
    let mut options = place.options();
    options.idle = std::time::Duration::ZERO;
    let versions = [component(1, &["a"]), component(2, &["a"])];
    place.put("one", &versions[0]);
    let registry = place.open_with(options, &place.folder()).await;
    reload(&registry).await;
    for round in 1..=200_u64 {
        let bytes = &versions[usize::try_from(round % 2).expect("small")];
        let digest = place.put("one", bytes);
        assert_eq!(reload(&registry).await.generation.after, round + 1);
        assert_eq!(active(&registry, "a"), Some(digest));
        assert!(registry.in_memory_count() <= versions.len());
    }
    assert!(registry.held().values().all(|calls| *calls == 0), "{:?}", registry.held());
    let stored = std::fs::read_dir(place.stored(Digest::of(b"")).parent().expect("a folder"));
    assert_eq!(stored.expect("listed").count(), 2);
}
