use outside::testing::World;
use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use super::{asked, decided, history, waiting};
use crate::{Decision, Resolution, Submitted, approval_request, approval_resolve};

#[system_bus_sdk::test(crash = "everywhere")]
fn a_decision_is_recorded_once_and_learnt(kit: &mut Kit) {
    let world = World::begin();
    let id = waiting(kit);
    let before = world.redis(|redis| redis.transactions);
    let run = kit.run::<approval_resolve>(decided(&id, "approved", true));
    run.assert_steps(["resolve-request", "notify-gateway-resolved"]);
    let resolution: Resolution = run.output();
    assert_eq!(resolution.decision, Decision::Recorded);
    assert!(resolution.learned);

    // All of it in one transaction, however often the step ran.
    assert_eq!(world.redis(|redis| redis.transactions), before + 1);
    assert!(world.redis(|redis| redis.hashes.is_empty()));
    assert!(world.redis(|redis| redis.sets["approval:auto:deployer"].contains("deploy.staging")));
    let entries = history(&world);
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["status"], "approved");
    assert_eq!(entries[0]["reviewer"], "ada");
    assert_eq!(entries[0]["operation"], "deploy revision 4f2c to staging");
    let heard = world.heard();
    assert_eq!(heard.last().expect("it was told").kind, "agent.approval.resolved");
    assert_eq!(heard.last().expect("it was told").payload["learned"], json!(true));
    assert_eq!(world.actions().last().map(String::as_str), Some("approval.resolved"));

    // The next request of this kind needs nobody.
    let next = kit.run::<approval_request>(asked()).output::<Submitted>();
    assert_eq!(next.status, "auto-approved");
}

#[system_bus_sdk::test]
fn what_is_rejected_or_approved_once_teaches_nothing(kit: &mut Kit) {
    for (status, learn) in [("rejected", true), ("approved", false)] {
        let world = World::begin();
        let id = waiting(kit);
        let run = kit.run::<approval_resolve>(decided(&id, status, learn));
        assert!(!run.output::<Resolution>().learned);
        assert!(world.redis(|redis| redis.sets.is_empty()), "{status} {learn}");
        assert_eq!(history(&world)[0]["status"], status);
    }
}

#[system_bus_sdk::test]
fn the_first_decision_holds(kit: &mut Kit) {
    let world = World::begin();
    let id = waiting(kit);
    kit.run::<approval_resolve>(decided(&id, "rejected", false));
    let second = kit.run::<approval_resolve>(decided(&id, "approved", true));
    let resolution: Resolution = second.output();
    assert_eq!(resolution.decision, Decision::AlreadyResolved);
    assert_eq!(resolution.status, "rejected");
    second.assert_steps(["resolve-request"]);
    assert_eq!(history(&world).len(), 1);
    assert!(world.redis(|redis| redis.sets.is_empty()));
    assert_eq!(world.kinds(), ["agent.approval.pending", "agent.approval.resolved"]);
    assert!(world.actions().contains(&"approval.already_resolved".to_owned()));
}

#[system_bus_sdk::test]
fn what_nobody_asked_for_fails_at_once_and_is_not_repeated(kit: &mut Kit) {
    let world = World::begin();
    let run = kit.run::<approval_resolve>(decided("nothing", "approved", true));
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.error().name(), "UnknownRequest");
    assert_eq!(run.attempts("resolve-request"), 1);
    assert_eq!(world.redis(|redis| redis.transactions), 0);
    assert_eq!(world.actions(), ["approval.resolve!"]);
}

#[system_bus_sdk::test]
fn what_is_no_decision_is_refused(kit: &mut Kit) {
    let world = World::begin();
    let id = waiting(kit);
    let run = kit.run::<approval_resolve>(decided(&id, "maybe", false));
    assert_eq!(run.error().name(), "Invalid");
    assert!(history(&world).is_empty());
    assert_eq!(world.redis(|redis| redis.hashes.len()), 1);
}

#[test]
fn the_sample_is_a_decision() {
    let sample = include_str!("../../events/approval-resolved.json");
    let sample: Value = serde_json::from_str(sample).expect("the sample is JSON");
    assert_eq!(sample["name"], "agent/approval.resolved");
    let event: crate::ApprovalResolved =
        serde_json::from_value(sample["data"].clone()).expect("the sample fits");
    assert_eq!(event.reviewer, crate::AUTO);
}
