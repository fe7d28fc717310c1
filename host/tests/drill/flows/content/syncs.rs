//! Passes that bring the vault to the site. Each waits until nothing has changed for 45 s.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::{BROKEN, Content, counts};
use crate::flows::invoker::invoke;
use crate::flows::scene::{Ran, Scene};

const FUNCTION: &str = "system/content-sync";
const SCHEDULE: &str = "system/content-sync-schedule";
const EVENTS: [&str; 4] = [
    "content/updated",
    "discovery/captured",
    "system/adr.sync.requested",
    "content/seed.requested",
];
const QUIET: [&str; 5] = [
    "otel-start",
    "compare-content",
    "upsert-to-convex",
    "remove-ineligible-discoveries",
    "otel-finish",
];
const STEPS: [&str; 7] = [
    "otel-start",
    "compare-content",
    "upsert-to-convex",
    "remove-ineligible-discoveries",
    "revalidate-cache",
    "notify-gateway",
    "otel-finish",
];

/// The passes that were looked at.
type Seen = BTreeSet<String>;

pub(super) async fn play(content: &Content, scene: &Scene) -> Vec<Ran> {
    let mut seen = Seen::new();
    let (schedule, first) = first(content, scene, &mut seen).await;
    let second = second(content, scene, &mut seen).await;
    let third = third(content, scene, &mut seen).await;
    vec![schedule, first, second, third]
}

/// The next pass, whichever of the events was the last: the hour may come meanwhile.
async fn next(scene: &Scene, seen: &mut Seen) -> Ran {
    let event = crate::eventually("a pass has begun", async || {
        tokio::time::sleep(Duration::from_millis(250)).await;
        for name in EVENTS {
            for event in scene.events(name).await {
                let id = event["internal_id"].as_str().expect("an id").to_owned();
                let runs = scene.begun_by(&id).await;
                let new = |run: &Value| !seen.contains(run["run_id"].as_str().unwrap_or_default());
                if runs.iter().any(new) {
                    return Some(id);
                }
            }
        }
        None
    })
    .await;
    let run = scene.ended(FUNCTION, &event).await;
    seen.insert(run.id.clone());
    run
}

/// Four events, the last of them by the schedule, are one pass; what is wrong with two files keeps no other.
async fn first(content: &Content, scene: &Scene, seen: &mut Seen) -> (Ran, Ran) {
    content.convex.refuses(&["adr:0004-refused"]);
    let mut earlier = Vec::new();
    for name in &EVENTS[..3] {
        earlier.push(scene.send(name, &json!({"by": "drill"})).await);
    }
    let schedule = invoke(scene, "hour", SCHEDULE, &json!({"cron": "0 * * * *"})).await;
    schedule.assert_steps(&["request-content-sync"]);
    assert_eq!(scene.actions(&schedule), ["content.sync.scheduled"]);
    let of = |data: &Value| data == &json!({"source": "content-sync-schedule"});
    let asked = scene.event("content/seed.requested", of).await;
    assert!(schedule.result().as_str().is_some_and(|id| !id.is_empty()), "{schedule:?} {asked}");

    let run = next(scene, seen).await;
    run.assert_steps(&STEPS);
    for event in &earlier {
        assert!(scene.begun_by(event).await.is_empty(), "one pass for all of them");
    }
    let revalidated = ["adr:0001-one", "adrs", "discoveries", "discovery:diary", "discovery:tea"];
    let errors = run.result()["errors"].clone();
    let end = json!({
        "counts": {"adrs": counts(1, 0, 1, 0, 0), "discoveries": counts(1, 0, 0, 2, 1)},
        "changed": ["adr:0001-one", "discovery:tea"],
        "ineligible": ["discovery:diary"],
        "errors": errors,
        "removed": ["discovery:diary"],
        "revalidated": revalidated,
    });
    assert_eq!(run.result(), &end);
    let what: Vec<_> = errors.as_array().expect("errors").iter().map(|it| &it["what"]).collect();
    assert_eq!(what, [BROKEN, "docs/decisions/0004-refused.md"]);
    assert!(errors[1]["error"].to_string().contains("it is locked"), "{errors}");

    let records = content.convex.records();
    let ids: Vec<_> = records.keys().map(String::as_str).collect();
    assert_eq!(ids, ["adr:0000-gone", "adr:0001-one", "discovery:lost", "discovery:tea"]);
    let one = &records["adr:0001-one"];
    let fields = json!({
        "slug": "0001-one",
        "title": "One",
        "status": "accepted",
        "content": "Text",
        "contentHash": one["fields"]["contentHash"],
    });
    assert_eq!(
        one,
        &json!({"resourceId": "adr:0001-one", "type": "adr", "fields": fields, "searchText": "One\nText"})
    );
    assert_eq!(one["fields"]["contentHash"].as_str().map(str::len), Some(32));
    assert_eq!(records["discovery:tea"]["fields"]["title"], "Tea");
    assert_eq!(content.pages.told(), [json!(revalidated)]);
    let told = told(scene);
    let payload = json!({
        "counts": end["counts"],
        "changed": end["changed"],
        "removed": end["removed"],
        "errors": errors,
    });
    assert_eq!((told.len(), &told[0]["payload"]), (1, &payload));
    assert_eq!(scene.actions(&run), ["content.sync.started", "content.sync.finished"]);
    let record = scene.record(&run, "content.sync.finished");
    assert_eq!((&record["level"], &record["success"]), (&json!("warn"), &json!(false)));
    (schedule, run)
}

