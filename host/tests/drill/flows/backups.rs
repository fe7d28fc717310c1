//! Backups of Typesense: over the mount and over the network, refused, broken off, and made again when the NAS is back; with
//! what their failures lead to.

mod chain;
mod failures;
mod pod;
mod router;
mod successes;

use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use serde_json::{Value, json};

use self::pod::Pod;
use super::commands;
use super::flow::Flow;
use super::nas::Nas;
use super::programs::Programs;
use super::scene::{Ran, Scene};
use super::schedules;
use super::stage::Stage;

const BACKUP: &str = "system/backup.typesense";
const FAILURE: &str = "system/backup.typesense-failure";
const ROUTER: &str = "system/backup.failure.router";
const REQUESTED: &str = "system/backup.retry.requested";
const DETECTED: &str = "system/backup.failure.detected";

/// Before the first attempt to reach the NAS.
const UNTIL_STAGED: [&str; 5] = [
    "resolve-date-stamp",
    "resolve-snapshot-stamp",
    "prepare-directories",
    "trigger-snapshot-with-fallback",
    "copy-snapshot-to-host",
];

struct Backups {
    pod: Pod,
    nas: Nas,
    programs: Programs,
    /// Where the NAS is mounted, while it is.
    mount: PathBuf,
    staging: PathBuf,
    queue: PathBuf,
}

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    let (nas, pod) = (Nas::on(stage), Pod::on(stage));
    commands::set(stage, &["rsync", "find", "stat", "mkdir", "touch", "rm"]);
    stage.secret("typesense_api_key", pod::KEY);
    let [mount, staging, queue] =
        ["mount", "typesense-staging", "nas-queue"].map(|name| stage.folder(name));
    stage.grant(&grants(&pod, &[&mount, &staging, &queue].map(|path| path.display().to_string())));
    Rc::new(Backups { pod, nas, programs: stage.programs(), mount, staging, queue })
}

fn grants(pod: &Pod, [mount, staging, queue]: &[String; 3]) -> String {
    let (typesense, root, spare) = (pod.typesense.origin(), pod::ROOT, pod::SPARE);
    let flags = r#""-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=2""#;
    let (nas, exec) =
        ("/volume1/joelclaw/backups/typesense", r#""exec", "-n", "joelclaw", "typesense-0", "--""#);
    let on_pod = [root, spare].map(|root| {
        format!(
            r#"  {{ program = "kubectl", arguments = ["cp", "-n", "joelclaw", "typesense-0:{root}/*", "{staging}/*"] }},
  {{ program = "kubectl", arguments = [{exec}, "rm", "-rf", "{root}/*"] }},
  {{ program = "kubectl", arguments = [{exec}, "test", "-d", "{root}"] }},
  {{ program = "kubectl", arguments = [{exec}, "find", "{root}", "-mindepth", "1", "-maxdepth", "1", "-type", "d"] }},
"#
        )
    });
    format!(
        r#"[components.typesense-backup]
secrets = [{{ name = "typesense_api_key", to = ["{typesense}"] }}]
http = [{{ to = "{typesense}/operations/snapshot", methods = ["POST"], private = true }}]
shell = [
{on_pod}
  {{ program = "rsync", arguments = ["-az", "{staging}/*", "{mount}/backups/typesense/*"] }},
  {{ program = "rsync", arguments = ["-a", "{staging}/*", "{queue}/typesense/*"] }},
  {{ program = "ssh", arguments = [{flags}, "joel@three-body", "mkdir", "-p", "{nas}/*"] }},
  {{ program = "ssh", arguments = [{flags}, "joel@three-body", "touch", "{nas}/*"] }},
  {{ program = "ssh", arguments = [{flags}, "joel@three-body", "rm", "-f", "{nas}/*"] }},
  {{ program = "ssh", arguments = [{flags}, "joel@three-body", "true"] }},
  {{ program = "scp", arguments = [{flags}, "-r", "{staging}/*", "joel@three-body:{nas}/*"] }},
  {{ program = "find", arguments = ["{staging}/*", "-mindepth", "1", "-print", "-quit"] }},
  {{ program = "stat", arguments = ["{mount}"] }},
  {{ program = "mkdir", arguments = ["-p", "*"] }},
  {{ program = "touch", arguments = ["{mount}/backups/typesense/*"] }},
  {{ program = "rm", arguments = ["-f", "{mount}/backups/typesense/*"] }},
  {{ program = "rm", arguments = ["-rf", "{staging}/*"] }},
]
[components.typesense-backup.config]
TYPESENSE_URL = "{typesense}/"
TYPESENSE_SNAPSHOT_FALLBACK_ROOT = "{spare}"
TYPESENSE_STAGE_ROOT = "{staging}"
NAS_HDD_ROOT = "{mount}"
NAS_BACKUP_QUEUE_ROOT = "{queue}"
NAS_BACKUP_MAX_ATTEMPTS = "3"
NAS_BACKUP_RETRY_BASE_MS = "1"
NAS_BACKUP_RETRY_MAX_MS = "1"

[components.backup-failure-router.config]
BACKUP_ROUTER_SLEEP_MIN_MS = "1"
BACKUP_ROUTER_SLEEP_MAX_MS = "1"
BACKUP_ROUTER_SLEEP_STEP_MS = "1"
"#,
        on_pod = on_pod.concat(),
    )
}

#[async_trait::async_trait(?Send)]
impl Flow for Backups {
    fn name(&self) -> &'static str {
        "system/backup.typesense and -failure.router"
    }

    async fn play(&self, scene: &Scene) {
        let starts = schedules::triggers(scene, BACKUP).await;
        assert_eq!(starts, ["TZ=America/Los_Angeles 0 3 * * *", REQUESTED]);
        // What reaches the NAS goes one after another: they share its mount.
        self.skipped(scene).await;
        self.over_the_mount(scene).await;
        self.to_the_spare_root(scene).await;
        self.over_the_network(scene).await;
        // What does not reach it overlaps: each run has a stage of its own.
        tokio::join!(
            self.until_the_nas_is_back(scene),
            self.refused(scene),
            self.lost(scene),
            self.hollow(scene),
            router::decides(scene),
        );
        scene.hides(pod::KEY, &[]);
        for program in ["kubectl", "rsync", "ssh", "scp"] {
            let calls = self.programs.calls(program).concat().concat();
            assert!(!calls.contains(pod::KEY), "{program} was told the key");
        }
    }
}

