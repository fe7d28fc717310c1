//! Stories that pass.

use serde_json::{Value, json};

use super::{FUNCTION, Stories, attempt, plan, start, statuses, steps, story, told};
use crate::flows::git::write;
use crate::flows::scene::Scene;

/// Two stories, the second of which waits for the first; and a third that is done.
pub(super) async fn chain(stories: &Stories, scene: &Scene) {
    let (mut second, mut done) = (story("chain-2"), story("chain-0"));
    second["depends_on"] = json!(["chain-1"]);
    second["priority"] = json!(-1);
    done["status"] = json!("done");
    let mut plan = plan("Chain", &[second, story("chain-1"), done]);
    plan["context"] = json!({
        "typecheck_command": "story-check types 'of all'",
        "lint_command": "story-check lint && story-check format",
        "codex_timeout_seconds": 60,
    });
    let project = stories.project("chain", &plan);
    let before = stories.sha("chain");

    let skipped = scene.run(FUNCTION, "agent/story.start", &start("chain", "chain-0")).await;
    skipped.assert_steps(&["load-prd"]);
    let end =
        json!({"status": "skipped", "storyId": "chain-0", "attempt": 1, "reason": "it is done"});
    assert_eq!(skipped.result(), &end);
    assert_eq!(scene.actions(&skipped), ["story.skipped"]);

    let mut event = start("chain", "chain-1");
    event["cwd"] = json!(project);
    event["prdPath"] = json!(project.join("prd.json"));
    let first = scene.run(FUNCTION, "agent/story.start", &event).await;
    let mut wants = steps("chain-1", 1, "");
    wants.push("start-next-story".to_owned());
    assert_eq!(first.steps, wants);
    assert_eq!(first.result_of("get-pre-sha"), &json!({"sha": before, "changed": ["src/mine.rs"]}));
    let sha = first.result()["sha"].as_str().expect("a commit").to_owned();
    let end = json!({"status": "passed", "storyId": "chain-1", "attempt": 1, "sha": sha, "next": "chain-2"});
    assert_eq!(first.result(), &end);
    assert_eq!(stories.pushed("chain", "story/chain-1"), Some(sha.clone()));

    // The second one starts with what the first was started with, and the same plan.
    event["storyId"] = json!("chain-2");
    event["attempt"] = json!(1);
    let of = |data: &Value| data["storyId"] == "chain-2";
    assert_eq!(scene.event("agent/story.start", of).await["data"], event);
    let second = scene.follows(FUNCTION, "agent/story.start", of).await;
    assert_eq!(second.steps, steps("chain-2", 1, ""));
    assert!(second.result().get("next").is_none(), "{second:?}");
    assert_eq!(second.result_of("get-pre-sha")["sha"], sha);
    let wants = [("chain-1", "done"), ("chain-2", "done")];
    assert_eq!(statuses(scene, "chain"), wants.map(|(a, b)| (a.to_owned(), b.to_owned())).into());
    // What has passed is not begun again.
    let again = scene.run(FUNCTION, "agent/story.start", &start("chain", "chain-1")).await;
    assert_eq!(again.result()["status"], "skipped");

    let git = &stories.git;
    assert_eq!(
        stories.log("chain"),
        ["feat(chain-2): The story chain-2", "feat(chain-1): The story chain-1", "first"]
    );
    let files = git.says(&project, &["show", "--format=", "--name-only", &sha]);
    assert_eq!(files, "src/chain-1/work.rs");
    assert_eq!(git.says(&project, &["status", "--porcelain"]), "?? src/mine.rs");
    assert_eq!(stories.pushed("chain", "main"), None, "nobody has asked for that");
    model_as_it_expects(stories);
    news(scene);
    for words in [vec!["types", "of all"], vec!["lint"], vec!["format"]] {
        let calls = stories.programs.calls("story-check");
        assert_eq!(calls.iter().filter(|call| **call == words).count(), 2, "{words:?}");
    }
    assert_eq!(
        scene.actions(&first),
        ["story.implemented", "story.committed", "story.proved", "story.passed", "story.next"]
    );
}

/// Its arguments, and what its prompts have in them.
fn model_as_it_expects(stories: &Stories) {
    for (stage, sandbox, words) in [
        (
            "implement",
            None,
            vec![
                "Implement one story of the plan `Chain`",
                "Do not commit",
                "- it is there",
                "This has to succeed: story-check lint && story-check format",
            ],
        ),
        ("prove", Some("danger-full-access"), vec!["/tmp/proof-chain-1.md", "- it is there"]),
        (
            "judge",
            Some("read-only"),
            vec!["+++ b/src/chain-1/work.rs", "proof of chain-1, 1", "Judge strictly"],
        ),
    ] {
        let asked = stories.asked(stage, "Story chain-1:");
        assert_eq!(asked.len(), 1, "{stage}");
        let (prompt, options) = asked[0].split_last().expect("a prompt");
        let schema = format!("/tmp/story-pipeline-{stage}.schema.json");
        let mut wants = vec!["exec", "--full-auto", "-m", "drill-1"];
        wants.extend(sandbox.iter().flat_map(|sandbox| ["--sandbox", *sandbox]));
        wants.extend(["--output-schema", &schema]);
        assert_eq!(options, wants);
        for word in words {
            assert!(prompt.contains(word), "{stage}: {word}: {prompt}");
        }
        let schema = std::fs::read_to_string(stories.tmp.join(schema.trim_start_matches("/tmp/")));
        let schema: Value = serde_json::from_str(&schema.expect("a schema")).expect("JSON");
        assert_eq!(
            (&schema["type"], &schema["additionalProperties"]),
            (&json!("object"), &json!(false))
        );
    }
}

