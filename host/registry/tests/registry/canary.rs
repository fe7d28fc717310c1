//! Canaries: which runs they get, and how they end.

use std::sync::Arc;
use std::time::Duration;

use protocol::digest::Digest;
use registry::activation::Percent;
use registry::history::standing;
use registry::judge::Policy;
use registry::{Back, By, Registry, Report, Request, Seen, Verdict};

use crate::support::{Place, active, ask, component, id, new_run, reload, saying, verdicts};

/// A policy that decides after two runs.
fn hasty() -> Policy {
    Policy {
        least_runs: 1,
        promote_after: Duration::ZERO,
        promote_runs: 2,
        rare_below: 0.0,
        faults_roll_back_at: 2,
        ..Policy::default()
    }
}

/// A registry with a base that has these functions, and a canary of half of the runs with those.
async fn with_canary(
    place: &Place,
    base: &[&str],
    candidate: &[&str],
) -> (Arc<Registry>, Digest, Digest) {
    let old = place.put("one", &component(1, base));
    let mut options = place.options();
    options.policy = hasty();
    let registry = place.open_with(options, &place.folder()).await;
    reload(&registry).await;
    let new = place.put("one", &component(2, candidate));
    let report = canary(&registry, 50.0).await;
    assert_eq!(verdicts(&report), [("one", Verdict::Activated)]);
    (registry, old, new)
}

async fn canary(registry: &Registry, percent: f64) -> Report {
    let percent = Percent::try_from(percent).expect("a share");
    registry.reload(&Request { percent: Some(percent), ..ask() }).await.expect("a reload")
}

fn candidate(registry: &Registry, function: &str) -> Option<Digest> {
    let present = registry.present();
    let active = present.active(&id(function))?;
    active.canary.as_ref().map(|(version, _)| version.digest())
}

/// Who did the last thing.
fn last(registry: &Registry) -> By {
    registry.present().history().last().expect("a line").by
}

#[tokio::test]
async fn a_canary_gets_its_share_of_the_runs_that_begin() {
    let place = Place::new();
    let (registry, old, new) = with_canary(&place, &["a"], &["a"]).await;
    assert_eq!((active(&registry, "a"), candidate(&registry, "a")), (Some(old), Some(new)));
    let mut seen = [0, 0];
    for number in 0..200 {
        let run = new_run(&registry, number);
        let choice = registry.choose(&id("a"), run).await.expect("a choice");
        let is_candidate = standing(run) < 5_000;
        assert_eq!(choice.versions()[0], if is_candidate { new } else { old });
        seen[usize::from(is_candidate)] += 1;
    }
    assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
    // Asked again with the same share, nothing happens; with another one, its share grows.
    assert_eq!(canary(&registry, 50.0).await.generation.after, 2);
    assert_eq!(canary(&registry, 75.0).await.generation.after, 3);
}

#[tokio::test]
async fn a_canary_that_does_well_is_promoted_and_what_it_lacks_goes() {
    let place = Place::new();
    let (registry, old, new) = with_canary(&place, &["a", "b"], &["a"]).await;
    assert_eq!(active(&registry, "b"), Some(old));
    registry.judge_canaries().await;
    assert_eq!(registry.present().number(), 2, "nothing was seen yet");
    for number in 0..2 {
        let run = new_run(&registry, number);
        registry.tallies().seen(&id("a"), new, run, 0, Seen::Ran);
    }
    assert_eq!(registry.tallies().canary_runs(&id("a")), 2);
    registry.judge_canaries().await;
    assert_eq!((registry.present().number(), last(&registry)), (3, By::Promotion));
    assert_eq!((active(&registry, "a"), candidate(&registry, "a")), (Some(new), None));
    assert_eq!(active(&registry, "b"), None);
    // It is what is in the folder.
    assert_eq!(verdicts(&reload(&registry).await), [("one", Verdict::Unchanged)]);
}

#[tokio::test]
async fn a_canary_that_does_badly_goes_and_is_not_taken_up_again() {
    let place = Place::new();
    let (registry, old, new) = with_canary(&place, &["a"], &["a"]).await;
    for number in 0..2 {
        let run = new_run(&registry, number);
        registry.tallies().seen(&id("a"), new, run, 0, Seen::Fault);
    }
    // Runs from before the canary say nothing about it.
    let early = crate::support::run_at(1, 1);
    registry.tallies().seen(&id("a"), new, early, 0, Seen::Fault);
    assert_eq!(registry.tallies().canary_runs(&id("a")), 2);
    registry.judge_canaries().await;
    assert_eq!((registry.present().number(), last(&registry)), (3, By::Judgement));
    assert_eq!((active(&registry, "a"), candidate(&registry, "a")), (Some(old), None));
    assert_eq!(verdicts(&reload(&registry).await), [("one", Verdict::RolledBack)]);
    assert_eq!(registry.present().number(), 3);
}

