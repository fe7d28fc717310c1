//! Channels of which nothing is taken in, or not at once.

use serde_json::json;

use super::{Backfill, backfilled, channel, steps};
use crate::flows::scene::{Ran, Scene};

pub(super) async fn play(backfill: &Backfill, scene: &Scene) -> Vec<Ran> {
    let (invalid, gone, again, down) = tokio::join!(
        invalid(scene),
        gone(backfill, scene),
        again(backfill, scene),
        down(backfill, scene)
    );
    [invalid, vec![gone, again, down]].concat()
}

/// Panics unless it failed, with these steps, and recorded that once.
fn assert_failed(scene: &Scene, run: &Ran, why: &str, steps: &[&str]) {
    assert!(run.failure().contains(why), "{why}: {run:?}");
    run.assert_steps(steps);
    let record = scene.record(run, "channel.slack.backfill.failed");
    assert!(record["error"].to_string().contains(why), "{record}");
}

async fn invalid(scene: &Scene) -> Vec<Ran> {
    let mut nameless = channel(" ", "x");
    nameless["channelId"] = json!("  ");
    let nameless = backfilled(scene, &nameless).await;
    assert_failed(scene, &nameless, "needs channelId and channelName", &[]);
    let mut backwards = channel("C-TEA", "cc-tea");
    backwards["oldestTs"] = json!("9001");
    let backwards = backfilled(scene, &backwards).await;
    assert_failed(scene, &backwards, "oldestTs has to be before latestTs", &["resolve-time-range"]);
    assert_eq!(backwards.attempts("resolve-time-range"), 1);
    vec![nameless, backwards]
}

/// What Slack refuses for good is not asked again.
async fn gone(backfill: &Backfill, scene: &Scene) -> Ran {
    let run = backfilled(scene, &channel("gone", "gone")).await;
    let before = [&steps(&[])[..4], &["fetch-history-page[1]"]].concat();
    assert_failed(scene, &run, "channel_not_found", &before);
    assert_eq!(backfill.slack.asked("conversations.history", "gone").len(), 1);
    assert!(backfill.index.documents("gone").is_empty());
    run
}

async fn again(backfill: &Backfill, scene: &Scene) -> Ran {
    let run = backfilled(scene, &channel("broken", "other")).await;
    run.result();
    run.assert_steps(&steps(&["fetch-history-page[1]", "process-history-page[1]"]));
    assert_eq!(run.attempts("fetch-history-page[1]"), 2);
    assert_eq!(backfill.index.documents("broken").len(), 1);
    run
}

async fn down(backfill: &Backfill, scene: &Scene) -> Ran {
    let run = backfilled(scene, &channel("down", "other")).await;
    let before = [&steps(&[])[..4], &["fetch-history-page[1]"]].concat();
    assert_failed(scene, &run, "503", &before);
    assert_eq!(backfill.slack.asked("conversations.history", "down").len(), 4);
    run
}
