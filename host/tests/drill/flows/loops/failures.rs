//! Loops that fail for good, of which the rest of the system is told; and one that is cancelled.

use std::time::Duration;

use serde_json::{Value, json};

use super::{EVENT, FUNCTION, Loops, STEPS, branch, completed, hook, told};
use crate::flows::scene::{Ran, Scene};

const HANDLER: &str = "agent-loop-complete-failure";
const FAILED: &str = "agent/loop.function.failed";

pub(super) async fn play(loops: &Loops, scene: &Scene) -> Vec<Ran> {
    let (invalid, busy, none, cancelled) = tokio::join!(
        invalid(scene),
        busy(loops, scene),
        no_repository(loops, scene),
        cancelled(loops, scene),
    );
    [invalid, vec![busy, none, cancelled]].concat()
}

/// That the rest of the system is told once that a run has failed, by the function for that.
async fn assert_told(scene: &Scene, run: &Ran, event: &Value, error: &str) {
    let of = |data: &Value| data["runId"] == run.id.as_str();
    let failed = scene.event(FAILED, of).await;
    let wanted = json!({
        "loopId": event["loopId"],
        "project": event["project"],
        "functionId": FUNCTION,
        "runId": run.id,
        "error": failed["data"]["error"],
    });
    assert_eq!(failed["data"], wanted);
    assert!(failed["data"]["error"].to_string().contains(error), "{error}: {failed}");
    let own = |data: &Value| data["run_id"] == run.id.as_str();
    let handled = scene.follows(HANDLER, "inngest/function.failed", own).await;
    handled.result();
    handled.assert_steps(&["emit-loop-function-failed"]);
    assert_eq!(scene.actions(&handled), ["agent-loop.complete.failed"]);
    let all = scene.events(FAILED).await;
    assert_eq!(all.iter().filter(|event| of(&event["data"])).count(), 1);
}

async fn invalid(scene: &Scene) -> Vec<Ran> {
    let mut runs = Vec::new();
    for (field, value, what) in [
        ("loopId", "../outside", "the id of the loop"),
        ("branchName", "main", "the branch of the loop"),
        ("branchName", "agent/--force", "the branch of the loop"),
        ("project", "/etc", "the project of the loop"),
        ("project", "../outside", "the project of the loop"),
    ] {
        let mut event = completed("invalid");
        event[field] = json!(value);
        let run = scene.run(FUNCTION, EVENT, &event).await;
        assert!(run.failure().contains(what), "{run:?}");
        run.assert_steps(&[]);
        assert_told(scene, &run, &event, what).await;
        runs.push(run);
    }
    runs
}

/// Somebody is merging in the checkout, and is left alone.
async fn busy(loops: &Loops, scene: &Scene) -> Ran {
    let (git, name) = (&loops.git, "busy");
    let project = loops.begun(name, "nowhere", &[("src/b.rs", "two\n")]);
    git.says(&project, &["checkout", "-q", "-b", "other"]);
    git.commit(&project, &[("src/c.rs", "three\n")], "somebody's");
    git.says(&project, &["checkout", "-q", "main"]);
    git.says(&project, &["merge", "-q", "--no-ff", "--no-commit", "other"]);
    let event = completed(name);
    let run = scene.run(FUNCTION, EVENT, &event).await;
    assert!(run.failure().contains("somebody else is merging"), "{run:?}");
    run.assert_steps(&STEPS[..3]);
    assert_eq!(run.attempts("merge-to-main"), 4);
    assert_told(scene, &run, &event, "somebody else is merging").await;
    assert_eq!(loops.log(&project), ["first"]);
    let theirs = git.says(&project, &["rev-parse", "other"]);
    assert_eq!(git.says(&project, &["rev-parse", "MERGE_HEAD"]), theirs);
    assert!(loops.worktrees.join(name).exists() && loops.has_branch(&project, name));
    assert!(told(scene, "loop.failed", name).is_empty());
    run
}

/// A project that is no repository: git's own words are in the failure.
async fn no_repository(loops: &Loops, scene: &Scene) -> Ran {
    std::fs::create_dir_all(loops.projects.join("folder")).expect("a folder");
    let event = completed("folder");
    let run = scene.run(FUNCTION, EVENT, &event).await;
    assert!(run.failure().contains("not a git repository"), "{run:?}");
    // There is no worktree, so nothing of it is removed.
    assert_eq!(run.result_of("clean-artifacts"), &json!([]));
    assert_eq!(run.attempts("merge-to-main"), 4);
    assert_told(scene, &run, &event, "not a git repository").await;
    run
}

/// A loop that is cancelled while its work is being merged: nothing follows. That of another loop changes nothing.
async fn cancelled(loops: &Loops, scene: &Scene) -> Ran {
    let name = "cancelled";
    let origin = loops.origin(name);
    let project = loops.begun(name, origin.to_str().expect("text"), &[("src/b.rs", "two\n")]);
    let held = "echo held > .git/held\nwhile [ ! -e .git/go ]; do sleep 0.1; done\n";
    hook(&project, "pre-merge-commit", held);
    let event = scene.send(EVENT, &completed(name)).await;
    crate::eventually("git is merging", async || project.join(".git/held").exists().then_some(()))
        .await;
    scene.send("agent/loop.cancelled", &json!({"loopId": "another"})).await;
    // Long enough that it would be cancelled, were it meant.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let runs = scene.begun_by(&event).await;
    assert!(runs.len() == 1 && runs[0]["ended_at"].is_null(), "{runs:?}");
    scene.send("agent/loop.cancelled", &json!({"loopId": name})).await;
    let run = scene.ended(FUNCTION, &event).await;
    std::fs::write(project.join(".git/go"), "").expect("written");
    assert_eq!(run.status, "Cancelled", "{run:?}");
    run.assert_steps(&STEPS[..2]);
    assert!(loops.worktrees.join(name).exists(), "{}", branch(name));
    let pushed = loops.git.command(&origin).args(["rev-parse", "-q", "--verify", "main"]).output();
    assert!(!pushed.expect("git runs").status.success());
    for kind in ["loop.complete", "loop.failed"] {
        assert!(told(scene, kind, name).is_empty());
    }
    run
}