impl Backups {
    /// Asks for a backup whose snapshot has this name after its date.
    async fn backup(&self, scene: &Scene, name: &str, attempt: u32) -> Ran {
        let data = json!({"targetFunctionId": BACKUP, "target": "typesense", "attempt": attempt});
        let event = scene.send_as(name, REQUESTED, &data).await;
        scene.ended(BACKUP, &event).await
    }

    /// Where backups are on the mount.
    fn backups(&self) -> PathBuf {
        self.mount.join("backups/typesense")
    }

    /// Takes the mount away, or brings it back.
    fn mounted(&self, is: bool) {
        let away = self.mount.with_extension("away");
        let (from, to) = if is { (&away, &self.mount) } else { (&self.mount, &away) };
        fs::rename(from, to).expect("renamed");
    }

    /// The calls of a program with these words in one of its arguments, each as one line.
    fn calls(&self, program: &str, words: &str) -> Vec<String> {
        let all = self.programs.calls(program).into_iter();
        let own = all.filter(|call| call.iter().any(|argument| argument.contains(words)));
        own.map(|call| call.join(" ")).collect()
    }
}

/// What the failure handler has told of a run.
async fn detected(scene: &Scene, run: &Ran) -> Value {
    let of_run = |data: &Value| data["run_id"] == run.id.as_str();
    let handler = scene.follows(FAILURE, "inngest/function.failed", of_run).await;
    handler.assert_steps(&["emit-backup-failure-detected"]);
    assert_eq!(scene.actions(&handler), ["system.backup.typesense.failure"]);
    let event = scene.event(DETECTED, |data| data["runId"] == run.id.as_str()).await;
    assert_eq!(handler.result(), &event["data"]["attempt"]);
    event
}

/// What the router makes of a failure.
async fn routed(scene: &Scene, detected: &Value) -> Ran {
    scene.ended(ROUTER, detected["internal_id"].as_str().expect("an id")).await
}
