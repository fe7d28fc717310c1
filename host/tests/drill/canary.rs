//! A canary that fails in three of ten runs goes back by itself; one that does well becomes the version for all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use protocol::digest::Digest;

use crate::clone::Artifact;
use crate::stage::{self, Asked, COMPONENT, MOVING, Stage};
use crate::{Figures, Size};

/// The share of the runs that begin with a canary.
const PERCENT: u32 = 30;

/// What became of a canary.
struct Judged {
    took: Duration,
    runs: Vec<Asked>,
    /// The last line of the log about the function.
    line: serde_json::Value,
}

pub(crate) async fn drill(size: Size) -> Vec<String> {
    let mut stage = Stage::start().await;
    let policy = policy(&stage);
    stage.worker(&["--policy", &policy, "--log", "off"]).await;
    let pause = Duration::from_millis(size.pick(10, 40));
    let first = stage::first();

    let bad = Artifact::read(guests::VERSIONED_FLAKY);
    let bad_judged = judged(&stage, "bad", &bad, &first, pause).await;
    let good = stage::same_as_first("2");
    let good_judged = judged(&stage, "good", &good, &good, pause).await;

    let saw = |judged: &Judged, step: &str| {
        judged.runs.iter().filter(|run| stage.counter.counts(&run.name).contains_key(step)).count()
    };
    let (began_bad, saw_bad) = (saw(&bad_judged, "flaky.one"), saw(&bad_judged, "flaky.two"));
    let failed_bad: usize = bad_judged
        .runs
        .iter()
        .filter(|run| {
            let counts = stage.counter.counts(&run.name);
            let attempts: u32 =
                ["flaky.two", "1.two"].iter().filter_map(|of| counts.get(*of)).sum();
            attempts > 1
        })
        .count();
    let began_good = saw(&good_judged, "2.one");
    let mut ended = stage.ended(&bad_judged.runs).await;
    ended.extend(stage.ended(&good_judged.runs).await);
    let completed = ended.iter().filter(|ended| ended.status == "Completed").count();

    let mut figures = Figures::of("canary: one that fails, and one that does well");
    figures.add("share of the runs that begin with it", format!("{PERCENT} %"));
    figures.add("bad: runs that began while it was there", bad_judged.runs.len());
    figures.add("bad: of which began with it", began_bad);
    figures.add("bad: of which ran its second step", saw_bad);
    figures.add("bad: of which it failed", failed_bad);
    figures.add("bad: rolled back after", format!("{:.2?}", bad_judged.took));
    figures.add("bad: the log says", why(&bad_judged));
    figures.add("good: runs that began while it was there", good_judged.runs.len());
    figures.add("good: of which began with it", began_good);
    figures.add("good: promoted after", format!("{:.2?}", good_judged.took));
    figures.add("good: the log says", why(&good_judged));
    figures.add("runs completed", format!("{completed} of {}", ended.len()));
    figures.print();

    let mut short = Vec::new();
    let mut must = |holds: bool, otherwise: String| {
        if !holds {
            short.push(format!("canary: {otherwise}"));
        }
    };
    must(
        bad_judged.line["by"] == "judgement",
        format!("the worker itself goes back: {}", bad_judged.line),
    );
    must(
        good_judged.line["by"] == "promotion",
        format!("the worker itself promotes: {}", good_judged.line),
    );
    // A share of 30 %, of at least some dozens of runs: twice that is not chance.
    let fair = bad_judged.runs.len() * 6 / 10;
    must(began_bad <= fair.max(10), format!("{began_bad} runs began with the bad version"));
    must(began_good > 0, "no run began with the good version while it was a canary".to_owned());
    must(failed_bad > 0, "no run failed, so nothing was shown".to_owned());
    must(
        began_bad < bad_judged.runs.len(),
        "every run began with the bad version, not a share".to_owned(),
    );
    must(completed == ended.len(), format!("only {completed} of {} completed", ended.len()));
    short
}

/// What the log says about the judgement.
fn why(judged: &Judged) -> &str {
    judged.line["why"].as_str().unwrap_or_default()
}

/// Deploys a version for a share of the runs, and asks for runs until it is judged: until new runs all begin with `then`
/// again. Runs that are under way when that happens are among those that are answered with.
async fn judged(
    stage: &Stage,
    name: &str,
    canary: &Artifact,
    then: &Artifact,
    pause: Duration,
) -> Judged {
    stage.place(canary);
    let reloaded = stage.admin(0).reload(&format!("percent={PERCENT}")).await;
    let verdict = reloaded.verdicts.get(COMPONENT).map(String::as_str);
    assert_eq!(verdict, Some("activated"), "{}", reloaded.body);
    let lines = stage.folders.activations().len();
    let began = Instant::now();

    let (over, count) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(0));
    let asking = async {
        let mut runs = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let n = count.fetch_add(1, Ordering::Relaxed);
            runs.push(stage.ask(MOVING, &format!("{name}-{n}"), 10).await);
            tokio::time::sleep(pause).await;
        }
        runs
    };
    let watching = async {
        let digest = Digest::of(then.bytes()).to_string();
        let admin = stage.admin(0);
        crate::eventually("the canary is judged", async || {
            let function = admin.function(MOVING).await;
            (function["canary"].is_null() && function["digest"] == digest).then_some(())
        })
        .await;
        over.store(true, Ordering::Relaxed);
        began.elapsed()
    };
    let (runs, took) = tokio::join!(asking, watching);
    let line = stage.folders.activations().split_off(lines);
    let line = line.into_iter().find(|line| line["function"] == MOVING).unwrap_or_default();
    Judged { took, runs, line }
}

/// The rules as they are by default, but for the times: a drill has no ten minutes.
fn policy(stage: &Stage) -> String {
    let rules = "[canary]\npromote_after = \"5s\"\npromote_runs = 30\n";
    stage.folders.file("policy.toml", rules).to_string_lossy().into_owned()
}
