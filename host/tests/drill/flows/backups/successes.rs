//! Backups that reach the NAS.

use std::fs;

use serde_json::json;

use super::pod::{KEY, ROOT, SPARE};
use super::{BACKUP, Backups, REQUESTED, UNTIL_STAGED};
use crate::flows::scene::Scene;

const AFTERWARDS: [&str; 3] =
    ["cleanup-stage", "cleanup-typesense-snapshot-at-source", "prune-typesense-snapshot-roots"];

const FLAGS: &str =
    "-o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=2";

/// What comes before the NAS, by these attempts to reach it, and afterwards.
fn steps<'a>(attempts: &[&'a str]) -> Vec<&'a str> {
    [&UNTIL_STAGED[..], attempts, &AFTERWARDS].concat()
}

impl Backups {
    pub(super) async fn skipped(&self, scene: &Scene) {
        let data = json!({"targetFunctionId": "system/backup.other", "attempt": 1});
        let run = scene.run(BACKUP, REQUESTED, &data).await;
        run.assert_steps(&[]);
        let skipped = json!({"status": "skipped", "targetFunctionId": "system/backup.other"});
        assert_eq!(run.result(), &skipped);
    }

    pub(super) async fn over_the_mount(&self, scene: &Scene) {
        for old in ["20200101-a", "20200102-b", "20200103-c"] {
            self.pod.keeps(&format!("{ROOT}/{old}"));
        }
        fs::write(self.pod.path(&format!("{ROOT}/20200100")), "no snapshot").expect("written");
        let run = self.backup(scene, "plain", 1).await;
        run.assert_steps(&steps(&["sync-snapshot-to-nas[1]"]));

        let date = run.result()["date"].as_str().expect("a date").to_owned();
        let stamp = format!("{date}-plain");
        let snapshot = format!("{ROOT}/{stamp}");
        assert_eq!(run.result_of("resolve-snapshot-stamp"), &json!(stamp));
        let asked = self.pod.asked("plain");
        assert_eq!(asked.len(), 1, "{asked:?}");
        assert_eq!(
            (asked[0].method.as_str(), asked[0].path.as_str()),
            ("POST", "/operations/snapshot")
        );
        assert_eq!(asked[0].query["snapshot_path"], snapshot);
        assert_eq!(asked[0].header("x-typesense-api-key"), KEY);
        assert!(asked[0].header("idempotency-key").ends_with(":/data/snapshots"), "{asked:?}");

        let (stage, on_nas) = (self.staging.join(&stamp), self.backups().join(&date));
        let (stage_name, on_nas_name) = (stage.display(), on_nas.display());
        assert_eq!(
            self.calls("kubectl", "plain"),
            [
                format!("cp -n joelclaw typesense-0:{snapshot}/. {stage_name}"),
                format!("exec -n joelclaw typesense-0 -- rm -rf {snapshot}"),
            ]
        );
        let probe = format!("{on_nas_name}/.probe-{}", run.id);
        assert_eq!(self.calls("rm", &run.id), [format!("-f {probe}")]);
        assert_eq!(self.calls("touch", &run.id), [probe]);
        let emptied = format!("-rf {stage_name}");
        assert_eq!(self.calls("rm", &stamp), [emptied.clone(), emptied]);
        assert_eq!(self.calls("mkdir", &stamp), [format!("-p {stage_name}")]);
        assert_eq!(self.calls("find", &stamp), [format!("{stage_name} -mindepth 1 -print -quit")]);
        assert_eq!(self.calls("rsync", &stamp), [format!("-az {stage_name}/ {on_nas_name}/")]);
        assert!(self.nas.calls("scp", &stamp).is_empty());

        let kept = fs::read_to_string(on_nas.join("state")).expect("it is on the NAS");
        assert_eq!(kept, format!("all of {snapshot}"));
        assert!(!on_nas.join(format!(".probe-{}", run.id)).exists());
        assert!(!stage.exists() && !self.pod.path(&snapshot).exists());
        let found = |name: &str| self.pod.path(&format!("{ROOT}/{name}")).exists();
        assert_eq!(
            ["20200101-a", "20200102-b", "20200103-c", "20200100"].map(found),
            [false, true, true, true]
        );

        let result = run.result();
        assert_eq!(result["status"], "completed");
        assert_eq!(result["transport"]["mode"], "local");
        assert_eq!(result["transport"]["number"], 1);
        assert_eq!(result["transport"]["destination"], on_nas_name.to_string());
        assert_eq!(
            result["snapshot"]["attempts"],
            json!([{"root": ROOT, "path": snapshot, "ok": true}])
        );
        assert_eq!(
            result["retention"],
            json!([
                {"root": ROOT, "exists": true, "kept": [format!("{ROOT}/20200102-b"), format!("{ROOT}/20200103-c")],
                    "removed": [format!("{ROOT}/20200101-a")], "errors": []},
                {"root": SPARE, "exists": false, "kept": [], "removed": [], "errors": []},
            ])
        );
        let record = scene.record(&run, "system.backup.typesense");
        assert_eq!(
            (&record["success"], &record["component"]),
            (&json!(true), &json!("nas-backup"))
        );
        scene.hides(KEY, &[&run]);
    }

