//! Stories that are tried again, and those that were tried often enough.

use serde_json::{Value, json};

use super::{EVENT, FUNCTION, Stories, attempt, plan, start, statuses, steps, story, told};
use crate::flows::scene::{Ran, Scene};

/// The event of an attempt after the first.
async fn asked(scene: &Scene, project: &str, id: &str, number: u64) -> Value {
    let of =
        |data: &Value| data["cwd"] == project && data["storyId"] == id && data["attempt"] == number;
    scene.event(EVENT, of).await["data"].clone()
}

/// Judged and found wanting: the next attempt is told why, and judged by all that was done since the first.
pub(super) async fn judged(stories: &Stories, scene: &Scene) {
    let id = "judged-1";
    stories.project("judged", &plan("Judged", &[story(id)]));
    let before = stories.sha("judged");
    let fail = r#"echo '{"verdict":"FAIL","feedback":"too short","retry_guidance":["longer","more tests"]}'"#;
    stories.answer("judged", "judge", 1, fail);
    // Whatever the judge says: what is not proved has not passed.
    stories.answer("judged", "prove", 2, r#"echo '{"overall_pass":false,"summary":"one is red"}'"#);
    let first = scene.run(FUNCTION, EVENT, &start("judged", id)).await;
    let mut wants = steps(id, 1, "record-story-done");
    wants.extend([format!("gateway-notify-story-failed[{id}]"), "retry-story".to_owned()]);
    assert_eq!(first.steps, wants);
    let judgment = "too short\n- longer\n- more tests";
    let end = json!({"status": "retrying", "storyId": id, "attempt": 1, "reason": judgment});
    assert_eq!(first.result(), &end);
    let event = json!({
        "prdPath": "prd.json",
        "storyId": id,
        "cwd": "judged",
        "attempt": 2,
        "judgment": judgment,
        "base": {"sha": before, "changed": ["src/mine.rs"]},
    });
    assert_eq!(asked(scene, "judged", id, 2).await, event);
    assert!(statuses(scene, "judged").get(id) != Some(&"blocked".to_owned()));

    let second = attempt(scene, "judged", id, 2).await;
    assert_eq!(second.result()["reason"], "the proof did not pass: one is red");
    assert_eq!(second.result_of("get-pre-sha")["sha"], before);
    let third = attempt(scene, "judged", id, 3).await;
    assert_eq!(third.steps, steps(id, 3, ""));
    assert_eq!(third.result()["status"], "passed");
    assert_eq!(statuses(scene, "judged")[id], "done");
    assert_eq!(stories.pushed("judged", "story/judged-1"), Some(stories.sha("judged")));

    let prompts = stories.asked("implement", "Story judged-1:");
    assert_eq!(prompts.len(), 3);
    let last = |at: usize| prompts[at].last().expect("a prompt").clone();
    assert!(!last(0).contains("did not pass"));
    assert!(last(1).contains("too short - longer - more tests"), "{}", last(1));
    assert!(last(2).contains("the proof did not pass: one is red"));
    // The proof of the first attempt proves nothing of the second.
    let second = &stories.asked("judge", "Story judged-1:")[1];
    assert!(second.last().expect("a prompt").contains("There is none."), "{second:?}");
    // Three attempts changed the same file: the difference is that of all of them.
    let third = &stories.asked("judge", "Story judged-1:")[2];
    assert!(third.last().expect("a prompt").contains("+3 "), "{third:?}");
    let failed = told(scene, "story.failed", id);
    assert_eq!(failed.len(), 2);
    let payload = json!({
        "storyId": id,
        "attempt": 1,
        "intent": "pipeline.outcome",
        "level": "warn",
        "operator_action_required": false,
        "feedback": "too short",
        "retryGuidance": ["longer", "more tests"],
    });
    assert_eq!(failed[0]["payload"], payload);
    assert_eq!(scene.record(&first, "story.failed")["level"], "warn");
}

/// Panics unless the stage of an attempt has failed, which was recorded and told, and the next one is told why.
async fn assert_failed(scene: &Scene, run: &Ran, stage: &str, number: u64, why: &str) {
    let (project, id) = ("stages", "stages-1");
    let mut wants = steps(id, number, &format!("gateway-progress-{stage}-done[{number}]"));
    if stage == "judge" {
        wants = steps(id, number, "record-story-done");
    }
    wants.extend([
        format!("gateway-progress-stage-failed[{number}]"),
        format!("retry-story-{stage}"),
    ]);
    assert_eq!(run.steps, wants);
    let reason = run.result()["reason"].as_str().expect("why");
    assert!(reason.contains(why) && reason.chars().count() <= 4_000, "{reason}");
    let next = asked(scene, project, id, number + 1).await;
    assert_eq!(next["judgment"], reason);
    let record = scene.record(run, "story.stage");
    assert_eq!((&record["level"], &record["metadata"]["stage"]), (&json!("warn"), &json!(stage)));
    let message = format!("story {id}: {stage} failed");
    let progress = told(scene, "progress", id);
    let mut own = progress.iter().filter(|push| push["payload"]["message"] == message.as_str());
    let own = own.find(|push| push["payload"]["attempt"] == number).expect("it was told");
    assert_eq!(own["payload"]["intent"], "self_heal");
}

/// Each stage fails once. Between the attempts somebody takes the block away that keeps a story from a fourth one.
pub(super) async fn stages(stories: &Stories, scene: &Scene) {
    let (name, id) = ("stages", "stages-1");
    let mut plan = plan("Stages", &[story(id)]);
    plan["context"] = json!({"test_command": "story-check tests"});
    let project = stories.project(name, &plan);
    let noise = "printf 'é%.0s' $(seq 5000)";
    stories.answer(name, "implement", 1, "echo 'two types are one' > broken; implemented");
    stories.answer(name, "prove", 1, noise);
    stories.answer(name, "prove", 2, noise);
    stories.answer(name, "judge", 1, "echo '{\"verdict\":\"PASS\"}'");
    stories.answer(name, "judge", 2, "echo 'no idea'");
    let first = scene.run(FUNCTION, EVENT, &start(name, id)).await;
    assert_failed(scene, &first, "check-and-commit", 1, "error: two types are one").await;
    let second = attempt(scene, name, id, 2).await;
    assert_failed(scene, &second, "prove", 2, "éééé").await;
    let third = attempt(scene, name, id, 3).await;
    assert_failed(scene, &third, "judge", 3, "{\"verdict\":\"PASS\"}").await;
    let fourth = attempt(scene, name, id, 4).await;
    assert_eq!(fourth.result()["status"], "blocked");

    let _: i64 = scene.redis(&["HDEL", "story-pipeline:stages-prd", id]);
    // The model takes what is somebody else's into a commit of its own.
    let theft = "implemented; git add -A; git commit -q -m all";
    stories.answer(name, "implement", 4, theft);
    let mut event = start(name, id);
    event["attempt"] = json!(3);
    event["originSession"] = json!("theft");
    let theft = scene.run(FUNCTION, EVENT, &event).await;
    let why = "files that are not the story's were committed: src/mine.rs";
    assert_eq!(theft.result()["reason"], why);
    assert_eq!(stories.git.says(&project, &["log", "-1", "--format=%s"]), "all");
    // Nothing of all that was pushed.
    assert_eq!(stories.pushed(name, "story/stages-1"), None);
    assert!(told(scene, "story.passed", id).is_empty());
}

/// A model that cannot go on, three times: a person is needed, and the story does not begin again.
pub(super) async fn blocked(stories: &Stories, scene: &Scene) {
    let (name, id) = ("blocked", "blocked-1");
    let mut waits = story("blocked-2");
    waits["depends_on"] = json!([id]);
    stories.project(name, &plan("Blocked", &[story(id), waits, story("blocked-3")]));
    for time in 1..=3 {
        stories.answer(
            name,
            "implement",
            time,
            r#"echo '{"status":"blocked","summary":"no keys"}'"#,
        );
    }
    let first = scene.run(FUNCTION, EVENT, &start(name, id)).await;
    let before = steps(id, 1, "gateway-progress-implement-done[1]");
    let after = ["gateway-progress-stage-failed[1]", "retry-story-implement"].map(str::to_owned);
    assert_eq!(first.steps, [before, after.to_vec()].concat());
    assert_eq!(first.result()["reason"], "blocked: no keys");
    let fourth = attempt(scene, name, id, 4).await;
    let notify = format!("gateway-notify-story-blocked[{id}]");
    fourth.assert_steps(&["load-prd", "record-story-blocked", &notify]);
    let end =
        json!({"status": "blocked", "storyId": id, "attempt": 4, "reason": "blocked: no keys"});
    assert_eq!(fourth.result(), &end);
    assert_eq!(statuses(scene, name)[id], "blocked");
    assert_eq!(stories.times(name, "implement"), 3);
    let blocked = told(scene, "story.blocked", id);
    assert_eq!(blocked.len(), 1);
    let payload = json!({
        "storyId": id,
        "attempt": 4,
        "intent": "pipeline.outcome",
        "level": "warn",
        "operator_action_required": true,
        "judgment": "blocked: no keys",
    });
    assert_eq!(blocked[0]["payload"], payload);
    assert_eq!(scene.record(&fourth, "story.blocked")["success"], false);
    assert_eq!(stories.log(name), ["first"]);

    // What has passed beside it starts neither the blocked one nor the one that waits for it.
    let other = scene.run(FUNCTION, EVENT, &start(name, "blocked-3")).await;
    assert_eq!(other.result()["status"], "passed");
    assert!(other.result().get("next").is_none(), "{other:?}");
}