#[tokio::test]
async fn a_reload_that_names_no_share_leaves_a_canary_as_it_is() {
    let place = Place::new();
    let (registry, old, new) = with_canary(&place, &["a"], &["a"]).await;
    place.put("other", &component(1, &["b"]));
    let report = reload(&registry).await;
    let expected = [("one", Verdict::Unchanged), ("other", Verdict::Activated)];
    assert_eq!(verdicts(&report), expected);
    assert_eq!((active(&registry, "a"), candidate(&registry, "a")), (Some(old), Some(new)));
    // Whoever means it names it.
    let report = canary(&registry, 100.0).await;
    assert_eq!(verdicts(&report)[0], ("one", Verdict::Activated));
    assert_eq!((active(&registry, "a"), candidate(&registry, "a")), (Some(new), None));
}

#[tokio::test]
async fn a_canary_cannot_move_a_function_to_another_app() {
    let place = Place::new();
    let function = |role: &str| {
        saying(&format!(r#"{{"functions":[{{"id":"a",{role}"triggers":[{{"event":"t/x"}}]}}]}}"#))
    };
    let old = place.put("one", &function(r#""role":"host","#));
    let registry = place.open().await;
    reload(&registry).await;
    let new = place.put("one", &function(""));
    let report = canary(&registry, 50.0).await;
    assert_eq!(verdicts(&report), [("one", Verdict::CarriedOver)]);
    let reason = report.components[0].reason.as_deref().expect("a reason");
    assert!(reason.contains("it moves a from host to cluster"), "{reason}");
    assert_eq!((active(&registry, "a"), candidate(&registry, "a")), (Some(old), None));
    assert_eq!(verdicts(&reload(&registry).await), [("one", Verdict::Activated)]);
    assert_eq!(active(&registry, "a"), Some(new));
}

#[tokio::test]
async fn what_other_workers_and_earlier_starts_have_counted_counts() {
    let place = Place::new();
    let (registry, _old, new) = with_canary(&place, &["a"], &["a"]).await;
    let other = place.open_with(registry_options(&place), &place.folder()).await;
    let (one, two) = (new_run(&registry, 1), new_run(&registry, 2));
    // One run of two calls, in two workers, is one run.
    registry.tallies().seen(&id("a"), new, one, 0, Seen::Ran);
    other.tallies().seen(&id("a"), new, one, 0, Seen::Ran);
    registry.judge_canaries().await;
    other.judge_canaries().await;
    assert_eq!((last(&other), other.tallies().canary_runs(&id("a"))), (By::Reload, 1));
    // The first worker ends, and one that begins then takes its place.
    drop(registry);
    let next = place.open_with(registry_options(&place), &place.folder()).await;
    next.tallies().seen(&id("a"), new, two, 0, Seen::Ran);
    next.judge_canaries().await;
    assert_eq!((next.present().number(), last(&next)), (3, By::Promotion));
    // Nothing is left of it.
    next.judge_canaries().await;
    other.adopt().await;
    other.judge_canaries().await;
}

fn registry_options(place: &Place) -> registry::RegistryOptions {
    registry::RegistryOptions { policy: hasty(), ..place.options() }
}

#[tokio::test]
async fn a_person_ends_a_canary() {
    let place = Place::new();
    let (registry, old, new) = with_canary(&place, &["a"], &["a"]).await;
    let run =
        (0..1_000).map(|number| new_run(&registry, number)).find(|run| standing(*run) < 5_000);
    let back = Back { function: Some(id("a")), ..Back::default() };
    let report = registry.roll_back(&back).await.expect("a rollback");
    assert_eq!(report.components[0].digest, Some(old));
    assert_eq!((last(&registry), candidate(&registry, "a")), (By::Rollback, None));
    // A run that began with it moves to the base where it fits, else stays.
    let choice = registry.choose(&id("a"), run.expect("a run")).await.expect("a choice");
    assert_eq!(choice.versions(), [old, new]);
}

#[tokio::test]
async fn a_file_that_is_put_back_ends_its_canary() {
    let place = Place::new();
    let (registry, old, _) = with_canary(&place, &["a"], &["a"]).await;
    place.put("one", &component(1, &["a"]));
    assert_eq!(reload(&registry).await.generation.after, 3);
    assert_eq!((active(&registry, "a"), candidate(&registry, "a")), (Some(old), None));
}

#[tokio::test]
async fn a_function_that_is_new_in_a_canary_has_all_of_its_runs() {
    let place = Place::new();
    let (registry, old, new) = with_canary(&place, &["a"], &["a", "b"]).await;
    assert_eq!((active(&registry, "a"), active(&registry, "b")), (Some(old), Some(new)));
    assert_eq!(candidate(&registry, "b"), None);
    // It goes with the canary.
    registry.roll_back(&Back::default()).await.expect("a rollback");
    assert_eq!((active(&registry, "a"), active(&registry, "b")), (Some(old), None));
}
