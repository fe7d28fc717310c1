//! Loops that end, with the git of this machine in folders of the test.

mod completions;
mod failures;
mod site;

use outside::testing::World;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use self::site::Site;
use crate::settings::Settings;
use crate::{Completed, LoopCompleted, loop_complete};

/// A loop that has ended.
pub(crate) fn ended() -> LoopCompleted {
    LoopCompleted {
        loop_id: "loop-1".to_owned(),
        project: "app".to_owned(),
        branch_name: Some("agent/loop-1".to_owned()),
        stories_completed: 2,
        stories_failed: 1,
        origin_session: None,
    }
}

#[system_bus_sdk::test]
fn without_a_branch_nothing_is_done(kit: &mut Kit) {
    let world = World::begin();
    let sample: Value =
        serde_json::from_str(include_str!("../events/loop-completed.json")).expect("it is JSON");
    let run = kit.run::<loop_complete>(Outgoing::named("agent/loop.completed", &sample["data"]));
    assert_eq!(run.output::<Completed>().status, "no-branch");
    assert!(run.steps.is_empty() && world.ran().is_empty());
    assert_eq!(world.actions(), ["agent-loop.complete.no_branch"]);
}

#[test]
fn settings_have_defaults() {
    let of = |key: &'static str, value: &'static str| {
        Settings::of(move |asked| (asked == key).then(|| value.to_owned()))
    };
    for (key, value, worktrees, projects) in [
        ("none", "", "/tmp/agent-loop", None),
        ("AGENT_LOOP_WORKTREES", "/srv/loops/", "/srv/loops", None),
        ("AGENT_LOOP_WORKTREES", "  ", "/tmp/agent-loop", None),
        ("AGENT_LOOP_PROJECTS", "/code/", "/tmp/agent-loop", Some("/code")),
        ("AGENT_LOOP_PROJECTS", "/", "/tmp/agent-loop", None),
    ] {
        let settings = of(key, value);
        assert_eq!(settings.worktrees, worktrees, "{key}={value}");
        assert_eq!(settings.projects.as_deref(), projects, "{key}={value}");
    }
    assert_eq!(of("AGENT_LOOP_GITHUB_SECRET", "gh").secret, "gh");
    assert_eq!(of("none", "").secret, "github_token");
}

#[test]
fn it_is_cancelled_by_the_same_loop() {
    let declared = <loop_complete as system_bus_sdk::Function>::DECLARATION;
    let declared = serde_json::to_value(declared).expect("it is JSON");
    assert_eq!(
        declared["cancel_on"],
        serde_json::json!([{
            "event": "agent/loop.cancelled",
            "if": "event.data.loopId == async.data.loopId",
        }])
    );
    assert_eq!(declared["retries"], 3);
}

#[system_bus_sdk::test]
fn a_loop_that_is_cancelled_meanwhile_is_not_merged(kit: &mut Kit) {
    let site = Site::new(kit);
    kit.takes("clean-artifacts", Duration::from_mins(1));
    let run = kit.start::<loop_complete>(ended());
    kit.send(crate::LoopCancelled { loop_id: "loop-2".to_owned() });
    kit.send(crate::LoopCancelled { loop_id: "loop-1".to_owned() });
    kit.until_waiting();
    assert_eq!(kit.look(run).status, system_bus_testing::RunStatus::Canceled);
    assert_eq!(site.git("app", &["log", "-1", "--format=%s"]), "first");
}
