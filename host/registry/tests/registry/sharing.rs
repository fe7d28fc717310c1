//! Several registries on one versions folder, and one after another.

use registry::{Back, ReloadError, Request, Verdict};

use crate::support::{Place, active, ask, component, id, new_run, owners, reload, verdicts};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_that_race_one_activates_and_both_serve_it() {
    let place = Place::new();
    place.put("one", &component(1, &["a"]));
    let (left, right) = (place.open().await, place.open().await);
    for round in 0..6_u64 {
        place.put("one", &component(u32::try_from(round % 2 + 1).expect("small"), &["a"]));
        left.adopt().await;
        right.adopt().await;
        let request = Request { expected: Some(round), ..ask() };
        let (one, other) = tokio::join!(
            tokio::spawn({
                let (r, q) = (left.clone(), request.clone());
                async move { r.reload(&q).await }
            }),
            tokio::spawn({
                let (r, q) = (right.clone(), request.clone());
                async move { r.reload(&q).await }
            }),
        );
        let results = [one.expect("no panic"), other.expect("no panic")];
        let won = results.iter().flatten().filter(|report| report.generation.after == round + 1);
        assert_eq!(won.count(), 1, "{results:?}");
        let lost = results.iter().find_map(|result| result.as_ref().err());
        assert!(matches!(lost, Some(ReloadError::Conflict { .. })), "{results:?}");
        // What the loser has not heard of, it hears when it looks.
        for registry in [&left, &right] {
            assert!(registry.reload(&ask()).await.is_ok());
        }
        assert_eq!(left.present().number(), round + 1);
        assert_eq!(right.present().number(), round + 1);
        assert_eq!(left.present().digest(), right.present().digest());
    }
}

#[tokio::test]
async fn what_another_one_activated_comes_from_the_versions_folder() {
    let place = Place::new();
    let elsewhere = tempfile::tempdir().expect("a folder");
    place.put("one", &component(1, &["a"]));
    let deployer = place.open().await;
    let follower = place.open_with(place.options(), elsewhere.path()).await;
    reload(&deployer).await;
    let digest = place.put("one", &component(2, &["a"]));
    reload(&deployer).await;
    // Its own folder has nothing; a call is the first to look at the log.
    assert_eq!(active(&follower, "a"), None);
    let run = new_run(&deployer, 1);
    let choice = follower.choose(&id("a"), run).await.expect("a choice");
    assert_eq!(choice.versions(), [digest]);
    follower.adopt().await;
    assert_eq!((follower.present().number(), active(&follower, "a")), (2, Some(digest)));
    assert_eq!(follower.present().digest(), deployer.present().digest());
}

#[tokio::test]
async fn a_restart_serves_the_same_generation_without_another_line() {
    let place = Place::new();
    place.put("one", &component(1, &["a"]));
    place.put("two", &component(1, &["b"]));
    let first = place.open().await;
    reload(&first).await;
    let before = (first.present().number(), first.present().digest(), owners(&first));
    drop(first);
    let second = place.open().await;
    let present = || (second.present().number(), second.present().digest(), owners(&second));
    assert_eq!(present(), before);
    let report = reload(&second).await;
    assert_eq!(verdicts(&report), [("one", Verdict::Unchanged), ("two", Verdict::Unchanged)]);
    assert_eq!(present(), before);
    assert_eq!(second.present().history().all().count(), 2);
}

#[tokio::test]
async fn what_was_rolled_back_stays_so_over_a_restart_until_the_file_changes() {
    let place = Place::new();
    let good = place.put("one", &component(1, &["a"]));
    let registry = place.open().await;
    reload(&registry).await;
    let bad = place.put("one", &component(2, &["a"]));
    reload(&registry).await;
    let report = registry.roll_back(&Back::default()).await.expect("a rollback");
    assert_eq!((report.generation.before, report.generation.after), (2, 3));
    assert_eq!(active(&registry, "a"), Some(good));
    drop(registry);
    let registry = place.open().await;
    let report = reload(&registry).await;
    assert_eq!(verdicts(&report), [("one", Verdict::RolledBack)]);
    assert_eq!((report.components[0].digest, active(&registry, "a")), (Some(bad), Some(good)));
    // Whoever insists gets it.
    let forced = registry.reload(&Request { force: true, ..ask() }).await.expect("forced");
    assert_eq!((forced.generation.after, active(&registry, "a")), (4, Some(bad)));
    registry.roll_back(&Back::default()).await.expect("a rollback");
    let mended = place.put("one", &component(3, &["a"]));
    assert_eq!(verdicts(&reload(&registry).await), [("one", Verdict::Activated)]);
    assert_eq!(active(&registry, "a"), Some(mended));
}

#[tokio::test]
async fn a_rollback_of_one_function_takes_its_component_along_and_no_other() {
    let place = Place::new();
    let old = place.put("one", &component(1, &["a", "b"]));
    place.put("two", &component(1, &["c"]));
    let registry = place.open().await;
    reload(&registry).await;
    place.put("one", &component(2, &["a", "b"]));
    let other = place.put("two", &component(2, &["c"]));
    reload(&registry).await;
    let back = Back { function: Some(id("b")), why: "it fails".to_owned(), ..Back::default() };
    let report = registry.roll_back(&back).await.expect("a rollback");
    assert_eq!(verdicts(&report), [("one", Verdict::Activated)]);
    let present = ["a", "b", "c"].map(|function| active(&registry, function));
    assert_eq!(present, [Some(old), Some(old), Some(other)]);
    let last = registry.present().history().last().expect("a line").why.clone();
    assert_eq!(last, "back to the version before: it fails");
    let unknown = Back { to: Some(99), ..Back::default() };
    let error = registry.roll_back(&unknown).await.expect_err("no such generation");
    assert!(matches!(error, ReloadError::Unknown(_)), "{error}");
}