    /// The first root is not ready. What cannot be removed in the end is told, and the backup is one all the same.
    pub(super) async fn to_the_spare_root(&self, scene: &Scene) {
        for old in ["20200101-stuck", "20200102-b", "20200103-c"] {
            self.pod.keeps(&format!("{SPARE}/{old}"));
        }
        let run = self.backup(scene, "spare-only", 1).await;
        run.assert_steps(&steps(&["sync-snapshot-to-nas[1]"]));
        let result = run.result();
        let stamp = format!("{}-spare-only", result["date"].as_str().expect("a date"));
        let roots: Vec<_> = self.pod.asked("spare-only");
        let roots: Vec<_> =
            roots.iter().map(|asked| asked.query["snapshot_path"].as_str()).collect();
        assert_eq!(roots, [format!("{ROOT}/{stamp}"), format!("{SPARE}/{stamp}")]);
        let tried = &result["snapshot"]["attempts"];
        assert_eq!((&tried[0]["ok"], &tried[1]["ok"]), (&json!(false), &json!(true)));
        assert_eq!(tried[0]["error"], "Typesense snapshot failed (503): not ready");
        assert_eq!(
            result["source"],
            json!({"path": format!("{SPARE}/{stamp}"), "ok": true, "error": null})
        );
        let pruned = &result["retention"][1];
        assert_eq!(pruned["removed"], json!([]));
        assert!(
            pruned["errors"][0].as_str().expect("an error").contains("it is stuck"),
            "{pruned}"
        );
        assert!(self.pod.path(&format!("{SPARE}/20200101-stuck/state")).exists());
        let record = scene.record(&run, "system.backup.typesense");
        assert_eq!((&record["success"], &record["level"]), (&json!(false), &json!("warn")));
    }

    /// The mount is gone, and nothing is written where it was.
    pub(super) async fn over_the_network(&self, scene: &Scene) {
        self.mounted(false);
        let run = self.backup(scene, "remote", 1).await;
        run.assert_steps(&steps(&[
            "sync-snapshot-to-nas[1]",
            "nas-retry-wait[1]",
            "sync-snapshot-to-nas[2]",
        ]));
        assert!(!self.mount.exists());
        self.mounted(true);

        let first = run.result_of("sync-snapshot-to-nas[1]");
        assert_eq!(
            (&first["ok"], &first["mode"], &first["nextMode"]),
            (&json!(false), &json!("local"), &json!("remote"))
        );
        let error = first["error"].as_str().expect("an error");
        assert!(error.starts_with("the mount is unavailable: "), "{error}");
        let result = run.result();
        let date = result["date"].as_str().expect("a date");
        let on_nas = format!("/volume1/joelclaw/backups/typesense/{date}");
        let transport = &result["transport"];
        assert_eq!((&transport["mode"], &transport["number"]), (&json!("remote"), &json!(2)));
        assert_eq!(transport["destination"], on_nas);
        let line = |call: &Vec<String>| call.join(" ");
        let probe = format!("{on_nas}/.probe-{}", run.id);
        let probes: Vec<_> = self.nas.calls("ssh", &run.id).iter().map(line).collect();
        assert_eq!(
            probes,
            [
                format!("{FLAGS} joel@three-body touch {probe}"),
                format!("{FLAGS} joel@three-body rm -f {probe}")
            ]
        );
        let answers = self.nas.calls("ssh", "true");
        assert_eq!(line(&answers[0]), format!("{FLAGS} joel@three-body true"));
        let stage = self.staging.join(format!("{date}-remote"));
        let copied: Vec<_> = self.nas.calls("scp", "-remote").iter().map(line).collect();
        assert_eq!(copied, [format!("{FLAGS} -r {}/. joel@three-body:{on_nas}", stage.display())]);
        let kept = self.nas.kept(&format!("{on_nas}/state"));
        assert_eq!(kept, Some(format!("all of {ROOT}/{date}-remote")));
        assert!(self.nas.kept(&probe).is_none() && !stage.exists());
    }
}
