//! Loops that come to their end.

use serde_json::json;

use super::github::expected;
use super::{EVENT, FUNCTION, Loops, STEPS, branch, complete, completed, hook, told};
use crate::flows::git::write;
use crate::flows::scene::{Ran, Scene};

/// What a run records that comes to its end; what goes wrong has the same names.
const ACTIONS: [&str; 4] = [
    "agent-loop.complete.cleaned",
    "agent-loop.complete.merge",
    "agent-loop.complete.worktree",
    "agent-loop.complete.push",
];

/// Merged beside somebody's own work, and pushed with the token; then once more.
pub(super) async fn to_github(loops: &Loops, scene: &Scene) -> Vec<Ran> {
    let (git, name) = (&loops.git, "tea");
    let remote = loops.github.repository(git, "leaves/tea.git");
    let work = [
        ("src/b.rs", "two\n"),
        ("src/login.acceptance.test.ts", "x"),
        ("packages/x/__tests__/b.test.ts", "x"),
        ("logs/judge.out", "x"),
        ("prd.json", "{}"),
        ("progress.txt", "x"),
        ("docs/prd.json", "{}"),
    ];
    let project = loops.begun(name, "git@github.com:leaves/tea.git", &work);
    // Somebody is at work in the checkout, and in the worktree lies what is nobody's artifact.
    write(&project.join("src/mine.rs"), "mine\n");
    write(&project.join("src/a.rs"), "one\nand mine\n");
    write(&loops.worktrees.join("tea/left.rs"), "left\n");

    let mut event = completed(name);
    event["project"] = json!(project);
    let run = scene.run(FUNCTION, EVENT, &event).await;
    run.assert_steps(&STEPS);
    let sha = git.says(&project, &["rev-parse", "main"]);
    let end = json!({
        "status": "merged",
        "loopId": name,
        "merge": {"merged": true, "sha": sha, "stash": "restored"},
        "push": "pushed",
        "deploymentModel": "single-source-worker",
    });
    assert_eq!(run.result(), &end);
    let artifacts = json!([
        "logs/judge.out",
        "packages/x/__tests__/b.test.ts",
        "prd.json",
        "progress.txt",
        "src/login.acceptance.test.ts",
    ]);
    assert_eq!(run.result_of("clean-artifacts"), &artifacts);
    assert_eq!(run.result_of("cleanup-worktree"), &json!({"worktree": true, "branch": true}));

    let log = ["Merge agent/tea", "chore: remove the artifacts of loop tea", "work", "first"];
    assert_eq!(loops.log(&project), log);
    assert_eq!(loops.on_main(&project), ["docs/prd.json", "src/a.rs", "src/b.rs"]);
    let own = git.says(&project, &["show", "--format=", "--name-only", "main^2"]);
    assert_eq!(own.lines().count(), 5, "the commit takes the artifacts alone: {own}");
    assert_eq!(loops.changed(&project), " M src/a.rs\n?? src/mine.rs");
    assert_eq!(scene.read(project.join("src/a.rs")), "one\nand mine\n");
    assert_eq!(git.says(&project, &["stash", "list"]), "");
    assert!(!loops.worktrees.join(name).exists() && !loops.has_branch(&project, name));
    // The other side has it, and had the token from git's second request on.
    assert_eq!(git.says(&remote, &["rev-parse", "main"]), sha);
    let leaves = loops.github.leaves("leaves/tea.git");
    assert!(leaves[0].is_empty() && leaves.len() > 1, "{leaves:?}");
    assert!(leaves[1..].iter().all(|leave| *leave == expected()), "{leaves:?}");

    let progress = told(scene, "progress", name);
    assert_eq!(progress.len(), 1);
    assert_eq!(progress[0]["payload"]["message"], "loop tea: merging agent/tea to main");
    let news = told(scene, "loop.complete", name);
    assert_eq!(news.len(), 1);
    let payload = json!({
        "loopId": name,
        "project": project,
        "branchName": branch(name),
        "storiesCompleted": 2,
        "storiesFailed": 1,
        "status": "merged",
        "merge": end["merge"],
        "push": "pushed",
    });
    assert_eq!(news[0]["payload"], payload);
    assert_eq!(scene.actions(&run), ACTIONS);

    // Told of the same loop again it finds its merge, and makes no second one.
    let again = scene.run(FUNCTION, EVENT, &event).await;
    again.assert_steps(&STEPS);
    assert_eq!(again.result()["merge"], json!({"merged": true, "sha": sha}));
    assert_eq!(again.result()["push"], "pushed");
    assert_eq!(loops.log(&project), log);
    vec![run, again]
}

