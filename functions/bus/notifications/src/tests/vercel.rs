use outside::testing::World;
use serde_json::json;
use system_bus_testing::Kit;

use super::{event, named, plain, sample};
use crate::{
    AgentRequested, Outcome, vercel_deploy_canceled_notify, vercel_deploy_created_notify,
    vercel_deploy_error_notify, vercel_deploy_succeeded_notify,
};

const ERROR: &str = include_str!("../../events/vercel-deploy-error.json");

#[system_bus_sdk::test(crash = "everywhere")]
fn a_failed_deployment_is_told_and_mended_once(kit: &mut Kit) {
    let world = World::begin();
    let run = kit.run::<vercel_deploy_error_notify>(event(ERROR, &plain()));
    run.assert_steps(["enrich-context", "build-prompt", "notify-gateway", "request-repair-agent"]);
    let heard = world.heard();
    assert_eq!((heard.len(), heard[0].kind.as_str()), (1, "vercel.deploy.error"));
    assert_eq!(heard[0].payload["commit"], "01234567 Boil longer");
    assert_eq!(heard[0].payload["deploymentId"], "dpl_1");
    let requests = kit.sent::<AgentRequested>();
    assert_eq!(requests.len(), 1);
    let AgentRequested { request_id, tool, sandbox, timeout, task, .. } = &requests[0];
    assert_eq!(request_id, "vercel-deploy-error-dpl_1");
    assert_eq!((tool.as_str(), sandbox.as_str(), *timeout), ("codex", "danger-full-access", 300));
    assert!(task.contains("https://vercel.example/teapot/1") && task.ends_with("push to main."));
    assert_eq!(world.actions(), ["notify.told", "notify.repair.requested"]);
}

#[system_bus_sdk::test]
fn a_repair_that_fails_again_is_no_circle(kit: &mut Kit) {
    let _world = World::begin();
    for (deployment, branch) in [("dpl_1", "main"), ("dpl_2", "main"), ("dpl_3", "next")] {
        let changed = json!({ "deploymentId": deployment, "gitBranch": branch });
        kit.run::<vercel_deploy_error_notify>(event(ERROR, &changed));
    }
    let ids: Vec<_> = kit.events().into_iter().filter_map(|event| event.id).collect();
    // The server drops what has an id that it has seen today.
    assert_eq!(
        ids,
        ["vercel-repair-teapot-main", "vercel-repair-teapot-main", "vercel-repair-teapot-next"]
    );
}

#[system_bus_sdk::test(crash = "everywhere")]
fn other_deployments_are_told_and_nothing_is_asked_for(kit: &mut Kit) {
    let world = World::begin();
    let (_, data) = sample(ERROR);
    let told =
        |name: &str| named(name, data.clone(), &json!({ "target": null, "gitCommitSha": null }));
    let ends = [
        kit.run::<vercel_deploy_succeeded_notify>(told("vercel/deploy.succeeded")),
        kit.run::<vercel_deploy_created_notify>(told("vercel/deploy.created")),
        kit.run::<vercel_deploy_canceled_notify>(told("vercel/deploy.canceled")),
    ];
    for end in &ends {
        end.assert_steps(["enrich-context", "build-prompt", "notify-gateway"]);
        assert!(end.output::<Outcome>().pushed);
    }
    assert_eq!(
        world.kinds(),
        ["vercel.deploy.succeeded", "vercel.deploy.created", "vercel.deploy.canceled"]
    );
    assert_eq!(world.heard()[0].payload["commit"], "Boil longer");
    assert!(kit.events().is_empty());
}

#[system_bus_sdk::test]
fn a_gateway_that_is_away_keeps_nobody_from_mending(kit: &mut Kit) {
    World::begin().gateway_down();
    let run = kit.run::<vercel_deploy_error_notify>(event(ERROR, &plain()));
    assert!(!run.output::<Outcome>().pushed);
    assert_eq!(kit.sent::<AgentRequested>().len(), 1);
}
