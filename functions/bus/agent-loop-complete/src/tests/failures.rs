use outside::testing::{World, ended as exits, said};
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use super::ended;
use super::site::Site;
use crate::{Completed, LoopFunctionFailed, loop_complete, loop_failed};

#[system_bus_sdk::test]
fn what_is_left_of_a_merge_that_was_ended_early_keeps_nobody_from_their_work(kit: &mut Kit) {
    let site = Site::new(kit);
    site.write("app/src/mine.rs", "mine\n");
    site.git("app", &["stash", "push", "-q", "-u", "-m", "agent-loop loop-1"]);
    // The files of the merge are there, and nothing says yet that there is one.
    site.write("app/src/b.rs", "two\n");
    site.git("app", &["add", "src/b.rs"]);
    let end: Completed = kit.run::<loop_complete>(ended()).output();
    assert_eq!(end.merge.expect("it was merged").stash.as_deref(), Some("restored"));
    assert_eq!(site.read("app/src/mine.rs").as_deref(), Some("mine\n"));
    assert_eq!(site.git("app", &["status", "--porcelain"]), "?? src/mine.rs");
    assert_eq!(site.git("app", &["stash", "list"]), "");
}

#[system_bus_sdk::test]
fn a_push_that_fails_is_told_and_fails_nothing(kit: &mut Kit) {
    let site = Site::new(kit);
    site.git("app", &["remote", "set-url", "origin", "../gone.git"]);
    let end: Completed = kit.run::<loop_complete>(ended()).output();
    assert_eq!(end.status, "merged");
    assert!(end.push.expect("it was tried").starts_with("push_failed: "));
    assert!(site.world.actions().contains(&"agent-loop.complete.push!".to_owned()));
}

#[system_bus_sdk::test]
fn github_is_given_a_token_in_a_variable_and_never_in_an_argument(kit: &mut Kit) {
    let world = World::begin();
    world.programs(|program| match program.arguments()[0].as_str() {
        "rev-parse" if program.line().contains("MERGE_HEAD") => exits("git", 1, ""),
        "rev-parse" => said("main\n"),
        "rev-list" => said("1\n"),
        "remote" => said("git@github.com:o/r.git\n"),
        _ => said(""),
    });
    let run = kit.run::<loop_complete>(ended());
    assert_eq!(run.output::<Completed>().push.as_deref(), Some("pushed"));
    let push = world.ran().into_iter().find(|program| program.arguments()[0] == "push");
    let push = push.expect("it was pushed");
    assert_eq!(push.line(), "git push -q https://github.com/o/r.git main");
    assert_eq!(push.variables(), [("GITHUB_TOKEN".to_owned(), "<github_token>".to_owned())]);
    let results: Vec<_> = run.steps.iter().map(|step| format!("{:?}", step.result)).collect();
    assert!(results.iter().all(|result| !result.contains("<github_token>")), "{results:?}");

    world.no_secret("github_token");
    let again = kit.run::<loop_complete>(ended()).output::<Completed>();
    assert!(again.push.expect("it was tried").contains("not granted"));
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_run_that_fails_is_told_once(kit: &mut Kit) {
    let world = World::begin();
    world.programs(|_| exits("git", 128, "fatal: not a git repository"));
    kit.fail("clean-artifacts", 1, Error::stop("the disk is full"));
    kit.serve::<loop_complete>().serve::<loop_failed>();
    let run = kit.run::<loop_complete>(ended());
    assert_eq!(run.status, RunStatus::Failed);
    kit.until_waiting();
    let handled = kit.runs::<loop_failed>();
    assert_eq!(handled.len(), 1);
    handled[0].assert_steps(["emit-loop-function-failed"]);
    let told = kit.sent::<LoopFunctionFailed>();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].loop_id.as_deref(), Some("loop-1"));
    assert_eq!(told[0].project.as_deref(), Some("app"));
    assert_eq!(told[0].function_id, "agent-loop-complete");
    assert_eq!(told[0].run_id, run.id.to_string());
}

#[system_bus_sdk::test]
fn a_git_that_fails_is_asked_four_times(kit: &mut Kit) {
    let world = World::begin();
    world.programs(|_| exits("git", 128, "fatal: not a git repository"));
    let run = kit.run::<loop_complete>(ended());
    assert!(run.error().message().contains("not a git repository"), "{:?}", run.error());
    assert_eq!(run.attempts("clean-artifacts"), 4);
    assert_eq!(world.ran().len(), 4);
}

#[system_bus_sdk::test]
fn somebody_elses_merge_is_left_alone(kit: &mut Kit) {
    let world = World::begin();
    world.programs(|program| match program.line() {
        line if line.contains("MERGE_HEAD") => said("other\n"),
        line if line.contains("--verify agent/loop-1") => said("ours\n"),
        _ => said(""),
    });
    let run = kit.run::<loop_complete>(ended());
    assert_eq!(run.error().name(), "Busy");
    assert!(world.lines().iter().all(|line| !line.contains("--abort")));
}

#[system_bus_sdk::test]
fn a_gateway_that_is_away_fails_nothing(kit: &mut Kit) {
    let site = Site::new(kit);
    site.world.gateway_down();
    let run = kit.run::<loop_complete>(ended());
    assert_eq!(run.output::<Completed>().status, "merged");
    assert_eq!(run.step("emit-gateway-event").output::<Value>()["pushed"], false);
}

#[system_bus_sdk::test]
fn names_that_lead_elsewhere_fail_at_once(kit: &mut Kit) {
    let world = World::begin();
    for (loop_id, branch, project) in [
        ("../x", "agent/x", "app"),
        ("loop-1", "--force", "app"),
        ("loop-1", "main", "app"),
        ("loop-1", "agent/x", "/etc"),
        ("loop-1", "agent/x", "../app"),
    ] {
        let mut event = ended();
        (event.loop_id, event.project) = (loop_id.to_owned(), project.to_owned());
        event.branch_name = Some(branch.to_owned());
        let run = kit.run::<loop_complete>(event);
        assert_eq!(run.error().name(), "Invalid", "{loop_id} {branch} {project}");
    }
    assert!(world.ran().is_empty());
}
