use outside::testing::World;
use serde_json::json;
use system_bus_testing::Kit;

use super::{event, plain};
use crate::{Outcome, github_package_published_notify, github_workflow_run_completed_notify};

const RUN: &str = include_str!("../../events/github-workflow-run-completed.json");
const PACKAGE: &str = include_str!("../../events/github-package-published.json");

#[system_bus_sdk::test(crash = "everywhere")]
fn a_workflow_is_told_once(kit: &mut Kit) {
    let world = World::begin();
    let run = kit.run::<github_workflow_run_completed_notify>(event(RUN, &plain()));
    run.assert_steps(["enrich-context", "build-prompt", "notify-gateway"]);
    let outcome: Outcome = run.output();
    assert_eq!(outcome.kind, "github.workflow_run.completed");
    let heard = world.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].payload["level"], "warn");
    assert_eq!(heard[0].payload["durationSeconds"], 125);
    assert_eq!(
        heard[0].payload["prompt"],
        "CI of example/teapot: failure\nBranch: main\nCommit: 01234567\nBy: tea-drinker\nSeconds: 125\n\
         See: https://github.com/example/teapot/actions/runs/11"
    );
    assert_eq!(world.actions(), ["notify.told"]);
}

#[system_bus_sdk::test]
fn conclusions_have_their_levels_and_times_may_be_missing(kit: &mut Kit) {
    for (conclusion, level) in
        [("success", "info"), ("skipped", "info"), ("cancelled", "warn"), ("timed_out", "warn")]
    {
        let world = World::begin();
        let changed = json!({ "conclusion": conclusion, "completedAt": null, "branch": null });
        kit.run::<github_workflow_run_completed_notify>(event(RUN, &changed));
        let heard = world.heard();
        assert_eq!(heard[0].payload["level"], level, "{conclusion}");
        assert!(heard[0].payload["durationSeconds"].is_null());
    }
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_package_is_told_once(kit: &mut Kit) {
    let world = World::begin();
    world.gateway_down();
    let run = kit.run::<github_package_published_notify>(event(PACKAGE, &plain()));
    assert!(!run.output::<Outcome>().pushed);
    let world = World::begin();
    kit.run::<github_package_published_notify>(event(PACKAGE, &plain()));
    let heard = world.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].kind, "github.package.published");
    assert_eq!(heard[0].payload["htmlUrl"], "https://github.com/example/teapot/packages/1");
    let prompt = heard[0].payload["prompt"].as_str().expect("a text");
    assert!(prompt.starts_with("teapot 1.2.0 was published\nKind: npm"), "{prompt}");
}
