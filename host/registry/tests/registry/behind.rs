//! Folders that are behind the log, and functions that go and come back.

use protocol::digest::Digest;
use protocol::role::Role;
use registry::{Choice, Request, Verdict};

use crate::support::{Place, active, ask, component, id, new_run, reload, run_at, verdicts};

#[tokio::test]
async fn a_worker_whose_folder_is_behind_does_not_take_the_others_back() {
    let place = Place::new();
    let other = tempfile::tempdir().expect("another folder");
    let old = component(1, &["a"]);
    place.put("one", &old);
    std::fs::write(other.path().join("one.wasm"), &old).expect("written");
    let first = place.open().await;
    reload(&first).await;
    let new = place.put("one", &component(2, &["a"]));
    reload(&first).await;

    // Started anew with a folder that nobody has touched, asked, and asked again.
    let second = place.open_with(place.options(), other.path()).await;
    for _ in 0..2 {
        let report = reload(&second).await;
        assert_eq!(verdicts(&report), [("one", Verdict::Superseded)]);
        assert_eq!((report.ok, active(&second, "a")), (true, Some(new)));
    }
    // Whoever means it can have it, and so can whoever puts the old one there on purpose.
    let forced = Request { force: true, ..ask() };
    second.reload(&forced).await.expect("a reload");
    assert_eq!(active(&second, "a"), Some(Digest::of(&old)));
    let newest = place.put("one", &component(3, &["a"]));
    reload(&first).await;
    assert_eq!(active(&first, "a"), Some(newest));
    let back = place.put("one", &old);
    assert_eq!(verdicts(&reload(&first).await), [("one", Verdict::Activated)]);
    assert_eq!(active(&first, "a"), Some(back));
}

#[tokio::test]
async fn a_function_that_is_taken_away_twice_is_retired_twice() {
    let place = Place::new();
    let (with, without) = (component(1, &["a", "b"]), component(2, &["b"]));
    place.put("one", &with);
    let registry = place.open().await;
    reload(&registry).await;
    let role = Role::ALL.into_iter().find(|role| registry.present().of_role(*role).count() > 0);
    let role = role.expect("a role");
    let retired = || {
        let present = registry.present();
        present.retired(role).map(|config| config.id.to_string()).collect::<Vec<_>>()
    };
    for _ in 0..2 {
        place.put("one", &without);
        reload(&registry).await;
        assert_eq!(retired(), ["a"]);
        registry.drained(role, &id("a")).await;
        assert_eq!(retired(), Vec::<String>::new());
        place.put("one", &with);
        reload(&registry).await;
        // What came back is not drained by an answer that was given before.
        registry.drained(role, &id("a")).await;
    }
}

#[tokio::test]
async fn a_run_of_a_function_that_is_gone_has_the_versions_it_had() {
    let place = Place::new();
    let first = place.put("one", &component(1, &["a", "b"]));
    let registry = place.open().await;
    reload(&registry).await;
    let run = new_run(&registry, 1);
    let second = place.put("one", &component(2, &["a", "b"]));
    reload(&registry).await;
    place.put("one", &component(3, &["b"]));
    reload(&registry).await;
    let choice = registry.choose(&id("a"), run).await.expect("a choice");
    assert_eq!(choice, Choice::First { versions: vec![second, first], began: Some(first) });
    let much_later = run_at(run.unix_millis() + 3_600_000, 1);
    assert_eq!(
        registry.choose(&id("a"), much_later).await,
        None,
        "nothing begins with it any more"
    );
}
