//! Heartbeats: one that comes too early, one that is asked for, and one of the schedule.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{CHECK, Health, local, now};
use crate::flows::invoker::invoke;
use crate::flows::scene::{Ran, Scene};
use crate::flows::schedules;
use crate::flows::stage::Stage;

const BEAT: &str = "system-heartbeat";
const WAKE: &str = "system-heartbeat-wake";
const ASKED: &str = "system/heartbeat.wake";
const LAST_RUN: &str = "heartbeat:last_run";

/// The checks, and the data of a request for one.
const CHECKS: [&str; 9] = [
    "tasks/triage.requested",
    "sessions/prune.requested",
    "triggers/audit.requested",
    "system/health.requested",
    "gateway/health.check.requested",
    "vault/sync.check",
    "email/triage.requested",
    "calendar/daily.check",
    "loops/stale.check",
];

/// The folder with sessions, of which some are old.
pub(super) fn set(stage: &mut Stage) -> PathBuf {
    let [sessions, debug, _memory] =
        ["agent-sessions", "agent-debug", "memory"].map(|root| stage.root(root));
    for file in [sessions.join("deep/old.jsonl"), debug.join("old.log")] {
        write(&file);
        let file = File::options().write(true).open(file).expect("it is there");
        let before = SystemTime::now() - Duration::from_hours(31 * 24);
        file.set_modified(before).expect("set");
    }
    write(&sessions.join("deep/new.jsonl"));
    stage.grant(
        r#"[components.system-heartbeat]
redis = { prefix = "" }
fs = [
  { root = "agent-sessions", access = "read-write" },
  { root = "agent-debug", access = "read-write" },
  { root = "memory" },
]
"#,
    );
    // A beat of the schedule while other flows play is too early.
    stage.set(LAST_RUN, &now().as_millisecond().to_string());
    sessions
}

fn write(file: &Path) {
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(file, "a line\n").expect("written");
}

/// The steps of a beat at this time of the day.
fn steps() -> Vec<&'static str> {
    let clock = local();
    let mut steps = vec!["check-if-needed", "prune-old-sessions", "fan-out-checks"];
    steps.push("maybe-request-adr-pitch");
    if (8..10).contains(&clock.hour()) {
        steps.push("fan-out-adr-pitch");
    }
    steps.push("maybe-request-daily-digest");
    if is_digest_time() {
        steps.push("fan-out-daily-digest");
    }
    steps.extend(["otel-heartbeat-cron", "maybe-emit-user-visible-heartbeat", "record-last-run"]);
    steps
}

fn is_digest_time() -> bool {
    local().hour() == 23 && local().minute() >= 45
}

/// What is asked for once a day is asked for again.
fn forget(scene: &Scene, keys: &[&str]) {
    for key in keys {
        let _: i64 = scene.redis(&["DEL", key]);
    }
}

impl Health {
    pub(super) async fn beats(&self, scene: &Scene) {
        assert_eq!(schedules::triggers(scene, BEAT).await, ["*/15 * * * *"]);
        assert_eq!(schedules::triggers(scene, WAKE).await, [ASKED]);
        self.too_early(scene).await;
        self.woken(scene).await;
        self.by_the_schedule(scene).await;
    }

    async fn too_early(&self, scene: &Scene) {
        // The last quarter of a day is the only one that asks for its digest, so no beat of it is too early.
        if is_digest_time() {
            return;
        }
        let time = now().as_millisecond().to_string();
        scene.redis::<()>(&["SET", LAST_RUN, &time]);
        let run = scene.run(WAKE, ASKED, &json!({})).await;
        run.assert_steps(&["check-if-needed"]);
        let skipped = run.result()["skipped"].as_str().expect("a reason");
        assert!(skipped.starts_with("the last beat was "), "{skipped}");
        assert_eq!(run.output["checks"], json!([]));
        assert_eq!(scene.actions(&run), ["heartbeat.cron.skipped"]);
        assert!(self.sessions.join("deep/old.jsonl").exists());
    }

    async fn woken(&self, scene: &Scene) {
        let visible = "heartbeat:visible:last_notified";
        let digest = format!("heartbeat:digest:fanout:{}", local().date());
        forget(scene, &[LAST_RUN, visible, "adr:pitch:last-fired", &digest]);
        let run = scene.run(WAKE, ASKED, &json!({})).await;
        run.assert_steps(&steps());
        let result = run.result();
        assert_eq!(result["source"], "heartbeat-wake");
        self.asked_for(scene, &run).await;
        assert_eq!(result["pruned"], json!({"removed": 2}));
        assert!(!self.sessions.join("deep/old.jsonl").exists());
        assert!(self.sessions.join("deep/new.jsonl").exists());

        // People see it once in an hour.
        assert_eq!(result["told"]["pushed"], true);
        let id = result["told"]["event_id"].clone();
        let told = scene.told("cron.heartbeat", |payload| payload["source"] == "heartbeat-wake");
        assert_eq!(told.len(), 1, "{told:?} {id}");
        assert_eq!(told[0]["payload"]["checks"], 9);
        assert_eq!(told[0]["payload"]["pruned"], 2);
        let lasts: i64 = scene.redis(&["TTL", visible]);
        assert!((3500..=3600).contains(&lasts), "{lasts}");

        let last: i64 = scene.redis(&["GET", LAST_RUN]);
        let ago = now().as_millisecond() - last;
        assert!((0..60_000).contains(&ago), "{ago}");
        let record = scene.record(&run, "heartbeat.cron.fanout");
        assert_eq!((&record["success"], &record["component"]), (&json!(true), &json!("heartbeat")));
        assert_eq!(record["metadata"]["events"], json!(CHECKS));
    }

    /// Only the schedule begins it, so it is invoked.
    async fn by_the_schedule(&self, scene: &Scene) {
        forget(scene, &[LAST_RUN]);
        let run = invoke(scene, "health-beat", BEAT, &json!({"cron": "*/15 * * * *"})).await;
        // What is for once a day was asked for by the beat before.
        let once = ["fan-out-adr-pitch", "fan-out-daily-digest"];
        let expected: Vec<_> = steps().into_iter().filter(|step| !once.contains(step)).collect();
        run.assert_steps(&expected);
        assert_eq!(run.result()["source"], "heartbeat-15m");
        assert_eq!(
            (&run.output["told"], &run.output["pruned"]),
            (&Value::Null, &json!({"removed": 0}))
        );
        self.asked_for(scene, &run).await;
    }

    /// Each check was asked for by the beat, and the one of health has been made.
    async fn asked_for(&self, scene: &Scene, run: &Ran) {
        let ids = run.output["checks"].as_array().expect("ids");
        assert_eq!(ids.len(), CHECKS.len());
        for (id, name) in ids.iter().zip(CHECKS) {
            let events = scene.events(name).await;
            let mut own = events.iter().filter(|event| event["internal_id"] == *id);
            let event = own.next().unwrap_or_else(|| panic!("no {name}: {id} of {events:?}"));
            let mut data = event["data"].clone();
            data.as_object_mut().expect("an object").remove("_inngest");
            let mut expected = json!({"source": run.output["source"]});
            if name == super::REQUESTED {
                expected["mode"] = json!("core");
                let check = scene.ended(CHECK, id.as_str().expect("an id")).await;
                assert_eq!(
                    (&check.result()["mode"], &check.output["status"]),
                    (&json!("core"), &json!("noop"))
                );
            }
            assert_eq!(data, expected, "{name}");
        }
    }
}
