//! The NAS is away by both ways. The backup fails for good, the router has it made again after a wait, it fails again, and
//! once the mount is back it does not.

use std::fs;

use serde_json::{Value, json};

use super::{BACKUP, Backups, REQUESTED, UNTIL_STAGED, detected, routed};
use crate::flows::scene::{Ran, Scene};

/// How often a failed backup is made again, unless the operator says otherwise.
const BUDGET: u64 = 5;

impl Backups {
    pub(super) async fn until_the_nas_is_back(&self, scene: &Scene) {
        self.mounted(false);
        self.nas.fails("true", 1_000_000);
        self.out_of_budget(scene).await;
        let mut run = self.nightly(scene).await;
        for attempt in 0..2 {
            run = self.failed(scene, &run, attempt).await;
        }
        self.mounted(true);
        // By now the third run may have begun without the mount: then there is one more.
        let mut attempt = 2;
        while run.status == "Failed" {
            run = self.failed(scene, &run, attempt).await;
            attempt += 1;
        }
        assert_eq!(run.result()["transport"]["mode"], "local");
        let date = run.result()["date"].as_str().expect("a date");
        let kept = fs::read_to_string(self.backups().join(date).join("state"));
        let snapshot = run.result()["snapshot"]["path"].as_str().expect("a path").to_owned();
        assert_eq!(kept.expect("it is on the NAS"), format!("all of {snapshot}"));
        assert!(!self.pod.path(&snapshot).exists());
        assert_eq!(scene.actions(&run), ["system.backup.typesense"]);
    }

    /// As the schedule would begin it: with no attempt.
    async fn nightly(&self, scene: &Scene) -> Ran {
        let event = scene.send_as("nightly", REQUESTED, &json!({})).await;
        scene.ended(BACKUP, &event).await
    }

    /// A run that has not reached the NAS in its attempts, with what follows: the next run.
    async fn failed(&self, scene: &Scene, run: &Ran, attempt: u64) -> Ran {
        let detected = self.unreached(scene, run, attempt).await;
        let router = routed(scene, &detected).await;
        router.assert_steps(&["decide-backup-retry", "backup-retry-wait", "request-backup-retry"]);
        let result = router.result();
        assert_eq!(result["status"], "scheduled");
        assert_eq!(
            (&result["attempt"], &result["nextAttempt"]),
            (&json!(attempt), &json!(attempt + 1))
        );
        assert_eq!(result["delayMs"], 5000, "the shortest wait that there is");
        let record = scene.record(&router, "system.backup.failure.router");
        assert_eq!(
            (&record["success"], &record["metadata"]["nextAttempt"]),
            (&json!(true), &json!(attempt + 1))
        );

        let told = &detected["data"];
        let asked = |data: &Value| data["error"] == told["error"];
        let request = scene.event(REQUESTED, asked).await;
        let data = &request["data"];
        assert_eq!(
            (&data["attempt"], &data["nextAttempt"]),
            (&json!(attempt + 1), &json!(attempt + 1))
        );
        assert_eq!(data["decision"]["action"], "pause");
        assert_eq!(data["decision"]["model"], "deterministic-guardrail");
        for member in [
            "targetFunctionId",
            "target",
            "backupFailureDetectedAt",
            "retryWindowHours",
            "transportMode",
            "transportAttempts",
            "transportDestination",
        ] {
            assert_eq!(data[member], told[member], "{member}");
        }
        scene.ended(BACKUP, request["internal_id"].as_str().expect("an id")).await
    }

    /// Neither by the mount nor by the network; the snapshot stays where it is, and a copy is kept.
    async fn unreached(&self, scene: &Scene, run: &Ran, attempt: u64) -> Value {
        let tried = [
            "sync-snapshot-to-nas[1]",
            "nas-retry-wait[1]",
            "sync-snapshot-to-nas[2]",
            "nas-retry-wait[2]",
            "sync-snapshot-to-nas[3]",
            "queue-snapshot-for-nas",
        ];
        run.assert_steps(&[&UNTIL_STAGED[..], &tried].concat());
        assert!(run.failure().contains("NasUnreachable"), "{run:?}");
        let stamp = run.result_of("resolve-snapshot-stamp").as_str().expect("a stamp").to_owned();
        let snapshot =
            run.result_of("trigger-snapshot-with-fallback")["path"].as_str().expect("a path");
        let copy = self.queue.join("typesense").join(&stamp);
        for folder in [&self.pod.path(snapshot), &self.staging.join(&stamp), &copy] {
            let state = fs::read_to_string(folder.join("state"));
            assert_eq!(state.expect("it is there"), format!("all of {snapshot}"));
        }
        let queued = run.result_of("queue-snapshot-for-nas");
        assert_eq!(queued, &json!({"path": copy, "ok": true, "error": null}));

        let detected = detected(scene, run).await;
        let data = &detected["data"];
        assert_eq!(data["attempt"], attempt, "attempts count");
        assert_eq!(
            (&data["transportMode"], &data["transportAttempts"]),
            (&json!("local"), &json!(3))
        );
        assert_eq!(data["retryWindowHours"], 4);
        let destination = data["transportDestination"].as_str().expect("a path");
        assert!(destination.starts_with(&self.backups().display().to_string()), "{destination}");
        let error = data["error"].as_str().expect("an error");
        assert!(error.contains("the mount is unavailable") && error.contains(&stamp), "{error}");
        detected
    }

    /// The last attempt has failed: there is no other one.
    async fn out_of_budget(&self, scene: &Scene) {
        let run = self.backup(scene, "last", u32::try_from(BUDGET).expect("a few")).await;
        let detected = self.unreached(scene, &run, BUDGET).await;
        let router = routed(scene, &detected).await;
        router.assert_steps(&["decide-backup-retry", "alert-backup-failure-escalated"]);
        let reason = format!("the budget is used up: attempt {BUDGET} of {BUDGET}");
        assert_eq!(
            (&router.result()["status"], &router.result()["reason"]),
            (&json!("escalated"), &json!(reason))
        );
        super::router::message(scene, &[BACKUP, "-last", &reason]).await;
        let again = scene.events(REQUESTED).await;
        let error = &detected["data"]["error"];
        assert!(again.iter().all(|event| &event["data"]["error"] != error), "{again:?}");
    }
}
