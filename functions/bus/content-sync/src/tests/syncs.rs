use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, Run, RunStatus};

use super::convex::{put, world};
use crate::{Counts, Source, SyncReport, content_sync, content_sync_schedule};

/// Asks, and waits until nothing has changed for a while.
fn sync(kit: &mut Kit) -> Run {
    kit.serve::<content_sync>();
    kit.send(Outgoing::named("content/updated", &json!({})));
    kit.advance(Duration::from_secs(46));
    kit.until_waiting();
    kit.runs::<content_sync>().pop().expect("it began")
}

#[system_bus_sdk::test(crash = "everywhere")]
fn what_is_written_comes_to_the_site(kit: &mut Kit) {
    let (world, site) = world(kit);
    put(&site, "discovery", "discovery:diary");
    put(&site, "adr", "adr:0002-two");
    let run = sync(kit);
    run.assert_steps([
        "otel-start",
        "compare-content",
        "upsert-to-convex",
        "remove-ineligible-discoveries",
        "revalidate-cache",
        "notify-gateway",
        "otel-finish",
    ]);
    let report: SyncReport = run.output();
    let site = site.borrow();
    let records: Vec<_> = site.records.keys().map(String::as_str).collect();
    // The decision that became a draft stays: taking those away is asked for by its own event.
    assert_eq!(records, ["adr:0001-one", "adr:0002-two", "discovery:tea"]);
    assert_eq!(site.records["adr:0001-one"]["fields"]["title"], "One");
    assert_eq!(site.records["discovery:tea"]["fields"]["title"], "Tea");
    assert_eq!(report.removed, ["discovery:diary"]);
    let tags = json!(["adr:0001-one", "adrs", "discoveries", "discovery:diary", "discovery:tea"]);
    assert_eq!(site.tags[0], tags);
    assert!(report.synced.errors.is_empty());
    assert_eq!(world.kinds(), ["content.synced"]);
    assert_eq!(world.actions(), ["content.sync.started", "content.sync.finished"]);
}

#[system_bus_sdk::test]
fn what_has_not_changed_is_not_written_and_nobody_hears_of_it(kit: &mut Kit) {
    let (world, site) = world(kit);
    let first: SyncReport = sync(kit).output();
    assert_eq!(
        first.synced.counts[&Source::Discoveries],
        Counts { upserted: 1, private: 1, offsite: 1, ..Counts::default() }
    );
    assert_eq!(
        first.synced.counts[&Source::Adrs],
        Counts { upserted: 1, draft: 1, ..Counts::default() }
    );
    let run = sync(kit);
    run.assert_steps([
        "otel-start",
        "compare-content",
        "upsert-to-convex",
        "remove-ineligible-discoveries",
        "otel-finish",
    ]);
    let second: SyncReport = run.output();
    assert_eq!(
        second.synced.counts[&Source::Adrs],
        Counts { skipped: 1, draft: 1, ..Counts::default() }
    );
    assert_eq!(site.borrow().upserts.len(), 2);
    assert_eq!(world.heard().len(), 1);
}

#[system_bus_sdk::test]
fn a_file_that_goes_wrong_keeps_no_other(kit: &mut Kit) {
    let (world, site) = world(kit);
    site.borrow_mut().refuses = Some("adr:0001-one");
    let report: SyncReport = sync(kit).output();
    assert_eq!(report.synced.changed, ["discovery:tea"]);
    assert_eq!(report.synced.errors.len(), 1);
    assert_eq!(report.synced.errors[0].what, "docs/decisions/0001-one.md");
    assert!(report.synced.errors[0].error.contains("too long"));
    assert_eq!(world.heard()[0].payload["errors"][0]["what"], "docs/decisions/0001-one.md");
    assert!(world.actions().contains(&"content.sync.finished!".to_owned()));
}

#[system_bus_sdk::test]
fn a_site_that_is_not_told_is_said(kit: &mut Kit) {
    let (world, site) = world(kit);
    site.borrow_mut().deaf = true;
    world.gateway_down();
    let run = sync(kit);
    assert_eq!(run.attempts("revalidate-cache"), 2);
    let report: SyncReport = run.output();
    assert!(report.revalidated.is_empty());
    assert_eq!(report.synced.errors[0].what, "revalidate");
    assert_eq!(report.synced.changed.len(), 2);
}

#[system_bus_sdk::test]
fn without_convex_or_vault_it_fails(kit: &mut Kit) {
    let (_world, site) = world(kit);
    site.borrow_mut().down = true;
    let run = sync(kit);
    assert_eq!((run.status, run.attempts("compare-content")), (RunStatus::Failed, 2));
    site.borrow_mut().down = false;
    let world = outside::testing::World::begin();
    let run = sync(kit);
    assert_eq!(run.error().name(), "CapabilityMissing");
    assert!(world.heard().is_empty());
    assert!(site.borrow().records.is_empty());
}

#[system_bus_sdk::test]
fn without_its_setting_it_fails_at_once(kit: &mut Kit) {
    let world = outside::testing::World::begin();
    assert_eq!(sync(kit).error().name(), "NotConfigured");
    assert_eq!(world.actions(), ["content.sync.finished!"]);
}

#[system_bus_sdk::test]
fn many_events_are_one_pass(kit: &mut Kit) {
    let (_world, _site) = world(kit);
    kit.serve::<content_sync>();
    for name in [
        "content/updated",
        "content/seed.requested",
        "discovery/captured",
        "system/adr.sync.requested",
    ] {
        kit.send(Outgoing::named(name, &json!({})));
        kit.advance(Duration::from_secs(20));
    }
    kit.advance(Duration::from_secs(46));
    assert_eq!(kit.runs::<content_sync>().len(), 1);
}

#[system_bus_sdk::test]
fn the_hour_asks_for_a_pass_and_is_a_function_of_its_own(kit: &mut Kit) {
    let (_world, _site) = world(kit);
    kit.serve::<content_sync>().serve::<content_sync_schedule>();
    kit.advance(Duration::from_hours(3) + Duration::from_mins(5));
    assert_eq!(kit.runs::<content_sync_schedule>().len(), 3);
    assert_eq!(kit.runs::<content_sync>().len(), 3);
    let declared = |value| serde_json::to_value(value).expect("it is JSON");
    let sync: Value = declared(<content_sync as system_bus_sdk::Function>::DECLARATION);
    let hour: Value = declared(<content_sync_schedule as system_bus_sdk::Function>::DECLARATION);
    assert!(sync["triggers"].as_array().expect("a list").iter().all(|one| one["cron"].is_null()));
    assert!(hour["debounce"].is_null());
    assert_eq!(sync["debounce"]["key"], "'vault-sync'");
    assert_eq!(sync["concurrency"][0]["key"], "'content-sync'");
}
