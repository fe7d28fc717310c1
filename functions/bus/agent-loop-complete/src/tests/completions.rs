use serde_json::json;
use system_bus_testing::Kit;

use super::ended;
use super::site::Site;
use crate::{Completed, loop_complete};

const STEPS: [&str; 6] = [
    "clean-artifacts",
    "gateway-progress-merge",
    "merge-to-main",
    "cleanup-worktree",
    "push-to-remote",
    "emit-gateway-event",
];

#[system_bus_sdk::test(crash = "everywhere")]
fn the_work_of_a_loop_is_merged_once_and_pushed(kit: &mut Kit) {
    let site = Site::new(kit);
    // Somebody is at work in the checkout, and in the worktree something was left that is nobody's artifact.
    site.write("app/src/mine.rs", "mine\n");
    site.write("loops/loop-1/src/left.rs", "left\n");
    let run = kit.run::<loop_complete>(ended());
    run.assert_steps(STEPS);
    let end: Completed = run.output();
    assert_eq!(end.status, "merged");
    assert_eq!(end.deployment_model, "single-source-worker");
    assert_eq!(end.push.as_deref(), Some("pushed"));
    let merge = end.merge.expect("it was merged");
    assert_eq!(merge.sha.as_deref(), Some(site.git("app", &["rev-parse", "main"]).as_str()));

    let log = site.git("app", &["log", "--format=%s", "main"]);
    let merges = log.lines().filter(|line| line.starts_with("Merge")).count();
    let cleanups = log.lines().filter(|line| line.starts_with("chore: remove")).count();
    assert_eq!((merges, cleanups), (1, 1), "{log}");
    let files = site.git("app", &["ls-tree", "-r", "--name-only", "main"]);
    assert_eq!(files, "src/a.rs\nsrc/b.rs", "only the loop's own work");
    assert_eq!(site.read("app/src/mine.rs").as_deref(), Some("mine\n"));
    assert_eq!(site.git("app", &["stash", "list"]), "");
    assert!(!site.path("loops/loop-1").exists());
    assert_eq!(site.git("app", &["branch", "--list", "agent/*"]), "");
    assert_eq!(site.git("origin.git", &["rev-parse", "main"]), merge.sha.expect("it has one"));

    let heard = site.world.heard();
    assert_eq!(site.world.kinds(), ["progress", "loop.complete"]);
    assert_eq!(heard[1].payload["storiesCompleted"], json!(2));
    assert_eq!(heard[1].payload["status"], "merged");
}

#[system_bus_sdk::test]
fn nothing_is_copied_and_nothing_restarted(kit: &mut Kit) {
    let site = Site::new(kit);
    kit.run::<loop_complete>(ended());
    for line in site.world.lines() {
        assert!(line.starts_with("git "), "{line}");
        for word in ["rsync", "restart", "clone", "add -A", "add ."] {
            assert!(!line.contains(word), "{line}");
        }
    }
    // The one commit names the files that it takes.
    let lines = site.world.lines();
    let commits: Vec<_> = lines.iter().filter(|line| line.starts_with("git commit")).collect();
    assert_eq!(commits.len(), 1);
    assert!(commits[0].ends_with("-- judge.out prd.json src/__tests__/b.test.ts"), "{commits:?}");
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_conflict_is_undone_and_told(kit: &mut Kit) {
    let site = Site::new(kit);
    site.commit("app", &[("src/b.rs", "other\n")], "second");
    site.write("app/src/a.rs", "mine\n");
    let run = kit.run::<loop_complete>(ended());
    let without_push: Vec<_> = STEPS.into_iter().filter(|step| *step != "push-to-remote").collect();
    run.assert_steps(without_push);
    let end: Completed = run.output();
    assert_eq!((end.status.as_str(), end.push.as_deref()), ("merge-failed", None));
    let merge = end.merge.expect("it was tried");
    assert_eq!(merge.reason.as_deref(), Some("merge_conflict"));
    assert_eq!(merge.conflicts, ["src/b.rs"]);
    assert_eq!(site.git("app", &["log", "-1", "--format=%s"]), "second");
    assert_eq!(site.read("app/src/a.rs").as_deref(), Some("mine\n"));
    assert_eq!(site.git("app", &["status", "--porcelain"]), "M src/a.rs");
    // The branch stays for a person to look at.
    assert_ne!(site.git("app", &["branch", "--list", "agent/*"]), "");
    assert_eq!(site.world.kinds(), ["progress", "loop.failed"]);
    assert!(site.world.actions().contains(&"agent-loop.complete.merge!".to_owned()));
}

#[system_bus_sdk::test]
fn nothing_new_is_nothing_to_merge(kit: &mut Kit) {
    let site = Site::new(kit);
    site.git("app", &["branch", "agent/empty"]);
    let mut event = ended();
    event.loop_id = "loop-2".to_owned();
    event.branch_name = Some("agent/empty".to_owned());
    let end: Completed = kit.run::<loop_complete>(event).output();
    assert_eq!(end.status, "merge-failed");
    assert_eq!(end.merge.expect("it was tried").reason.as_deref(), Some("no_new_commits"));
}

#[system_bus_sdk::test]
fn a_checkout_on_another_branch_is_left_alone(kit: &mut Kit) {
    let site = Site::new(kit);
    site.git("app", &["checkout", "-q", "-b", "mine"]);
    let end: Completed = kit.run::<loop_complete>(ended()).output();
    assert_eq!(end.merge.expect("it was tried").reason.as_deref(), Some("not_on_main"));
    assert_eq!(site.git("app", &["rev-parse", "--abbrev-ref", "HEAD"]), "mine");
}
