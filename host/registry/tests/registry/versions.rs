//! Code in memory: who holds it, when it makes way, and where it is found again.

use std::time::Duration;

use registry::activation::Percent;
use registry::{Back, Registry};
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, Place, active, component, id, new_run, reload};

/// Waits until something holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let search = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("never {what}"));
}

fn in_memory(registry: &Registry) -> usize {
    registry.held().len()
}

#[tokio::test]
async fn calls_end_on_the_code_they_began_with_and_hear_of_newer_code() {
    let place = Place::new();
    let old = place.put("one", &component(1, &["a"]));
    let registry = place.open().await;
    reload(&registry).await;
    let lease = registry.lease(old, &id("a")).await.expect("the active version");
    assert!(!lease.outdated().is_cancelled());
    let new = place.put("one", &component(2, &["a"]));
    reload(&registry).await;
    assert_eq!((lease.component().digest(), lease.outdated().is_cancelled()), (old, true));
    assert!(!lease.expired().is_cancelled());
    // A run that goes on with the old code on purpose has nothing to make way for.
    let later = registry.lease(old, &id("a")).await.expect("the old version");
    assert!(!later.outdated().is_cancelled());
    assert_eq!(registry.held(), [(old, 2), (new, 0)].into());
    drop((lease, later));
    assert_eq!(registry.held()[&old], 0);
}

#[tokio::test]
async fn what_comes_back_by_a_rollback_is_not_outdated() {
    let place = Place::new();
    let old = place.put("one", &component(1, &["a"]));
    let registry = place.open().await;
    reload(&registry).await;
    place.put("one", &component(2, &["a"]));
    reload(&registry).await;
    registry.roll_back(&Back::default()).await.expect("a rollback");
    let lease = registry.lease(old, &id("a")).await.expect("the version");
    assert!(!lease.outdated().is_cancelled());
    place.put("one", &component(3, &["a"]));
    reload(&registry).await;
    assert!(lease.outdated().is_cancelled());
}

#[tokio::test]
async fn calls_on_replaced_code_are_handed_back_after_the_deadline() {
    let place = Place::new();
    let old = place.put("one", &component(1, &["a"]));
    let mut options = place.options();
    options.deadline = Duration::from_millis(50);
    let registry = place.open_with(options, &place.folder()).await;
    reload(&registry).await;
    let stop = CancellationToken::new();
    let keeper = tokio::spawn(registry.clone().keep_current(None, stop.clone()));
    let lease = registry.lease(old, &id("a")).await.expect("the version");
    let new = place.put("one", &component(2, &["a"]));
    reload(&registry).await;
    let fresh = registry.lease(new, &id("a")).await.expect("the version");
    tokio::time::timeout(PATIENCE, lease.expired().cancelled()).await.expect("it expires");
    assert!(!fresh.expired().is_cancelled());
    stop.cancel();
    keeper.await.expect("it ends");
}

#[tokio::test]
async fn idle_code_leaves_memory_and_comes_back_when_a_run_needs_it() {
    let place = Place::new();
    let old = place.put("one", &component(1, &["a"]));
    let mut options = place.options();
    options.idle = Duration::from_millis(10);
    let registry = place.open_with(options, &place.folder()).await;
    reload(&registry).await;
    let stop = CancellationToken::new();
    let keeper = tokio::spawn(registry.clone().keep_current(Some(Percent::ALL), stop.clone()));
    let used = registry.lease(old, &id("a")).await.expect("the version");
    // The folder is watched: nobody asks.
    let new = place.put("one", &component(2, &["a"]));
    until("activated", || active(&registry, "a") == Some(new)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(in_memory(&registry), 2, "a call is on it");
    drop(used);
    until("gone", || in_memory(&registry) == 1).await;
    let again = registry.lease(old, &id("a")).await.expect("the version");
    assert_eq!((again.component().digest(), in_memory(&registry)), (old, 2));
    stop.cancel();
    keeper.await.expect("it ends");
}

#[tokio::test]
async fn a_version_that_is_nowhere_is_missing_and_one_that_a_source_has_is_fetched() {
    let place = Place::new();
    let bytes = component(1, &["a"]);
    let old = place.put("one", &bytes);
    let registry = place.open().await;
    reload(&registry).await;
    place.put("one", &component(2, &["a"]));
    reload(&registry).await;
    drop(registry);
    std::fs::remove_file(place.stored(old)).expect("removed");
    let registry = place.open().await;
    let missing = registry.lease(old, &id("a")).await.expect_err("nobody has it");
    assert_eq!((missing.component.as_str(), missing.digest), ("one", old));
    // Under whatever name.
    place.put("copy", &bytes);
    let _ = registry.reload(&crate::support::ask()).await;
    let lease = registry.lease(old, &id("a")).await.expect("the source has it");
    assert_eq!(lease.component().digest(), old);
    assert!(place.stored(old).exists(), "it is kept from then on");
}

#[tokio::test]
async fn active_code_that_is_missing_is_told_and_the_rest_is_served() {
    let place = Place::new();
    let lost = place.put("one", &component(1, &["a"]));
    let kept = place.put("two", &component(1, &["b"]));
    let registry = place.open().await;
    reload(&registry).await;
    drop(registry);
    std::fs::remove_file(place.stored(lost)).expect("removed");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let registry = place.open_with(place.options(), elsewhere.path()).await;
    let present = registry.present();
    assert_eq!(present.absent().iter().map(|one| one.digest).collect::<Vec<_>>(), [lost]);
    assert_eq!((active(&registry, "a"), active(&registry, "b")), (None, Some(kept)));
    let run = new_run(&registry, 1);
    assert_eq!(registry.choose(&id("a"), run).await.expect("a choice").versions(), [lost]);
    assert!(registry.lease(lost, &id("a")).await.is_err());
    // It is tried again now and then, and served once it is there.
    std::fs::write(place.stored(lost), component(1, &["a"])).expect("written");
    let look = async {
        while active(&registry, "a") != Some(lost) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            registry.adopt().await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("it is served");
    assert_eq!(registry.present().absent(), []);
}
