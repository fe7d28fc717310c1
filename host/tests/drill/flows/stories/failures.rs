//! What is no story, and what fails for good.

use serde_json::{Value, json};

use super::{EVENT, FUNCTION, Stories, plan, start, statuses, story, told};
use crate::flows::git::write;
use crate::flows::scene::Scene;

pub(super) async fn play(stories: &Stories, scene: &Scene) {
    tokio::join!(
        invalid(stories, scene),
        plans(stories, scene),
        no_repository(stories, scene),
        no_model(stories, scene),
    );
}

/// Panics unless the run of this event fails at once, with these steps, and does nothing.
async fn assert_invalid(scene: &Scene, event: &Value, why: &str, steps: &[&str]) {
    let run = scene.run(FUNCTION, EVENT, event).await;
    assert!(run.failure().contains(why), "{why}: {run:?}");
    run.assert_steps(steps);
    for step in steps {
        assert_eq!(run.attempts(step), 1);
    }
    assert_eq!(scene.actions(&run), ["story.invalid"]);
}

async fn invalid(stories: &Stories, scene: &Scene) {
    stories.project("invalid", &plan("Invalid", &[story("invalid-1")]));
    for (event, why) in [
        (json!({}), "a story needs `prdPath` and `storyId`"),
        (json!({"prdPath": "prd.json"}), "a story needs `prdPath` and `storyId`"),
        (json!({"prdPath": "prd.json", "storyId": "--help"}), "the id of the story"),
        (json!({"prdPath": "/etc/passwd", "storyId": "s"}), "the plan cannot be used"),
        (json!({"prdPath": "../prd.json", "storyId": "s"}), "the plan cannot be used"),
        (
            json!({"prdPath": "prd.json", "storyId": "s", "cwd": "/etc"}),
            "the folder cannot be used",
        ),
    ] {
        assert_invalid(scene, &event, why, &[]).await;
    }
    let none = start("invalid", "invalid-9");
    assert_invalid(scene, &none, "the plan has no story `invalid-9`", &["load-prd"]).await;
    let nowhere = start("nowhere", "s");
    assert_invalid(scene, &nowhere, "", &["load-prd"]).await;
    assert_eq!(stories.times("invalid", "implement"), 0);
}

/// Plans that are none.
async fn plans(stories: &Stories, scene: &Scene) {
    let project = stories.project("plans", &json!({}));
    let with_command = |command: &str| {
        let mut plan = plan("Plans", &[story("plans-1")]);
        plan["context"] = json!({"test_command": command});
        plan.to_string()
    };
    for (text, why) in [
        ("no JSON".to_owned(), "the plan is none"),
        (json!({"stories": [story("plans-1")]}).to_string(), "no name and no description"),
        (plan("Plans", &[]).to_string(), "it has no stories"),
        (json!({"name": "Plans", "stories": [{"id": "plans-1"}]}).to_string(), "title"),
        (with_command("story-check; rm -rf ~"), "the plan is none"),
        (with_command("story-check $HOME"), "the plan is none"),
    ] {
        write(&project.join("prd.json"), &text);
        assert_invalid(scene, &start("plans", "plans-1"), why, &["load-prd"]).await;
    }
}

/// Git fails: tried three times, with git's own words.
async fn no_repository(stories: &Stories, scene: &Scene) {
    let path = stories.repositories.join("folder/prd.json");
    write(&path, &plan("Folder", &[story("folder-1")]).to_string());
    let run = scene.run(FUNCTION, EVENT, &start("folder", "folder-1")).await;
    assert!(run.failure().contains("not a git repository"), "{run:?}");
    assert_eq!(run.steps.last().map(String::as_str), Some("get-pre-sha"));
    assert_eq!(run.attempts("get-pre-sha"), 3);
    assert!(statuses(scene, "folder").is_empty());
}

/// A model that always ends with another code is no failed stage: the run fails, and no attempt is used up.
async fn no_model(stories: &Stories, scene: &Scene) {
    let (name, id) = ("silent", "silent-1");
    stories.project(name, &plan("Silent", &[story(id)]));
    for time in 1..=3 {
        stories.answer(name, "prove", time, "echo 'not logged in' >&2; exit 9");
    }
    let run = scene.run(FUNCTION, EVENT, &start(name, id)).await;
    assert!(run.failure().contains("not logged in"), "{run:?}");
    assert_eq!(run.attempts("prove"), 3);
    assert_eq!((stories.times(name, "implement"), stories.times(name, "prove")), (1, 3));
    let events = scene.events(EVENT).await;
    assert!(
        events
            .iter()
            .all(|event| event["data"]["storyId"] != id || event["data"]["attempt"].is_null())
    );
    assert!(statuses(scene, name).is_empty() && told(scene, "story.failed", id).is_empty());
    assert_eq!(stories.pushed(name, "story/silent-1"), None);
}
