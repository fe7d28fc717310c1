//! The scenes.

use std::time::{Duration, Instant};

use super::Found;
use super::runs::{AFTER, BEFORE, Runs};
use crate::clone::Artifact;
use crate::stage::{self, MOVING, STAYING, Stage};

/// A stage with so many workers. One is called over HTTP; several connect, so that each takes a share of the calls.
async fn stage(workers: usize) -> Stage {
    let mut stage = Stage::start().await;
    for n in 0..workers {
        let instance = format!("worker-{n}");
        let connect = ["--transport", "connect", "--instance-id", &instance];
        stage.worker(if workers == 1 { &[] } else { &connect }).await;
    }
    stage
}

/// Deploys these versions and then the first one again, so that all are compiled; how long one takes that is.
async fn rehearse(stage: &Stage, versions: &[Artifact]) -> Duration {
    for version in versions {
        stage.deploy(version).await;
    }
    let began = Instant::now();
    stage.deploy(&stage::first()).await;
    began.elapsed()
}

/// A sleep that lasts until so many runs were asked for and so many versions deployed, each of which takes that long.
fn nap(runs: usize, versions: usize, each: Duration) -> u128 {
    let times = |time: Duration, count: usize| time * u32::try_from(count).unwrap_or(u32::MAX);
    let asking = times(Duration::from_millis(40), runs);
    (Duration::from_secs(6) + asking + 4 * times(each, versions)).as_millis()
}

/// Runs in both modes sleep while this is deployed; none must wake before.
async fn deploy_meanwhile(
    stage: &Stage,
    runs: usize,
    versions: &[Artifact],
    found: &mut Found,
) -> [Runs; 2] {
    let each = rehearse(stage, versions).await;
    let nap_ms = nap(2 * runs, versions.len(), each);
    let began = Instant::now();
    let both = [
        Runs::ask(stage, MOVING, runs, nap_ms).await,
        Runs::ask(stage, STAYING, runs, nap_ms).await,
    ];
    for runs in &both {
        runs.reached(stage, "1.two").await;
    }
    found.measured("all sleep after", format!("{:.1?}", began.elapsed()));
    for version in versions {
        stage.deploy(version).await;
    }
    found.measured("versions deployed meanwhile", versions.len());
    found.measured("all deployed after", format!("{:.1?}", began.elapsed()));
    let awake = stage.counter.total() != u32::try_from(2 * 2 * runs).expect("few");
    found.must(!awake, || {
        format!("runs woke before all was deployed: {nap_ms} ms of sleep are too few here")
    });
    both
}

/// The steps of a run that began with the first version and woke up in this one.
fn steps(then: &str) -> Vec<(&str, &'static str)> {
    let before = BEFORE.map(|step| ("1", step));
    before.into_iter().chain(AFTER.map(|step| (then, step))).collect()
}

/// The first generation fits, the ones after it do not: a step renamed, removed, moved, with another result, inserted.
pub(super) async fn five_generations(workers: usize, runs: usize) -> Found {
    let mut found = Found::default();
    let stage = stage(workers).await;
    let versions = [
        stage::same_as_first("2"),
        Artifact::read(guests::VERSIONED_RENAMED),
        Artifact::read(guests::VERSIONED_REMOVED),
        Artifact::read(guests::VERSIONED_SWAPPED),
        Artifact::read(guests::VERSIONED_RETYPED),
        Artifact::read(guests::VERSIONED_INSERTED),
    ];
    let [moving, staying] = deploy_meanwhile(&stage, runs, &versions, &mut found).await;
    moving.must_end(&stage, &steps("2"), None, &mut found).await;
    staying.must_end(&stage, &steps("1"), None, &mut found).await;
    found
}

/// A step that comes after all that has happened is no reason to stay.
pub(super) async fn a_step_more(runs: usize) -> Found {
    let mut found = Found::default();
    let stage = stage(1).await;
    let versions = [Artifact::read(guests::VERSIONED_APPENDED)];
    let [moving, staying] = deploy_meanwhile(&stage, runs, &versions, &mut found).await;
    let mut longer = steps("appended");
    longer.push(("appended", "six"));
    moving.must_end(&stage, &longer, None, &mut found).await;
    staying.must_end(&stage, &steps("1"), None, &mut found).await;
    found
}

/// A step that was renamed keeps runs where they are, until a version says what it was called before.
pub(super) async fn a_name_known(runs: usize) -> Found {
    let mut found = Found::default();
    let stage = stage(1).await;
    let versions = [guests::VERSIONED_RENAMED, guests::VERSIONED_ALIAS].map(Artifact::read);
    let [moving, staying] = deploy_meanwhile(&stage, runs, &versions, &mut found).await;
    moving.must_end(&stage, &steps("alias"), None, &mut found).await;
    staying.must_end(&stage, &steps("1"), None, &mut found).await;
    found
}

/// Runs that retry because of a bug go on with the version that has it no more (R25).
pub(super) async fn mended(runs: usize) -> Found {
    let mut found = Found::default();
    let stage = stage(1).await;
    stage.deploy(&Artifact::read(guests::VERSIONED_BUG)).await;
    let retrying = Runs::ask(&stage, MOVING, runs, 10).await;
    retrying.reached(&stage, "bug.three").await;
    stage.deploy(&stage::same_as_first("mended")).await;
    let began = Instant::now();
    let before = BEFORE.map(|step| ("bug", step));
    let steps: Vec<_> = before.into_iter().chain(AFTER.map(|step| ("mended", step))).collect();
    retrying.must_end(&stage, &steps, Some("bug.three"), &mut found).await;
    found.measured("all ended after the repair", format!("{:.1?}", began.elapsed()));
    found
}