/// What cannot be merged, and what somebody had changed where the loop has.
pub(super) async fn conflicts(loops: &Loops, scene: &Scene) -> Vec<Ran> {
    let git = &loops.git;
    let project = loops.begun("clash", "nowhere", &[("src/b.rs", "two\n")]);
    git.commit(&project, &[("src/b.rs", "other\n")], "second");
    write(&project.join("src/a.rs"), "mine\n");
    let clash = complete(scene, "clash").await;
    let without: Vec<_> = STEPS.into_iter().filter(|step| *step != "push-to-remote").collect();
    clash.assert_steps(&without);
    let merge = json!({
        "merged": false,
        "reason": "merge_conflict",
        "conflicts": ["src/b.rs"],
        "stash": "restored",
    });
    let result = clash.result();
    assert_eq!((&result["status"], &result["merge"]), (&json!("merge-failed"), &merge));
    assert!(result.get("push").is_none());
    assert_eq!(loops.log(&project), ["second", "first"]);
    assert_eq!(loops.changed(&project), " M src/a.rs");
    assert_eq!(scene.read(project.join("src/b.rs")), "other\n");
    // The branch stays for a person to look at.
    assert!(!loops.worktrees.join("clash").exists() && loops.has_branch(&project, "clash"));
    let news = told(scene, "loop.failed", "clash");
    assert_eq!((news.len(), &news[0]["payload"]["merge"]), (1, &merge));
    assert!(told(scene, "loop.complete", "clash").is_empty());
    assert_eq!(scene.actions(&clash), ACTIONS[..3]);
    let record = scene.record(&clash, "agent-loop.complete.merge");
    assert_eq!((&record["level"], &record["success"]), (&json!("warn"), &json!(false)));

    let origin = loops.origin("apart");
    let place = origin.to_str().expect("text");
    let project = loops.begun("apart", place, &[("src/a.rs", "theirs\n")]);
    write(&project.join("src/a.rs"), "mine\n");
    let apart = complete(scene, "apart").await;
    apart.assert_steps(&STEPS);
    let stash = apart.result()["merge"]["stash"].as_str().expect("what became of it").to_owned();
    assert!(stash.starts_with("kept: "), "{stash}");
    assert_eq!(git.says(&project, &["show", "main:src/a.rs"]), "theirs");
    assert_eq!(git.says(&project, &["show", "stash@{0}:src/a.rs"]), "mine");
    // A folder is pushed to without a token.
    assert_eq!(
        git.says(&origin, &["rev-parse", "main"]),
        git.says(&project, &["rev-parse", "main"])
    );
    vec![clash, apart]
}

/// What is soon over: nothing to merge, no branch, somebody elsewhere, nowhere to push to, no worktree.
pub(super) async fn small(loops: &Loops, scene: &Scene) -> Vec<Ran> {
    let git = &loops.git;
    let project = loops.begun("idle", "nowhere", &[]);
    let idle = complete(scene, "idle").await;
    assert_eq!(idle.result()["merge"], json!({"merged": false, "reason": "no_new_commits"}));
    assert_eq!(loops.log(&project), ["first"]);
    assert_eq!(told(scene, "loop.failed", "idle").len(), 1);

    let project = loops.begun("elsewhere", "nowhere", &[("src/b.rs", "two\n")]);
    git.says(&project, &["checkout", "-q", "-b", "mine"]);
    write(&project.join("src/a.rs"), "mine\n");
    let elsewhere = complete(scene, "elsewhere").await;
    assert_eq!(elsewhere.result()["merge"], json!({"merged": false, "reason": "not_on_main"}));
    assert_eq!(git.says(&project, &["rev-parse", "--abbrev-ref", "HEAD"]), "mine");
    assert_eq!(loops.changed(&project), " M src/a.rs");
    assert_eq!(git.says(&project, &["stash", "list"]), "");

    let gone = loops.projects.join("origins/gone");
    let project = loops.begun("unpushed", gone.to_str().expect("text"), &[("src/b.rs", "two\n")]);
    // Somebody has taken the worktree away, without git's knowledge.
    std::fs::remove_dir_all(loops.worktrees.join("unpushed")).expect("removed");
    let unpushed = complete(scene, "unpushed").await;
    unpushed.assert_steps(&STEPS);
    assert_eq!(unpushed.result()["status"], "merged");
    let push = unpushed.result()["push"].as_str().expect("what became of it");
    assert!(push.starts_with("push_failed: "), "{push}");
    assert_eq!(loops.log(&project), ["Merge agent/unpushed", "work", "first"]);
    assert!(!loops.has_branch(&project, "unpushed"));
    assert_eq!(told(scene, "loop.complete", "unpushed")[0]["payload"]["push"], push);
    assert_eq!(scene.record(&unpushed, "agent-loop.complete.push")["success"], false);

    // GitHub has no such repository: the token does not help, and is not told either.
    let project = loops.begun("unknown", "https://github.com/leaves/none", &[("c", "c\n")]);
    let unknown = complete(scene, "unknown").await;
    let push = unknown.result()["push"].as_str().expect("what became of it");
    assert!(push.starts_with("push_failed: "), "{push}");
    assert_eq!(loops.log(&project)[0], "Merge agent/unknown");

    let mut event = completed("branchless");
    event["branchName"] = json!("");
    let branchless = scene.run(FUNCTION, EVENT, &event).await;
    branchless.assert_steps(&[]);
    assert_eq!(branchless.result()["status"], "no-branch");
    assert_eq!(branchless.result()["deploymentModel"], "single-source-worker");
    assert_eq!(scene.actions(&branchless), ["agent-loop.complete.no_branch"]);
    vec![idle, elsewhere, unpushed, unknown, branchless, broken_off(loops, scene).await]
}

/// A merge that is broken off half-way is undone, and made in the next attempt; with somebody's work stashed meanwhile.
async fn broken_off(loops: &Loops, scene: &Scene) -> Ran {
    let origin = loops.origin("killed");
    let project = loops.begun("killed", origin.to_str().expect("text"), &[("src/b.rs", "two\n")]);
    write(&project.join("src/mine.rs"), "mine\n");
    let once = "[ -e .git/killed ] && exit 0\n: > .git/killed\nkill -9 $PPID\n";
    hook(&project, "pre-merge-commit", once);
    let run = complete(scene, "killed").await;
    run.assert_steps(&STEPS);
    assert_eq!(run.attempts("merge-to-main"), 2);
    assert_eq!(run.result()["merge"]["stash"], "restored");
    assert_eq!(run.result()["push"], "pushed");
    assert_eq!(loops.log(&project), ["Merge agent/killed", "work", "first"]);
    assert_eq!(loops.changed(&project), "?? src/mine.rs");
    assert_eq!(loops.git.says(&project, &["stash", "list"]), "");
    run
}