fn told(scene: &Scene) -> Vec<Value> {
    scene.told("content.synced", |_| true)
}

/// Convex is away once, and the site does not listen: what is written is written.
async fn second(content: &Content, scene: &Scene, seen: &mut Seen) -> Ran {
    std::fs::remove_file(content.vault.join(BROKEN)).expect("removed");
    content.writes("Resources/discoveries/tea.md", "# Tea\nVery good.\n");
    content.writes("Resources/discoveries/other.md", "---\ndraft: true\n---\nNot yet\n");
    content.convex.refuses(&[]);
    content.convex.is_away(1);
    content.pages.is_deaf(2);
    scene.send("discovery/captured", &json!({"by": "drill"})).await;
    let run = next(scene, seen).await;
    run.assert_steps(&STEPS);
    assert_eq!((run.attempts("compare-content"), run.attempts("revalidate-cache")), (2, 2));
    let result = run.result();
    assert_eq!(result["changed"], json!(["adr:0004-refused", "discovery:tea"]));
    let counted = json!({"adrs": counts(1, 1, 1, 0, 0), "discoveries": counts(1, 0, 1, 2, 0)});
    assert_eq!(result["counts"], counted);
    assert_eq!((&result["revalidated"], &result["removed"]), (&json!([]), &json!([])));
    let errors = result["errors"].as_array().expect("errors");
    assert_eq!((errors.len(), &errors[0]["what"]), (1, &json!("revalidate")));
    assert_eq!(content.convex.records()["discovery:tea"]["fields"]["content"], "# Tea\nVery good.");
    assert_eq!(content.convex.changes("contentResources:upsert", "adr:0001-one"), 1);
    let tags = json!(["adr:0004-refused", "adrs", "discoveries", "discovery:tea"]);
    assert_eq!(content.pages.told()[1..], [tags.clone(), tags]);
    assert_eq!(told(scene).len(), 2);
    assert_eq!(scene.record(&run, "content.revalidate")["success"], false);
    run
}

/// Nothing has changed, so nobody is told.
async fn third(content: &Content, scene: &Scene, seen: &mut Seen) -> Ran {
    let before = content.convex.records();
    scene.send("system/adr.sync.requested", &json!({"by": "drill"})).await;
    let run = next(scene, seen).await;
    run.assert_steps(&QUIET);
    let counted = json!({"adrs": counts(0, 2, 1, 0, 0), "discoveries": counts(0, 1, 1, 2, 0)});
    let end = json!({
        "counts": counted,
        "changed": [],
        "ineligible": [],
        "errors": [],
        "removed": [],
        "revalidated": [],
    });
    assert_eq!(run.result(), &end);
    assert_eq!(content.convex.records(), before);
    assert_eq!((content.pages.told().len(), told(scene).len()), (3, 2));
    assert_eq!(scene.record(&run, "content.sync.finished")["success"], true);
    run
}
