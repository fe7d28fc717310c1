//! Comparing the vault with the site, and removing what is on the site alone.

use serde_json::{Value, json};

use super::{BROKEN, Content};
use crate::flows::scene::{Ran, Scene};

const VERIFY: &str = "system/content-verify";
const PRUNE: &str = "system/content-prune";

async fn verify(scene: &Scene) -> Ran {
    scene.run(VERIFY, "content/verify.requested", &json!({})).await
}

async fn prune(scene: &Scene, apply: Option<bool>) -> Ran {
    let data = apply.map_or(json!({}), |apply| json!({"apply": apply}));
    scene.run(PRUNE, "content/prune.requested", &data).await
}

/// Before anything was brought to the site. Nothing is changed by looking.
pub(super) async fn different(content: &Content, scene: &Scene) -> Ran {
    let before = content.convex.records();
    let run = verify(scene).await;
    run.assert_steps(&["compare-content", "notify-gateway"]);
    let differences = json!([
        {
            "source": "adrs",
            "missing": ["adr:0004-refused"],
            "extra": ["adr:0000-gone"],
            "stale": ["adr:0001-one"],
            "unreadable": [BROKEN],
        },
        {
            "source": "discoveries",
            "missing": ["discovery:tea"],
            "extra": ["discovery:diary", "discovery:lost"],
            "stale": [],
            "unreadable": [],
        },
    ]);
    assert_eq!(run.result(), &differences);
    assert_eq!(content.convex.records(), before);
    let told = scene.told("content.differs", |payload| payload["differences"] == differences);
    assert_eq!(told.len(), 1);
    let record = scene.record(&run, "content.verified");
    assert_eq!((&record["level"], &record["success"]), (&json!("warn"), &json!(false)));
    let lists = content.convex.site.asked_at("/api/query");
    let args: Vec<_> = lists.iter().map(|asked| asked.json()["args"].clone()).collect();
    let list = |kind: &str| json!({"type": kind, "limit": 5000});
    assert_eq!(args, [list("adr"), list("discovery")]);
    run
}

/// Orphans are named, stay where Convex refuses, and go when somebody says so; discoveries are not its business.
pub(super) async fn pruned(content: &Content, scene: &Scene) -> Vec<Ran> {
    let gone = "adr:0000-gone";
    let pages = content.pages.told().len();
    let (named, said_no) = (prune(scene, None).await, prune(scene, Some(false)).await);
    for run in [&named, &said_no] {
        run.assert_steps(&["find-orphans"]);
        let end = json!({"applied": false, "orphans": [gone], "removed": [], "errors": []});
        assert_eq!(run.result(), &end);
        assert_eq!(scene.record(run, "content.prune")["success"], true);
    }
    assert_eq!(content.convex.changes("contentResources:remove", gone), 0);

    let applied = ["find-orphans", "remove-orphans", "revalidate-cache"];
    content.convex.refuses(&[gone]);
    let refused = prune(scene, Some(true)).await;
    // The site has nothing to read again.
    refused.assert_steps(&applied[..2]);
    let result = refused.result();
    assert_eq!((&result["removed"], &result["errors"][0]["what"]), (&json!([]), &json!(gone)));
    assert!(content.convex.ids().contains(&gone.to_owned()));
    assert_eq!(scene.record(&refused, "content.prune")["level"], "warn");

    content.convex.refuses(&[]);
    let removed = prune(scene, Some(true)).await;
    removed.assert_steps(&applied);
    let end = json!({"applied": true, "orphans": [gone], "removed": [gone], "errors": []});
    assert_eq!(removed.result(), &end);
    assert_eq!(content.pages.told()[pages..].last(), Some(&json!([gone, "adrs"])));
    let left = ["adr:0001-one", "adr:0004-refused", "discovery:lost", "discovery:tea"];
    assert_eq!(content.convex.ids(), left);

    let nothing = prune(scene, Some(true)).await;
    nothing.assert_steps(&["find-orphans"]);
    assert_eq!(nothing.result()["orphans"], json!([]));

    // The site does not listen: the record is gone all the same.
    content.convex.put("adr:0009-late", "adr", "old");
    content.pages.is_deaf(2);
    let untold = prune(scene, Some(true)).await;
    untold.assert_steps(&applied);
    let result = untold.result();
    assert_eq!(result["removed"], json!(["adr:0009-late"]));
    assert_eq!(result["errors"][0]["what"], "revalidate");
    assert_eq!(scene.actions(&untold).last().map(String::as_str), Some("content.revalidate"));

    content.convex.forget("discovery:lost");
    let same = verify(scene).await;
    same.assert_steps(&["compare-content"]);
    let none = |list: &Value| list.as_array().is_some_and(Vec::is_empty);
    for difference in same.result().as_array().expect("two of them") {
        let lists = ["missing", "extra", "stale", "unreadable"];
        assert!(lists.iter().all(|list| none(&difference[list])), "{difference}");
    }
    assert_eq!(scene.record(&same, "content.verified")["success"], true);
    vec![named, said_no, refused, removed, nothing, untold, same]
}

/// A Convex that stays away, and a vault that is not there: nothing is removed.
pub(super) async fn failures(content: &Content, scene: &Scene) -> Vec<Ran> {
    let before = content.convex.records();
    content.convex.is_away(2);
    let away = verify(scene).await;
    assert!(away.failure().contains("503"), "{away:?}");
    away.assert_steps(&["compare-content"]);
    assert_eq!(away.attempts("compare-content"), 2);
    assert_eq!(scene.record(&away, "content.verified")["success"], false);

    let (decisions, kept) = (content.vault.join("docs/decisions"), content.vault.join("kept"));
    std::fs::rename(&decisions, &kept).expect("moved");
    let missing = prune(scene, Some(true)).await;
    assert!(missing.failure().contains("CapabilityMissing"), "{missing:?}");
    missing.assert_steps(&["find-orphans"]);
    assert_eq!(missing.attempts("find-orphans"), 1);
    content.writes("docs/decisions/README.md", "# Decisions\n");
    let empty = prune(scene, Some(true)).await;
    assert!(empty.failure().contains("EmptyVault"), "{empty:?}");
    assert_eq!(empty.attempts("find-orphans"), 1);
    assert_eq!(scene.record(&empty, "content.prune")["success"], false);
    std::fs::remove_dir_all(&decisions).expect("removed");
    std::fs::rename(&kept, &decisions).expect("moved");
    assert_eq!(content.convex.records(), before);
    vec![away, missing, empty]
}
