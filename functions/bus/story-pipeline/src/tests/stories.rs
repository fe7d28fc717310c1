use system_bus_testing::Kit;

use super::site::{Site, content, stage};
use super::{plan, start};
use crate::{Outcome, story_pipeline};

#[system_bus_sdk::test(crash = "everywhere")]
fn a_story_passes_and_only_its_files_are_committed(kit: &mut Kit) {
    let site = Site::new(&plan(&[("one", 1, &[])]), content);
    let run = kit.run::<story_pipeline>(start("one"));
    run.assert_steps([
        "load-prd",
        "gateway-progress-story-start[one-attempt-1]",
        "get-pre-sha",
        "gateway-progress-implement-start[1]",
        "implement",
        "gateway-progress-implement-done[1]",
        "gateway-progress-check-and-commit-start[1]",
        "check-and-commit",
        "gateway-progress-check-and-commit-done[1]",
        "gateway-progress-prove-start[1]",
        "prove",
        "gateway-progress-prove-done[1]",
        "gateway-progress-judge-start[1]",
        "judge",
        "record-story-done",
        "push",
        "gateway-notify-story-passed[one]",
    ]);
    let end: Outcome = run.output();
    assert_eq!((end.status.as_str(), end.next), ("passed", None));
    assert_eq!(site.status("one").as_deref(), Some("done"));

    assert_eq!(site.git("app", &["log", "--format=%s"]), "feat(one): make one\nfirst");
    assert_eq!(
        site.git("app", &["ls-tree", "-r", "--name-only", "HEAD"]),
        "src/a.rs\nsrc/one/work.rs"
    );
    // What was somebody's, and what the model left beside its story, is where it was.
    assert_eq!(site.git("app", &["status", "--porcelain"]), "?? notes.txt\n?? src/mine.rs");
    let sha = site.git("app", &["rev-parse", "HEAD"]);
    assert_eq!(end.sha.as_deref(), Some(sha.as_str()));
    assert_eq!(site.git("origin.git", &["branch", "--format=%(refname:short)"]), "story/one");

    let heard = site.world.heard();
    let last = heard.last().expect("it was told");
    assert_eq!(last.kind, "story.passed");
    assert_eq!(last.payload["intent"], "pipeline.outcome");
    assert_eq!(last.payload["operator_action_required"], false);
    assert_eq!(heard[0].payload["intent"], "pipeline.lifecycle");
    assert_eq!(
        site.world.actions(),
        ["story.implemented", "story.committed", "story.proved", "story.passed"]
    );
}

#[system_bus_sdk::test]
fn the_model_is_asked_as_it_expects(kit: &mut Kit) {
    let mut told = plan(&[("one", 1, &[])]);
    told["context"]["codex_timeout_seconds"] = 90.into();
    let site = Site::new(&told, content);
    kit.config("STORY_PIPELINE_MODEL", "some-model");
    kit.run::<story_pipeline>(start("one"));
    let ran = site.world.ran();
    let asked: Vec<_> = ran.iter().filter(|program| program.name() == "codex").collect();
    let stages: Vec<_> = asked.iter().map(|program| stage(program)).collect();
    assert_eq!(stages, ["implement", "prove", "judge"]);
    for (program, sandbox) in
        asked.iter().zip([None, Some("danger-full-access"), Some("read-only")])
    {
        let arguments = program.arguments();
        assert_eq!(arguments[..4], ["exec", "--full-auto", "-m", "some-model"]);
        let given = (arguments[4] == "--sandbox").then(|| arguments[5].as_str());
        assert_eq!(given, sandbox);
        assert_eq!(program.place(), Some(("repositories", "app")));
        assert_eq!(program.time().map(|time| time.as_secs()), Some(90));
        let variables = program.variables();
        assert!(variables.contains(&("CI".to_owned(), "true".to_owned())), "{variables:?}");
        assert!(variables.contains(&("TERM".to_owned(), "dumb".to_owned())), "{variables:?}");
    }
    let schema = site.world.content("tmp", "story-pipeline-judge.schema.json");
    assert!(schema.expect("it was written").contains("criteria_evaluation"));
    let judged = asked[2].arguments().last().expect("a prompt");
    assert!(judged.contains("+0") && judged.contains("src/one/work.rs"), "{judged}");
}

#[system_bus_sdk::test]
fn the_checks_are_those_of_the_plan_and_come_before_the_commit(kit: &mut Kit) {
    let mut told = plan(&[("one", 1, &[])]);
    told["context"]["typecheck_command"] = "check types".into();
    told["context"]["lint_command"] = "check 'all of it'".into();
    let site = Site::new(&told, content);
    kit.run::<story_pipeline>(start("one"));
    let lines = site.world.lines();
    let checks: Vec<_> = lines.iter().filter(|line| line.starts_with("check")).collect();
    assert_eq!(checks, ["check types", "check all of it", "check all", "check again"]);
    let place = |start: &str| lines.iter().position(|line| line.starts_with(start));
    assert!(place("check again") < place("git commit"));
    assert!(place("git commit") < place("git push"));
    for line in &lines {
        assert!(
            !line.contains("bunx") && !line.contains("biome") && !line.contains("main"),
            "{line}"
        );
    }
}

#[system_bus_sdk::test]
fn without_named_files_those_are_the_storys_that_nobody_had_changed(kit: &mut Kit) {
    let mut told = plan(&[("one", 1, &[])]);
    told["stories"][0]["files"] = serde_json::json!([]);
    let site = Site::new(&told, content);
    assert_eq!(kit.run::<story_pipeline>(start("one")).output::<Outcome>().status, "passed");
    assert_eq!(site.git("app", &["status", "--porcelain"]), "?? src/mine.rs");
}

#[system_bus_sdk::test]
fn a_story_that_is_done_is_skipped(kit: &mut Kit) {
    let mut told = plan(&[("one", 1, &[])]);
    told["stories"][0]["status"] = "done".into();
    let site = Site::new(&told, content);
    let run = kit.run::<story_pipeline>(start("one"));
    assert_eq!(run.output::<Outcome>().status, "skipped");
    run.assert_steps(["load-prd"]);
    assert_eq!(site.asked("implement"), 0);
    assert_eq!(site.world.actions(), ["story.skipped"]);
}

#[system_bus_sdk::test]
fn a_gateway_that_is_away_fails_nothing(kit: &mut Kit) {
    let site = Site::new(&plan(&[("one", 1, &[])]), content);
    site.world.gateway_down();
    assert_eq!(kit.run::<story_pipeline>(start("one")).output::<Outcome>().status, "passed");
}
