use outside::testing::World;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use super::convex::{put, world};
use crate::{Difference, PruneRequested, Pruned, VerifyRequested, content_prune, content_verify};

#[system_bus_sdk::test(crash = "everywhere")]
fn both_sides_are_compared_and_nothing_is_changed(kit: &mut Kit) {
    let (world, site) = world(kit);
    put(&site, "adr", "adr:0001-one");
    put(&site, "adr", "adr:0000-gone");
    put(&site, "discovery", "discovery:diary");
    let before = site.borrow().records.clone();
    let run = kit.run::<content_verify>(VerifyRequested {});
    run.assert_steps(["compare-content", "notify-gateway"]);
    let found: Vec<Difference> = run.output();
    assert_eq!(found[0].stale, ["adr:0001-one"]);
    assert_eq!(found[0].extra, ["adr:0000-gone"]);
    assert_eq!(found[1].missing, ["discovery:tea"]);
    assert_eq!(found[1].extra, ["discovery:diary"]);
    assert_eq!(site.borrow().records, before);
    assert_eq!(world.kinds(), ["content.differs"]);
    assert_eq!(world.actions(), ["content.verified!"]);
}

#[system_bus_sdk::test]
fn without_apply_orphans_are_named_and_stay(kit: &mut Kit) {
    let (world, site) = world(kit);
    put(&site, "adr", "adr:0000-gone");
    put(&site, "discovery", "discovery:gone");
    let run = kit.run::<content_prune>(PruneRequested::default());
    run.assert_steps(["find-orphans"]);
    let pruned: Pruned = run.output();
    assert_eq!((pruned.applied, pruned.orphans), (false, vec!["adr:0000-gone".to_owned()]));
    assert_eq!(site.borrow().records.len(), 2);
    assert_eq!(world.actions(), ["content.prune"]);
}

#[system_bus_sdk::test(crash = "everywhere")]
fn with_apply_orphans_of_decisions_go_and_nothing_else(kit: &mut Kit) {
    let (_world, site) = world(kit);
    // The second one is a draft now: its file is there.
    for id in ["adr:0000-gone", "adr:0001-one", "adr:0002-two"] {
        put(&site, "adr", id);
    }
    put(&site, "discovery", "discovery:gone");
    let run = kit.run::<content_prune>(PruneRequested { apply: true });
    run.assert_steps(["find-orphans", "remove-orphans", "revalidate-cache"]);
    assert_eq!(run.output::<Pruned>().removed, ["adr:0000-gone"]);
    let site = site.borrow();
    let left: Vec<_> = site.records.keys().map(String::as_str).collect();
    assert_eq!(left, ["adr:0001-one", "adr:0002-two", "discovery:gone"]);
    assert_eq!(site.tags[0], serde_json::json!(["adr:0000-gone", "adrs"]));
}

#[system_bus_sdk::test]
fn where_nothing_could_be_removed_the_site_is_told_nothing(kit: &mut Kit) {
    let (_world, site) = world(kit);
    put(&site, "adr", "adr:0000-gone");
    site.borrow_mut().refuses = Some("adr:0000-gone");
    let run = kit.run::<content_prune>(PruneRequested { apply: true });
    run.assert_steps(["find-orphans", "remove-orphans"]);
    let pruned: Pruned = run.output();
    assert_eq!((pruned.removed.len(), pruned.errors.len()), (0, 1));
    assert!(site.borrow().tags.is_empty());
}

#[system_bus_sdk::test]
fn a_vault_that_is_not_there_makes_no_orphans(kit: &mut Kit) {
    let (_, site) = world(kit);
    put(&site, "adr", "adr:0001-one");
    let world = World::begin();
    let run = kit.run::<content_prune>(PruneRequested { apply: true });
    assert_eq!(run.error().name(), "CapabilityMissing");
    world.file("vault", "docs/decisions/README.md", "# Decisions");
    let run = kit.run::<content_prune>(PruneRequested { apply: true });
    assert_eq!(run.error().name(), "EmptyVault");
    assert_eq!(site.borrow().records.len(), 1);
}

#[test]
fn the_samples_are_what_starts_them() {
    for (sample, name) in [
        (include_str!("../../events/content-seed-requested.json"), "content/seed.requested"),
        (include_str!("../../events/content-verify-requested.json"), "content/verify.requested"),
        (include_str!("../../events/content-prune-requested.json"), "content/prune.requested"),
    ] {
        let sample: Value = serde_json::from_str(sample).expect("the sample is JSON");
        assert_eq!(sample["name"], name);
        assert_ne!(sample["data"]["apply"], true);
    }
}
