use outside::testing::{ended, said};
use serde_json::json;
use system_bus_testing::{Kit, RunStatus};

use super::site::{Site, content};
use super::{plan, start};
use crate::{Outcome, StoryStart, story_pipeline};

fn retried(kit: &Kit) -> (String, StoryStart) {
    let runs = kit.runs::<story_pipeline>();
    let last = runs[0].step_names().last().map(|step| (*step).to_owned());
    let event = kit.sent::<StoryStart>().into_iter().next();
    (last.expect("a step"), event.expect("it is tried again"))
}

#[system_bus_sdk::test]
fn a_report_without_its_form_is_asked_for_once_more(kit: &mut Kit) {
    fn chatty(stage: &str, before: usize) -> String {
        if stage == "prove" && before == 0 {
            "It went well.".to_owned()
        } else {
            content(stage, before)
        }
    }
    let site = Site::new(&plan(&[("one", 1, &[])]), chatty);
    let run = kit.run::<story_pipeline>(start("one"));
    assert_eq!(run.output::<Outcome>().status, "passed");
    assert_eq!(site.asked("prove"), 2);
    let ran = site.world.ran();
    let repair = ran.iter().filter(|program| program.name() == "codex").nth(2).expect("a repair");
    assert!(repair.arguments().last().expect("a prompt").ends_with("\n\nIt went well."));
}

#[system_bus_sdk::test]
fn a_stage_without_a_report_has_failed_and_says_its_last_words(kit: &mut Kit) {
    fn mute(stage: &str, before: usize) -> String {
        if stage == "implement" { "x".repeat(5_000) } else { content(stage, before) }
    }
    let site = Site::new(&plan(&[("one", 1, &[])]), mute);
    let run = kit.start::<story_pipeline>(start("one"));
    kit.until_waiting();
    assert_eq!(kit.look(run).output::<Outcome>().status, "retrying");
    let (step, event) = retried(kit);
    assert_eq!(step, "retry-story-implement");
    assert_eq!(event.judgment.expect("it has one").len(), 4_000);
    // Three attempts, each with one repair.
    assert_eq!(site.asked("implement"), 6);
    assert!(site.world.actions().contains(&"story.stage!".to_owned()));
}

#[system_bus_sdk::test]
fn a_check_that_fails_commits_nothing_and_is_told_to_the_next_attempt(kit: &mut Kit) {
    let mut told = plan(&[("one", 1, &[])]);
    told["context"]["lint_command"] = json!("lint all");
    let site = Site::new(&told, content);
    kit.run::<story_pipeline>(start("one"));
    let (step, event) = retried(kit);
    assert_eq!(step, "retry-story-check-and-commit");
    let judgment = event.judgment.expect("it has one");
    assert!(judgment.starts_with("`lint all` ended with the code 127"), "{judgment}");
    assert_eq!(site.git("app", &["log", "--format=%s"]), "first");
}

#[system_bus_sdk::test]
fn a_model_that_is_blocked_says_why(kit: &mut Kit) {
    fn blocked(stage: &str, before: usize) -> String {
        match stage {
            "implement" => json!({ "status": "blocked", "summary": "no key" }).to_string(),
            other => content(other, before),
        }
    }
    let _site = Site::new(&plan(&[("one", 1, &[])]), blocked);
    kit.run::<story_pipeline>(start("one"));
    assert_eq!(retried(kit).1.judgment.as_deref(), Some("blocked: no key"));
}

#[system_bus_sdk::test]
fn what_is_not_proved_does_not_pass_whatever_the_judge_says(kit: &mut Kit) {
    fn unproved(stage: &str, before: usize) -> String {
        match stage {
            "prove" => json!({ "overall_pass": false, "summary": "a test fails" }).to_string(),
            other => content(other, before),
        }
    }
    let site = Site::new(&plan(&[("one", 1, &[])]), unproved);
    let run = kit.run::<story_pipeline>(start("one"));
    assert_eq!(run.output::<Outcome>().status, "retrying");
    assert_eq!(retried(kit).0, "retry-story");
    assert_ne!(site.status("one").as_deref(), Some("done"));
}

#[system_bus_sdk::test]
fn a_model_that_commits_somebody_elses_files_has_failed(kit: &mut Kit) {
    let site = Site::new(&plan(&[("one", 1, &[])]), content);
    let run = kit.start::<story_pipeline>(StoryStart {
        base: Some(crate::Base {
            sha: site.git("app", &["rev-parse", "HEAD"]),
            changed: vec!["src/mine.rs".to_owned()],
        }),
        ..{
            site.git("app", &["add", "-A"]);
            site.git("app", &["commit", "-q", "-m", "all of it"]);
            start("one")
        }
    });
    kit.until_waiting();
    let end: Outcome = kit.look(run).output();
    assert!(end.reason.expect("it has one").contains("src/mine.rs"));
    assert_eq!(retried(kit).0, "retry-story-check-and-commit");
}

#[system_bus_sdk::test]
fn a_program_that_fails_is_run_three_times_and_the_run_fails(kit: &mut Kit) {
    let site = Site::new(&plan(&[("one", 1, &[])]), content);
    site.world.programs(|program| match program.name() {
        "git" => said("abc"),
        _ => ended("codex", 1, "no quota"),
    });
    let run = kit.run::<story_pipeline>(start("one"));
    assert_eq!(run.status, RunStatus::Failed);
    assert!(run.error().message().contains("no quota"));
    assert_eq!(run.attempts("implement"), 3);
    assert!(kit.sent::<StoryStart>().is_empty());
}

#[system_bus_sdk::test]
fn without_redis_no_story_begins(kit: &mut Kit) {
    let site = Site::new(&plan(&[("one", 1, &[])]), content);
    site.world.redis_down();
    let run = kit.run::<story_pipeline>(start("one"));
    assert_eq!(run.error().name(), "CapabilityUnavailable");
    assert_eq!(site.asked("implement"), 0);
}

#[system_bus_sdk::test]
fn what_cannot_be_begun_fails_at_once(kit: &mut Kit) {
    let site = Site::new(&plan(&[("one", 1, &[])]), content);
    for event in [
        StoryStart { story_id: String::new(), ..start("one") },
        StoryStart { prd_path: String::new(), ..start("one") },
        StoryStart { story_id: "../x".to_owned(), ..start("one") },
        StoryStart { cwd: Some("../app".to_owned()), ..start("one") },
        start("nobody"),
    ] {
        let run = kit.run::<story_pipeline>(event.clone());
        assert_eq!(run.error().name(), "Invalid", "{event:?}");
    }
    let run =
        kit.run::<story_pipeline>(StoryStart { prd_path: "gone.json".to_owned(), ..start("one") });
    assert_eq!(run.error().name(), "CapabilityMissing");
    assert_eq!(run.attempts("load-prd"), 1);
    assert!(site.world.ran().is_empty());
}
