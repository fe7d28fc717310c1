//! What may be away, and what then comes of it.

use outside::testing::World;
use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_sdk::{Reason, Refused};
use system_bus_testing::{Kit, RunStatus};

use super::site::{Shared, world};
use super::{ended, everywhere};
use crate::{Observed, Report, Said, observe_failed, observe_session};

fn run(kit: &mut Kit) -> Observed {
    match kit.run::<observe_session>(ended()).output() {
        Report::Observed(observed) => *observed,
        other => panic!("it was not looked at: {other:?}"),
    }
}

#[system_bus_sdk::test]
fn without_a_model_the_beginning_of_the_transcript_is_held(kit: &mut Kit) {
    let mut texts = Vec::new();
    for why in ["late", "gone"] {
        let (world, site) = world(kit);
        world.model(move |_| Err(Refused::new(Reason::Unavailable, why)));
        let id = kit.start::<observe_session>(ended());
        let run = kit.until_ended(id);
        assert_eq!(run.attempts("call-observer-llm"), 1, "it is not asked again");
        let said = run.step("call-observer-llm").output::<Said>();
        assert!(said.fallback && !said.text.contains(why), "{}", said.text);
        assert_eq!(site.borrow().texts()[0].1, "hold");
        let documents = site.borrow().documents.clone();
        assert!(documents.values().all(|one| one["write_gate_fallback"] == true));
        assert!(world.actions().contains(&"observe.llm.fallback!".to_owned()));
        texts.push((said.text, documents.into_keys().collect::<Vec<_>>()));
    }
    assert_eq!(texts[0], texts[1], "the same text and the same ids whatever the reason");
}

#[system_bus_sdk::test]
fn a_model_that_says_nothing_is_no_model(kit: &mut Kit) {
    let (world, _site) = world(kit);
    world.model(|_| super::said("  \n"));
    assert!(!run(kit).by_model);
}

/// What one of them does, and what the record of the end says of it.
type Spoils = fn(&World, &Shared);

#[system_bus_sdk::test]
fn what_may_be_away_fails_nothing_and_is_told(kit: &mut Kit) {
    everywhere(kit);
    let table: [(&str, Spoils, &str); 5] = [
        ("redis", |world, _| _ = world.redis_down(), "observe.completed!"),
        ("redis", |world, _| _ = world.redis_down(), "observe.dedupe.unavailable!"),
        ("disk", |world, _| _ = world.disk_down(), "observe.completed!"),
        (
            "dashboard",
            |_, site| site.borrow_mut().down = vec!["convex.test"],
            "observe.store.completed!",
        ),
        ("pds", |_, site| site.borrow_mut().down = vec!["pds.test"], "observe.completed!"),
    ];
    for (what, spoil, told) in table {
        let (world, site) = world(kit);
        spoil(&world, &site);
        let observed = run(kit);
        assert_eq!(observed.counts.stored_count, 2, "{what}");
        assert!(world.actions().contains(&told.to_owned()), "{what}: {:?}", world.actions());
    }
    let (world, _site) = world(kit);
    world.gateway_down();
    run(kit);
    assert_eq!(world.kinds(), Vec::<String>::new());
}

#[system_bus_sdk::test]
fn what_the_index_refuses_is_counted_and_told(kit: &mut Kit) {
    let (world, site) = world(kit);
    site.borrow_mut().refuses = true;
    let observed = run(kit);
    assert_eq!((observed.counts.stored_count, observed.counts.errors), (0, 2));
    assert!(world.actions().contains(&"observe.store.completed!".to_owned()));
}

#[system_bus_sdk::test]
fn an_index_that_is_away_for_a_while_is_asked_again(kit: &mut Kit) {
    let (_world, site) = world(kit);
    site.borrow_mut().down = vec!["localhost:8108"];
    let id = kit.start::<observe_session>(ended());
    kit.advance(Duration::from_secs(20));
    site.borrow_mut().down.clear();
    let run = kit.until_ended(id);
    assert_eq!(run.status, RunStatus::Completed);
    assert!(run.attempts("store-to-typesense") > 1);
    assert_eq!(run.attempts("call-observer-llm"), 1, "the model is not asked again for it");
}

#[system_bus_sdk::test]
fn a_search_that_is_refused_is_no_search_without_result(kit: &mut Kit) {
    world(kit);
    kit.http(|_| {
        let answer = json!({ "results": [{ "error": "no field" }, { "hits": [] }] });
        Ok(system_bus_sdk::http::Response::new(200).with_json(&answer))
    });
    let run = kit.run::<observe_session>(ended());
    assert_eq!(run.error().name(), "Typesense");
}

#[system_bus_sdk::test]
fn a_lock_that_cannot_be_given_back_is_tried_again(kit: &mut Kit) {
    let (world, _site) = world(kit);
    kit.serve::<observe_failed>();
    kit.stub("store-to-typesense", |_| Err::<(), _>(Error::stop("the index is gone")));
    kit.fail("release-lock", 3, Error::retry("Redis is away"));
    kit.run::<observe_session>(ended());
    kit.advance(Duration::from_mins(10));
    let handler = kit.runs::<observe_failed>().pop().expect("it began");
    assert_eq!(handler.attempts("release-lock"), 4);
    assert!(handler.output::<bool>());
    assert!(
        world.redis(|redis| !redis.texts.keys().any(|key| key.starts_with("memory:observe:lock:")))
    );
}
