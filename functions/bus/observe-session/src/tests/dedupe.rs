//! Sessions that are sent more than once.

use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use super::site::world;
use super::{ended, ended_with};
use crate::{Accumulated, Report, observe_failed, observe_session};

const LOCK: &str = "memory:observe:lock:session-1-end";

#[system_bus_sdk::test]
fn a_session_that_was_observed_is_not_observed_again(kit: &mut Kit) {
    let (world, site) = world(kit);
    kit.run::<observe_session>(ended());
    let asked = site.borrow().asked.len();
    let run = kit.run::<observe_session>(ended());
    run.assert_steps([
        "validate-input",
        "otel-observe-start",
        "dedupe-check",
        "otel-observe-dedupe",
    ]);
    assert!(matches!(run.output(), Report::Deduplicated { .. }));
    assert_eq!(site.borrow().asked.len(), asked);
    assert_eq!(world.actions().last().map(String::as_str), Some("observe.deduplicated"));
}

/// The lock was set before the work: a run that had failed for good kept it, and for an hour whoever sent the event
/// again was told that it had been observed.
#[system_bus_sdk::test]
fn a_session_whose_run_failed_is_observed_when_it_is_sent_again(kit: &mut Kit) {
    let (world, site) = world(kit);
    kit.serve::<observe_failed>();
    site.borrow_mut().down = vec!["localhost:8108"];
    let failed = kit.run::<observe_session>(ended());
    assert_eq!((failed.status, failed.attempts("store-to-typesense")), (RunStatus::Failed, 4));
    kit.until_waiting();
    let handler = kit.runs::<observe_failed>().pop().expect("it began");
    handler.assert_steps(["release-lock", "otel-observe-failed"]);
    assert!(handler.output::<bool>(), "the lock was its own");
    assert!(world.redis(|redis| !redis.texts.contains_key(LOCK)));
    for action in ["observe.store.failed!", "observe.failed!"] {
        assert!(world.actions().iter().any(|one| one == action), "{action}: {:?}", world.actions());
    }
    assert!(kit.sent::<Accumulated>().is_empty());

    site.borrow_mut().down.clear();
    let run = kit.run::<observe_session>(ended());
    let Report::Observed(observed) = run.output() else { panic!("it was dropped") };
    assert_eq!((observed.counts.stored_count, site.borrow().documents.len()), (2, 2));
    assert!(!observed.daily_log_appended, "the first run had written the log");
    assert!(observed.redis_updated && observed.accumulated);
}

#[system_bus_sdk::test(crash = "everywhere")]
fn the_lock_is_given_back_whatever_dies(kit: &mut Kit) {
    let (world, site) = world(kit);
    kit.serve::<observe_failed>();
    kit.may_repeat("POST http://localhost:8108/multi_search");
    site.borrow_mut().refuses = false;
    kit.stub("store-to-typesense", |_| Err::<(), _>(Error::stop("the index is gone")));
    let run = kit.run::<observe_session>(ended());
    kit.until_waiting();
    assert_eq!(run.status, RunStatus::Failed);
    assert!(world.redis(|redis| !redis.texts.contains_key(LOCK)));
}

#[system_bus_sdk::test]
fn a_failed_run_gives_back_no_lock_of_another_one(kit: &mut Kit) {
    let (world, site) = world(kit);
    kit.serve::<observe_failed>();
    site.borrow_mut().down = vec!["localhost:8108"];
    let run = kit.start::<observe_session>(ended());
    kit.advance(Duration::from_secs(1));
    // The hour was over meanwhile, and another run took it.
    world.redis(|redis| redis.texts.insert(LOCK.to_owned(), "another".to_owned()));
    kit.until_ended(run);
    kit.until_waiting();
    assert!(!kit.runs::<observe_failed>().pop().expect("it began").output::<bool>());
    assert_eq!(world.redis(|redis| redis.texts[LOCK].clone()), "another");
}

#[system_bus_sdk::test]
fn while_one_run_is_at_work_another_one_is_not(kit: &mut Kit) {
    let (_world, _site) = world(kit);
    kit.takes("call-observer-llm", Duration::from_mins(1));
    let first = kit.start::<observe_session>(ended());
    kit.advance(Duration::from_secs(1));
    let second = kit.run::<observe_session>(ended());
    assert!(matches!(second.output(), Report::Deduplicated { .. }));
    assert!(matches!(kit.until_ended(first).output(), Report::Observed(_)));
}

/// After the hour the same part of a session is looked at again: nothing is there twice.
#[system_bus_sdk::test]
fn what_is_made_of_a_session_has_the_same_ids_again(kit: &mut Kit) {
    let (world, site) = world(kit);
    kit.run::<observe_session>(ended());
    let before = site.borrow().documents.clone();
    world.redis(|redis| redis.texts.remove(LOCK));
    let run = kit.run::<observe_session>(ended());
    assert!(matches!(run.output(), Report::Observed(_)));
    assert_eq!(site.borrow().documents, before);
    world.redis(|redis| assert_eq!(redis.lists["memory:observations:2026-03-01"].len(), 1));
    let sent = kit.events();
    assert_eq!(sent.len(), 2);
    // The server drops the second one: it has the id of the first.
    assert_eq!(kit.sent::<Accumulated>()[0], kit.sent::<Accumulated>()[1]);
    let log = world.content("memory", "2026-03-01.md").expect("a log");
    assert_eq!(log.matches("### Observations").count(), 1);
}

#[system_bus_sdk::test]
fn two_parts_of_a_session_are_two_entries(kit: &mut Kit) {
    let (world, _site) = world(kit);
    kit.run::<observe_session>(ended());
    kit.run::<observe_session>(ended_with("dedupeKey", json!("session-1-later")));
    let log = world.content("memory", "2026-03-01.md").expect("a log");
    assert_eq!(log.matches("### Observations (session: session-1").count(), 2);
}
