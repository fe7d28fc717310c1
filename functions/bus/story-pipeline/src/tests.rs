//! Stories, with the git of this machine and a model that the test plays.

mod chains;
mod failures;
mod site;
mod stories;

use serde_json::{Value, json};

use crate::StoryStart;
use crate::prd::{Prd, Statuses};
use crate::settings::Settings;

/// A story shall begin.
pub(crate) fn start(story: &str) -> StoryStart {
    StoryStart {
        prd_path: "prd.json".to_owned(),
        story_id: story.to_owned(),
        cwd: Some("app".to_owned()),
        attempt: 1,
        ..StoryStart::default()
    }
}

/// A plan of these stories: id, priority, what has to be done before.
pub(crate) fn plan(stories: &[(&str, i64, &[&str])]) -> Value {
    let story = |(id, priority, before): &(&str, i64, &[&str])| {
        json!({
            "id": id,
            "title": format!("make {id}"),
            "acceptance": ["it is there"],
            "priority": priority,
            "depends_on": before,
            "files": [format!("src/{id}")],
        })
    };
    json!({
        "title": "A plan",
        "context": { "test_command": "check all && check again" },
        "stories": stories.iter().map(story).collect::<Vec<_>>(),
    })
}

#[test]
fn the_sample_fits() {
    let sample: Value =
        serde_json::from_str(include_str!("../events/story-start.json")).expect("it is JSON");
    assert_eq!(sample["name"], "agent/story.start");
    let event: StoryStart = serde_json::from_value(sample["data"].clone()).expect("it fits");
    assert_eq!((event.attempt, event.story_id.as_str()), (1, "greeting"));
    // Without one it is the first attempt.
    let event: StoryStart = serde_json::from_value(json!({})).expect("it fits");
    assert_eq!(event.attempt, 1);
}

#[test]
fn the_next_story_is_ready_and_first_of_its_priority() {
    let plan = plan(&[("a", 2, &[]), ("b", 1, &["a"]), ("c", 2, &[]), ("d", 3, &["b", "c"])]);
    let prd = Prd::parse(&plan.to_string()).expect("it is a plan");
    for (kept, next) in [
        (vec![], Some("a")),
        (vec![("a", "done")], Some("b")),
        (vec![("a", "done"), ("b", "done")], Some("c")),
        (vec![("a", "blocked")], Some("c")),
        (vec![("a", "blocked"), ("c", "done")], None),
        (vec![("a", "done"), ("b", "done"), ("c", "done")], Some("d")),
        (vec![("a", "done"), ("b", "done"), ("c", "done"), ("d", "done")], None),
    ] {
        let kept: Statuses =
            kept.into_iter().map(|(id, status)| (id.to_owned(), status.to_owned())).collect();
        assert_eq!(prd.next(&kept).map(|story| story.id.as_str()), next, "{kept:?}");
    }
}

#[test]
fn what_is_no_plan_is_refused() {
    let mut shell = plan(&[("a", 1, &[])]);
    shell["context"]["lint_command"] = json!("lint | tee log");
    for text in [
        "no JSON".to_owned(),
        json!({ "name": "x", "stories": [] }).to_string(),
        json!({ "stories": [{ "id": "a", "title": "a" }] }).to_string(),
        shell.to_string(),
    ] {
        assert_eq!(Prd::parse(&text).expect_err("it is none").name(), "Invalid", "{text}");
    }
    let only_described = json!({ "description": "x", "stories": [{ "id": "a", "title": "a" }] });
    Prd::parse(&only_described.to_string()).expect("it is one");
}

#[test]
fn settings_have_defaults() {
    for (key, value, root, model, branch) in [
        ("none", "", None, "gpt-5.4", None),
        ("STORY_PIPELINE_ROOT", "/code/", Some("/code"), "gpt-5.4", None),
        ("STORY_PIPELINE_MODEL", " other ", None, "other", None),
        ("STORY_PIPELINE_MODEL", "--yolo", None, "gpt-5.4", None),
        ("STORY_PIPELINE_BRANCH", "next", None, "gpt-5.4", Some("next")),
    ] {
        let settings = Settings::of(|asked| (asked == key).then(|| value.to_owned()));
        assert_eq!(settings.root.as_deref(), root, "{key}={value}");
        assert_eq!(settings.model, model, "{key}={value}");
        assert_eq!(settings.branch.as_deref(), branch, "{key}={value}");
    }
}

#[test]
fn it_is_declared_with_two_retries() {
    let declared = <crate::story_pipeline as system_bus_sdk::Function>::DECLARATION;
    let declared = serde_json::to_value(declared).expect("it is JSON");
    assert_eq!(declared["retries"], 2);
    assert_eq!(declared["concurrency"], json!([{ "limit": 1 }]));
}
