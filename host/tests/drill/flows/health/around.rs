//! What the check looks at: places that answer or do not, files and programs of the machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

use crate::flows::site::{Answer, Asked, Site};
use crate::flows::stage::{CONVEX_KEY, Stage, TYPESENSE_KEY};
use crate::flows::{commands, kubectl};

/// What is not as it should be, by words of the flow.
type Wrong = Arc<Mutex<BTreeSet<&'static str>>>;

/// The store of secrets, which is locked while a file says so.
const SECRETS: &str = r#"
if [ -e "@LOCKED@" ]; then echo 'the store is locked' >&2; exit 1; fi
echo ok
"#;

/// Everything around the check.
pub(super) struct Around {
    wrong: Wrong,
    /// The worker, the place of webhooks, and Convex.
    pub(super) site: Site,
    pub(super) typesense: Site,
    gateway: Site,
    /// The files of the gateway.
    files: PathBuf,
    locked: PathBuf,
    not_ready: PathBuf,
    mount: PathBuf,
}

impl Around {
    pub(super) fn on(stage: &mut Stage) -> Self {
        let wrong = Wrong::default();
        let own = Arc::clone(&wrong);
        let site = stage.site(move |asked| places(&wrongs(&own), asked));
        let own = Arc::clone(&wrong);
        let typesense = stage.site(move |asked| index(&wrongs(&own), asked));
        let gateway = stage.site(|_| Answer::text(426, "text/plain", "Upgrade Required"));
        let files = stage.root("gateway");
        let port = gateway.origin().rsplit(':').next().expect("a port");
        std::fs::write(files.join("gateway.ws.port"), port).expect("written");
        kubectl::on(stage);
        commands::set(stage, &["stat"]);
        // A builtin of every shell, and a program of its own on few machines.
        stage.program("kill", "kill \"$@\"\n");
        stage.program("colima", "echo '{\"name\": \"default\", \"address\": \"127.0.0.1\"}'\n");
        let locked = stage.folder("health").join("locked");
        stage.program("secrets", &SECRETS.replace("@LOCKED@", &locked.display().to_string()));
        stage.secret("typesense_api_key", TYPESENSE_KEY);
        stage.secret("convex_deploy_key", CONVEX_KEY);
        let mount = stage.folder("mounts").join("nas-nvme");
        std::fs::create_dir_all(&mount).expect("a folder");
        let not_ready = kubectl::not_ready(stage);
        let around = Self { wrong, site, typesense, gateway, files, locked, not_ready, mount };
        around.listens(true);
        stage.grant(&around.grants(stage));
        around
    }

    /// The gateway's process is this one.
    pub(super) fn listens(&self, is: bool) {
        let file = self.files.join("gateway.pid");
        if is {
            std::fs::write(file, std::process::id().to_string()).expect("written");
        } else {
            std::fs::remove_file(file).expect("removed");
        }
    }

    /// Something goes wrong, or is well again.
    pub(super) fn set(&self, what: &'static str, is_wrong: bool) {
        match what {
            "gateway" => self.listens(!is_wrong),
            "secrets" => flag(&self.locked, is_wrong),
            "kubernetes" => flag(&self.not_ready, is_wrong),
            "mount" => {
                let away = self.mount.with_extension("away");
                let (from, to) = if is_wrong { (&self.mount, &away) } else { (&away, &self.mount) };
                std::fs::rename(from, to).expect("renamed");
            }
            _ if is_wrong => drop(wrongs(&self.wrong).insert(what)),
            _ => drop(wrongs(&self.wrong).remove(what)),
        }
    }

    /// The rows that Convex was given by this moment, by their ids and with what they say.
    pub(super) fn rows(&self) -> Vec<Value> {
        let asked = self.site.asked_at("/convex/api/mutation");
        asked.iter().map(|asked| asked.json()["args"].clone()).collect()
    }