/// What people were told of the first story, in its order.
fn news(scene: &Scene) {
    let progress = told(scene, "progress", "chain-1");
    let messages: Vec<_> = progress.iter().map(|push| push["payload"]["message"].clone()).collect();
    assert_eq!(
        messages,
        [
            "story chain-1 (The story chain-1) begins, attempt 1",
            "story chain-1: implement begins",
            "story chain-1: implement done",
            "story chain-1: check-and-commit begins",
            "story chain-1: check-and-commit done",
            "story chain-1: prove begins",
            "story chain-1: prove done",
            "story chain-1: judge begins",
        ]
    );
    let first = json!({
        "message": messages[0],
        "storyId": "chain-1",
        "attempt": 1,
        "intent": "pipeline.lifecycle",
        "level": "info",
        "operator_action_required": false,
    });
    assert_eq!(progress[0]["payload"], first);
    assert!(progress[1..].iter().all(|push| push["payload"]["intent"] == "stage"));
    let passed = told(scene, "story.passed", "chain-1");
    assert_eq!(passed.len(), 1);
    let payload = json!({
        "storyId": "chain-1",
        "attempt": 1,
        "intent": "pipeline.outcome",
        "level": "info",
        "operator_action_required": false,
        "feedback": "good",
        "push": "pushed to story/chain-1",
    });
    assert_eq!(passed[0]["payload"], payload);
}

/// A report without its form is asked for once more; a model that ends with another code is tried again; what the proof
/// has mended is committed; and a push that fails is told.
pub(super) async fn repaired(stories: &Stories, scene: &Scene) {
    let project = stories.project("repaired", &plan("Repaired", &[story("repaired-1")]));
    stories.git.says(&project, &["remote", "set-url", "origin", "../nowhere"]);
    stories.answer("repaired", "implement", 1, "echo 'rate limited' >&2; exit 1");
    stories.answer("repaired", "judge", 1, "echo 'Well, I think it has PASSed.'");
    stories.answer("repaired", "prove", 1, "echo mended > src/repaired-1/work.rs; proved");
    let run = scene.run(FUNCTION, "agent/story.start", &start("repaired", "repaired-1")).await;
    assert_eq!(run.steps, steps("repaired-1", 1, ""));
    assert_eq!((run.attempts("implement"), run.attempts("judge")), (2, 1));
    assert_eq!(stories.times("repaired", "judge"), 2);
    let asked = stories.asked("judge", "Well, I think it has PASSed.");
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0]
            .last()
            .expect("a prompt")
            .starts_with("Change no files. Put this report of the stage `judge`")
    );
    let log = [
        "fix(repaired-1): what its proof has shown",
        "feat(repaired-1): The story repaired-1",
        "first",
    ];
    assert_eq!(stories.log("repaired"), log);
    assert_eq!(run.result()["sha"], stories.sha("repaired"));
    let passed = told(scene, "story.passed", "repaired-1");
    let push = passed[0]["payload"]["push"].as_str().expect("what became of it");
    assert!(push.starts_with("push_failed: "), "{push}");
    assert_eq!(statuses(scene, "repaired")["repaired-1"], "done");
}

/// Where the plan names files, these are committed, also where somebody had changed them; nothing else is.
pub(super) async fn own_files(stories: &Stories, scene: &Scene) {
    let mut named = story("named-1");
    named["files"] = json!(["src/named-1", "./src/a.rs"]);
    let project = stories.project("named", &plan("Named", &[named]));
    write(&project.join("src/a.rs"), "one\nand mine\n");
    stories.answer("named", "implement", 1, "echo note > notes.txt; implemented");
    let run = scene.run(FUNCTION, "agent/story.start", &start("named", "named-1")).await;
    assert_eq!(run.result()["status"], "passed");
    let files = stories.git.says(&project, &["show", "--format=", "--name-only", "HEAD"]);
    assert_eq!(files, "src/a.rs\nsrc/named-1/work.rs");
    let left = &scene.record(&run, "story.committed")["metadata"]["leftOut"];
    assert_eq!(left, &json!(["notes.txt", "src/mine.rs"]));
    let status = stories.git.says(&project, &["status", "--porcelain"]);
    assert_eq!(status, "?? notes.txt\n?? src/mine.rs");
    // Nobody asked with an attempt of their own: it is the first.
    let first = attempt(scene, "named", "named-1", 1).await;
    assert_eq!(first.id, run.id);
}
