//! Backups that fail for good before they come to the NAS: another run would fail as well, so people are told.

use serde_json::{Value, json};

use super::pod::{ROOT, SPARE};
use super::{BACKUP, Backups, UNTIL_STAGED, detected, routed};
use crate::flows::scene::{Ran, Scene};

impl Backups {
    /// Typesense refuses both roots, however often it is asked.
    pub(super) async fn refused(&self, scene: &Scene) {
        let run = self.backup(scene, "refused", 1).await;
        assert_eq!(run.attempts("trigger-snapshot-with-fallback"), 3);
        let roots: Vec<_> = self
            .pod
            .asked("refused")
            .iter()
            .map(|asked| {
                (
                    asked.query["snapshot_path"].rsplit_once('/').expect("a root").0.to_owned(),
                    asked.header("idempotency-key").to_owned(),
                )
            })
            .collect();
        assert_eq!(roots.len(), 6, "{roots:?}");
        assert_eq!((roots[0].0.as_str(), roots[1].0.as_str()), (ROOT, SPARE));
        assert_eq!(roots[0], roots[4], "the same root is asked for the same snapshot");
        assert_ne!(roots[0].1, roots[1].1);
        let error = run.failure();
        assert!(
            error.contains("SnapshotFailed") && error.contains("the state cannot be written"),
            "{error}"
        );
        let steps = [&UNTIL_STAGED[..4]].concat();
        given_up(scene, &run, &steps, "Typesense cannot make a snapshot").await;
    }

    /// The snapshot is gone before it is copied.
    pub(super) async fn lost(&self, scene: &Scene) {
        let run = self.backup(scene, "lost", 1).await;
        assert_eq!(run.attempts("copy-snapshot-to-host"), 3);
        assert_eq!(self.calls("kubectl", "-lost").len(), 3);
        let error = run.failure();
        assert!(error.contains("ProgramFailed") && error.contains("kubectl cp"), "{error}");
        given_up(scene, &run, &UNTIL_STAGED, "the snapshot cannot be copied").await;
    }

    /// There is nothing in the snapshot.
    pub(super) async fn hollow(&self, scene: &Scene) {
        let run = self.backup(scene, "hollow", 1).await;
        assert_eq!(run.attempts("copy-snapshot-to-host"), 3);
        assert!(run.failure().contains("no files staged at "), "{run:?}");
        assert!(self.calls("rsync", "-hollow").is_empty());
        given_up(scene, &run, &UNTIL_STAGED, "the snapshot is empty").await;
    }
}

/// The failure is told once, with the attempt of the request, and the router asks for no other run.
async fn given_up(scene: &Scene, run: &Ran, steps: &[&str], reason: &str) {
    run.assert_steps(steps);
    assert!(scene.actions(run).is_empty(), "it has come to no end of its own");
    let detected = detected(scene, run).await;
    let data = &detected["data"];
    assert_eq!((&data["targetFunctionId"], &data["target"]), (&json!(BACKUP), &json!("typesense")));
    assert_eq!(data["attempt"], 1);
    assert_eq!((&data["transportMode"], &data["transportAttempts"]), (&Value::Null, &Value::Null));
    let router = routed(scene, &detected).await;
    router.assert_steps(&["decide-backup-retry", "alert-backup-failure-escalated"]);
    let result = router.result();
    let reason = format!("another run would fail as well: {reason}");
    assert_eq!((&result["status"], &result["reason"]), (&json!("escalated"), &json!(reason)));
    assert_eq!((&result["attempt"], &result["delayMs"]), (&json!(1), &json!(0)));
    let told = data["error"].as_str().expect("an error");
    super::router::message(scene, &[told, &reason, "attempt: 1"]).await;
    let record = scene.record(&router, "system.backup.failure.router");
    assert_eq!((&record["success"], &record["level"]), (&json!(false), &json!("warn")));
}
