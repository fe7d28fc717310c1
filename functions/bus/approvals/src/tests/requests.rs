use outside::testing::World;
use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use super::{asked, history};
use crate::{
    ApprovalRequested, ApprovalResolved, Decision, Resolution, Submitted, approval_request,
    approval_resolve,
};

#[system_bus_sdk::test(crash = "everywhere")]
fn a_request_waits_once_and_somebody_is_told_once(kit: &mut Kit) {
    let world = World::begin();
    let run = kit.run::<approval_request>(asked());
    run.assert_steps(["submit-request", "notify-gateway-pending"]);
    let submitted: Submitted = run.output();
    assert_eq!(submitted.status, "pending");
    assert_eq!(submitted.request_id.len(), 36);

    let hashes = world.redis(|redis| redis.hashes.clone());
    assert_eq!(hashes.len(), 1);
    let pending = &hashes[&format!("approval:pending:{}", submitted.request_id)];
    assert_eq!(pending["agent"], "deployer");
    assert_eq!(pending["category"], "deploy.staging");
    assert_eq!(pending["status"], "pending");
    let heard = world.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].kind, "agent.approval.pending");
    assert_eq!(heard[0].payload["requestId"], json!(submitted.request_id));
    assert_eq!(world.actions(), ["approval.pending"]);
    assert!(kit.events().is_empty());
}

#[system_bus_sdk::test(crash = "everywhere")]
fn what_was_learnt_is_granted_at_once_and_fails_nothing(kit: &mut Kit) {
    let world = World::begin();
    world.redis(|redis| {
        let learnt = redis.sets.entry("approval:auto:deployer".to_owned()).or_default();
        learnt.insert("deploy.staging".to_owned());
    });
    kit.serve::<approval_resolve>();
    let run = kit.run::<approval_request>(asked());
    run.assert_steps(["submit-request", "emit-auto-resolved"]);
    let submitted: Submitted = run.output();
    assert_eq!(submitted.status, "auto-approved");
    assert_eq!(
        kit.sent::<ApprovalResolved>(),
        [ApprovalResolved {
            request_id: submitted.request_id.clone(),
            status: "approved".to_owned(),
            reviewer: "system:auto-approve".to_owned(),
            learn: false,
        }]
    );
    let entries = history(&world);
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["requestId"], json!(submitted.request_id));
    assert_eq!(entries[0]["reviewer"], "system:auto-approve");
    assert!(world.redis(|redis| redis.hashes.is_empty()));

    // The request never waited: the other function has to know that, and not to fail of it.
    kit.until_waiting();
    let resolved = kit.runs::<approval_resolve>();
    assert_eq!(resolved.len(), 1);
    assert_eq!(resolved[0].status, RunStatus::Completed);
    assert_eq!(resolved[0].output::<Resolution>().decision, Decision::AutoApproved);
    assert_eq!(history(&world).len(), 1);
    assert!(world.heard().is_empty());
}

#[system_bus_sdk::test]
fn another_agent_has_to_ask_itself(kit: &mut Kit) {
    let world = World::begin();
    world.redis(|redis| {
        let learnt = redis.sets.entry("approval:auto:writer".to_owned()).or_default();
        learnt.insert("deploy.staging".to_owned());
    });
    assert_eq!(kit.run::<approval_request>(asked()).output::<Submitted>().status, "pending");
}

#[system_bus_sdk::test]
fn two_requests_of_the_same_words_are_two(kit: &mut Kit) {
    let world = World::begin();
    let ids = [super::waiting(kit), super::waiting(kit)];
    assert_ne!(ids[0], ids[1]);
    assert_eq!(world.redis(|redis| redis.hashes.len()), 2);
}

#[system_bus_sdk::test]
fn a_request_waits_although_nobody_can_be_told(kit: &mut Kit) {
    let world = World::begin();
    world.gateway_down();
    let run = kit.run::<approval_request>(asked());
    assert_eq!(run.output::<Submitted>().status, "pending");
    assert_eq!(run.step("notify-gateway-pending").output::<Value>()["pushed"], false);
}

#[system_bus_sdk::test]
fn without_redis_it_is_tried_twice_and_fails(kit: &mut Kit) {
    World::begin().redis_down();
    let run = kit.run::<approval_request>(asked());
    assert_eq!(run.error().name(), "CapabilityUnavailable");
    assert_eq!(run.attempts("submit-request"), 2);
}

#[system_bus_sdk::test]
fn a_request_of_nobody_fails_for_good(kit: &mut Kit) {
    let world = World::begin();
    let run = kit.run::<approval_request>(ApprovalRequested { agent: " ".to_owned(), ..asked() });
    assert_eq!(run.error().name(), "Invalid");
    assert_eq!(world.actions(), ["approval.invalid!"]);
    assert!(run.steps.is_empty());
}

#[test]
fn both_functions_try_twice() {
    for declaration in [
        <approval_request as system_bus_sdk::Function>::DECLARATION,
        <approval_resolve as system_bus_sdk::Function>::DECLARATION,
    ] {
        let declared = serde_json::to_value(declaration).expect("it is JSON");
        assert_eq!(declared["retries"], 1, "{declared}");
    }
}