    fn grants(&self, stage: &Stage) -> String {
        let (engine, site) = (stage.server.origin(), self.site.origin());
        let (typesense, gateway) = (self.typesense.origin(), self.gateway.origin());
        let port = engine.rsplit(':').next().expect("a port");
        let mount = self.mount.display();
        format!(
            r#"[components.health-check]
redis = {{ prefix = "" }}
fs = [{{ root = "gateway" }}]
shell = [
  {{ program = "kill", arguments = ["-0", "*"], within = "3s" }},
  {{ program = "stat", arguments = ["{mount}"], within = "5s" }},
  {{ program = "colima", arguments = ["list", "--json"], within = "3s" }},
  {{ program = "kubectl", arguments = ["get", "--raw=/readyz"], within = "5s" }},
  {{ program = "secrets", arguments = ["health"], within = "4s" }},
]
http = [
  {{ to = "http://127.0.0.1:{port}", methods = ["GET"], private = true }},
  {{ to = "{gateway}", methods = ["GET"], private = true }},
  {{ to = "{typesense}", methods = ["GET"], private = true }},
  {{ to = "{site}", methods = ["GET"], private = true }},
  {{ to = "{site}/convex/api/mutation", methods = ["POST"], private = true }},
]
secrets = [
  {{ name = "typesense_api_key", to = ["{typesense}"] }},
  {{ name = "convex_deploy_key", to = ["{site}"] }},
]
[components.health-check.config]
JOELCLAW_HEALTH_PROBE_TIMEOUT_MS = "10000"
JOELCLAW_HEALTH_INNGEST_URLS = "{site}/elsewhere, http://{{vm}}:{port}"
JOELCLAW_HEALTH_WORKER_URLS = "{site}/worker"
JOELCLAW_HEALTH_TYPESENSE_URLS = "{typesense}"
JOELCLAW_HEALTH_WEBHOOKS_URL = "{site}/webhooks"
JOELCLAW_HEALTH_MOUNTS = "{mount}"
FRONT_PROJECTION_COLLECTION = "mails"
SYSTEM_HEALTH_OTEL_TYPESENSE_SIGNAL_CHECKS_ENABLED = "1"
CONVEX_URL = "{site}/convex"
"#
        )
    }
}

fn wrongs(wrong: &Wrong) -> MutexGuard<'_, BTreeSet<&'static str>> {
    wrong.lock().expect("nobody panics with it")
}

fn flag(file: &Path, is: bool) {
    if is {
        std::fs::write(file, "").expect("written");
    } else {
        std::fs::remove_file(file).expect("removed");
    }
}

fn places(wrong: &BTreeSet<&str>, asked: &Asked) -> Answer {
    let known = match asked.path.as_str() {
        "/worker/" => "worker",
        "/webhooks" => "webhooks",
        "/convex/api/mutation"
            if asked.header("authorization") != format!("Convex {CONVEX_KEY}") =>
        {
            return Answer::text(401, "text/plain", "who are you?");
        }
        "/convex/api/mutation" if wrong.contains("convex") => {
            return Answer::json(200, &json!({"status": "error", "errorMessage": "no such table"}));
        }
        "/convex/api/mutation" => return Answer::json(200, &json!({"status": "success"})),
        _ => return Answer::text(404, "text/plain", "nothing"),
    };
    if wrong.contains(known) {
        return Answer::text(503, "text/plain", "it starts");
    }
    Answer::json(200, &json!({"is": known}))
}

fn index(wrong: &BTreeSet<&str>, asked: &Asked) -> Answer {
    if wrong.contains("typesense") {
        return Answer::text(503, "text/plain", "not ready");
    }
    if asked.path == "/health" {
        return Answer::json(200, &json!({"ok": true}));
    }
    if asked.header("x-typesense-api-key") != TYPESENSE_KEY {
        return Answer::text(401, "text/plain", "Forbidden");
    }
    let filter = asked.query.get("filter_by").map_or("", String::as_str);
    let answer = match asked.path.as_str() {
        "/collections/mails/documents/search" => {
            let hours = if wrong.contains("mails") { 30 } else { 1 };
            // Half a minute beyond: who asks took its own time before this, and rounds.
            let at = jiff::Timestamp::now().as_second() - hours * 3600 - 30;
            json!({"found": 1, "hits": [{"document": {"timestamp": at}}]})
        }
        "/collections/otel_events/documents/search" if filter.contains("observe.store") => {
            let counts = json!({"writeGate": {"allowCount": 1, "holdCount": 1, "discardCount": 8}});
            let hit = json!({"document": {"metadata_json": counts.to_string()}});
            let hits = if wrong.contains("drift") { vec![hit; 40] } else { Vec::new() };
            json!({"found": hits.len(), "hits": hits})
        }
        "/collections/otel_events/documents/search" if filter.contains("level:=[error,fatal]") => {
            json!({"found": if wrong.contains("errors") { 31 } else { 1 }, "hits": []})
        }
        "/collections/otel_events/documents/search" => json!({"found": 100, "hits": []}),
        _ => return Answer::text(404, "text/plain", "no such collection"),
    };
    Answer::json(200, &answer)
}
