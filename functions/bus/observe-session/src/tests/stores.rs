//! Observations that meet those that are there.

use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use super::site::world;
use super::{ended, ended_with, everywhere, said};
use crate::embedding::by_words;
use crate::{Observed, Report, observe_session};

/// A document that says this.
fn document(id: &str, text: &str) -> Value {
    json!({
        "id": id, "session_id": "older", "observation": text, "observation_type": "segment_fact",
        "source": "shutdown", "timestamp": 1_700_000_000, "merged_count": 2, "embedding": by_words(text),
    })
}

fn observed(kit: &mut Kit, event: Outgoing) -> Observed {
    match kit.run::<observe_session>(event).output() {
        Report::Observed(observed) => *observed,
        other => panic!("it was not looked at: {other:?}"),
    }
}

#[system_bus_sdk::test(crash = "everywhere")]
fn what_is_known_is_merged_and_counted_once(kit: &mut Kit) {
    let (world, site) = world(kit);
    world.model(|_| said("- [gate=allow] Always use pnpm in this project, never npm."));
    let known = "Always use pnpm in this project never npm";
    site.borrow_mut().documents.insert("old".to_owned(), document("old", known));
    let done = observed(kit, ended());
    let documents = &site.borrow().documents;
    assert_eq!(documents.len(), 1);
    // A crash after the import searches again and finds what it had merged: that counts no second time.
    assert_eq!(documents["old"]["merged_count"], 3);
    assert_eq!(documents["old"]["session_id"], "older");
    assert_eq!(documents["old"]["timestamp"], 1_700_000_000);
    assert_eq!(documents["old"]["observation"], "Always use pnpm in this project, never npm.");
    assert_eq!(done.counts.merged_count, 1);
}

#[system_bus_sdk::test]
fn what_is_near_and_says_something_else_is_not_merged(kit: &mut Kit) {
    let (world, site) = world(kit);
    world.model(|_| said("- [gate=allow] Always use pnpm in this project, never npm."));
    let mut superseded = document("gone", "Always use pnpm in this project, never npm.");
    superseded["superseded_by"] = json!("other");
    for near in [document("near", "Use pnpm in this project for now"), superseded] {
        site.borrow_mut().documents =
            [(near["id"].as_str().expect("an id").to_owned(), near.clone())].into();
        let event = ended_with("dedupeKey", near["id"].clone());
        assert_eq!(observed(kit, event).counts.merged_count, 0);
        assert_eq!(site.borrow().documents.len(), 2);
    }
}

#[system_bus_sdk::test]
fn embeddings_of_others_count_where_they_fit(kit: &mut Kit) {
    kit.config("MEMORY_EMBED_URL", "http://embed.test/embeddings");
    let one = json!({ "embedding": vec![0.5_f32; 384] });
    for (embeddings, made_here) in [
        (json!({ "data": [one, one] }), 0),
        (json!({ "data": [one] }), 2),
        (json!({ "data": [{ "embedding": [1.0] }, one] }), 2),
        (json!({}), 2),
    ] {
        let (_world, site) = world(kit);
        site.borrow_mut().embeddings = embeddings.clone();
        let done = observed(kit, ended());
        assert_eq!(done.counts.embedding_fallback_count, made_here, "{embeddings}");
        let first =
            site.borrow().documents.values().next().expect("a document")["embedding"].clone();
        assert_eq!(first.as_array().map(Vec::len), Some(384));
    }
}

#[system_bus_sdk::test]
fn twenty_five_records_go_to_the_personal_data_server_at_most(kit: &mut Kit) {
    everywhere(kit);
    let (world, site) = world(kit);
    let facts: Vec<_> =
        (0..45).map(|n| format!("- [gate=allow] fact{n} number{n} thing{n}")).collect();
    let facts = facts.join("\n");
    world.model(move |_| said(&facts));
    let done = observed(kit, ended());
    assert_eq!((done.pds_written, done.counts.observations), (25, 40));
    assert_eq!((site.borrow().records.len(), site.borrow().documents.len()), (25, 40));
}

#[system_bus_sdk::test]
fn without_their_settings_nothing_goes_elsewhere(kit: &mut Kit) {
    let (_world, site) = world(kit);
    let done = observed(kit, ended());
    assert_eq!((done.pds_written, done.counts.dashboard_errors), (0, 0));
    assert_eq!(site.borrow().count("convex") + site.borrow().count("pds"), 0);
}

#[system_bus_sdk::test]
fn what_is_discarded_is_not_stored(kit: &mut Kit) {
    let (world, site) = world(kit);
    world.model(|_| said("- [gate=discard] Somebody said thanks."));
    let done = observed(kit, ended());
    assert_eq!((done.counts.discard_count, done.counts.stored_count), (1, 0));
    assert!(site.borrow().asked.is_empty());
}
