use serde_json::json;
use system_bus_testing::Kit;

use super::site::{Site, content};
use super::{plan, start};
use crate::{Outcome, StoryStart, story_pipeline};

#[system_bus_sdk::test]
fn two_stories_follow_each_other_once_and_not_for_ever(kit: &mut Kit) {
    let site = Site::new(
        &plan(&[("one", 1, &[]), ("two", 1, &[]), ("three", 2, &["one", "two"])]),
        content,
    );
    kit.run::<story_pipeline>(start("one"));
    kit.until_waiting();
    let runs = kit.runs::<story_pipeline>();
    let ends: Vec<Outcome> = runs.iter().map(system_bus_testing::Run::output).collect();
    let passed: Vec<_> =
        ends.iter().map(|end| (end.story_id.as_str(), end.status.as_str())).collect();
    assert_eq!(passed, [("one", "passed"), ("two", "passed"), ("three", "passed")]);
    assert_eq!(ends[2].next, None);
    assert_eq!(site.asked("implement"), 3);
    let next = kit.sent::<StoryStart>();
    assert_eq!(next.len(), 2);
    assert!(next.iter().all(|event| event.attempt == 1 && event.base.is_none()));
    assert!(next.iter().all(|event| event.prd_path == "prd.json"));
}

#[system_bus_sdk::test]
fn a_story_that_never_passes_is_tried_three_times_and_then_blocked(kit: &mut Kit) {
    fn strict(stage: &str, before: usize) -> String {
        match stage {
            "judge" => json!({
                "verdict": "FAIL",
                "feedback": format!("judgment {before}"),
                "retry_guidance": ["look again"],
            })
            .to_string(),
            other => content(other, before),
        }
    }
    let site = Site::new(&plan(&[("one", 1, &[])]), strict);
    let first = site.git("app", &["rev-parse", "HEAD"]);
    kit.run::<story_pipeline>(start("one"));
    kit.until_waiting();
    let runs = kit.runs::<story_pipeline>();
    let ends: Vec<Outcome> = runs.iter().map(system_bus_testing::Run::output).collect();
    let seen: Vec<_> = ends.iter().map(|end| (end.attempt, end.status.as_str())).collect();
    assert_eq!(seen, [(1, "retrying"), (2, "retrying"), (3, "retrying"), (4, "blocked")]);
    assert_eq!(site.asked("implement"), 3);
    assert_eq!(site.status("one").as_deref(), Some("blocked"));

    let again = kit.sent::<StoryStart>();
    assert_eq!(again.iter().map(|event| event.attempt).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(again[0].judgment.as_deref(), Some("judgment 0\n- look again"));
    // Each attempt is judged by all of the story's work.
    assert!(again.iter().all(|event| event.base.as_ref().is_some_and(|base| base.sha == first)));
    let ran = site.world.ran();
    let prompts: Vec<_> = ran.iter().filter(|program| program.name() == "codex").collect();
    assert!(prompts[3].arguments().last().expect("a prompt").contains("judgment 0"));

    let kinds = site.world.kinds();
    assert_eq!(kinds.iter().filter(|kind| *kind == "story.failed").count(), 3);
    let heard = site.world.heard();
    let last = heard.last().expect("it was told");
    assert_eq!(last.kind, "story.blocked");
    assert_eq!(last.payload["operator_action_required"], true);
    assert_eq!(last.payload["judgment"], "judgment 2\n- look again");
    // Nothing that did not pass leaves this machine.
    assert_eq!(site.git("origin.git", &["branch"]), "");
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_story_that_is_blocked_is_told_once(kit: &mut Kit) {
    let site = Site::new(&plan(&[("one", 1, &[])]), content);
    let event = StoryStart { attempt: 4, judgment: Some("no".to_owned()), ..start("one") };
    let run = kit.run::<story_pipeline>(event);
    run.assert_steps(["load-prd", "record-story-blocked", "gateway-notify-story-blocked[one]"]);
    assert_eq!(run.output::<Outcome>().status, "blocked");
    assert_eq!(site.world.kinds(), ["story.blocked"]);
    assert_eq!(site.world.actions(), ["story.blocked!"]);
}
