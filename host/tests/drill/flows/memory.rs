//! Sessions of agents: observed, sent again, without a model, without a store, and none.

use std::path::PathBuf;
use std::rc::Rc;

use serde_json::{Value, json};

use super::flow::Flow;
use super::models;
use super::scene::{Ran, Scene};
use super::site::{Answer, Asked, Site};
use super::stage::{CONVEX_KEY, Stage, TYPESENSE_KEY};

const FUNCTION: &str = "memory/observe-session";
const FAILURE: &str = "memory/observe-session-failure";
const ENDED: &str = "memory/session.ended";
const PENDING: &str = "memory/session.compaction.pending";
const PDS_KEY: &str = "pds-token-of-the-drill";

/// Until the model has been asked.
const BEGIN: [&str; 3] = ["validate-input", "otel-observe-start", "dedupe-check"];
const STORE: [&str; 5] = [
    "call-observer-llm",
    "parse-observations",
    "append-daily-log",
    "store-to-typesense",
    "otel-observe-store-result",
];
const END: [&str; 6] = [
    "pds-dual-write",
    "update-redis-state",
    "check-threshold",
    "emit-accumulated",
    "notify-gateway",
    "otel-observe-finish",
];

const SAID: &str = "## Tea
- [gate=allow confidence=0.9 category=jc:preferences reason=\"it lasts\"] Green tea is drunk in the morning.
- [gate=hold confidence=0.5 category=jc:operations reason=\"it may\"] The kettle was mended.
- [gate=discard confidence=0.9 category=jc:operations reason=\"chatter\"] Somebody said hello.
Current task: tea";

struct Memory {
    /// Typesense, Convex and the personal data server.
    site: Site,
    folder: PathBuf,
}

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    let site = stage.site(answer);
    let at = site.origin();
    models::set(stage, "memory-observe", |prompt| {
        // What looks like a token does not leave.
        assert!(!prompt.contains("sk-drill"), "{prompt}");
        (!prompt.contains("Session speechless")).then(|| SAID.to_owned())
    });
    let folder = stage.root("memory");
    stage.secret("typesense_api_key", TYPESENSE_KEY);
    stage.secret("convex_deploy_key", CONVEX_KEY);
    stage.secret("pds_access_token", PDS_KEY);
    stage.grant(&format!(
        r#"[components.observe-session]
redis = {{ prefix = "" }}
fs = [{{ root = "memory", access = "read-write" }}]
inference = {{ within = "90s" }}
http = [
  {{ to = "{at}/multi_search", methods = ["POST"], private = true }},
  {{ to = "{at}/collections/memory_observations/documents/import", methods = ["POST"], private = true }},
  {{ to = "{at}/api/mutation", methods = ["POST"], private = true }},
  {{ to = "{at}/xrpc/com.atproto.repo.putRecord", methods = ["POST"], private = true }},
]
secrets = [
  {{ name = "typesense_api_key", to = ["{at}"] }},
  {{ name = "convex_deploy_key", to = ["{at}"] }},
  {{ name = "pds_access_token", to = ["{at}"] }},
]
[components.observe-session.config]
TYPESENSE_URL = "{at}"
CONVEX_URL = "{at}"
PDS_URL = "{at}"
PDS_REPO = "did:plc:drill"
"#
    ));
    Rc::new(Memory { site, folder })
}

/// What is `unstorable` is not taken.
fn answer(asked: &Asked) -> Answer {
    let refused = || Answer::text(401, "text/plain", "who are you?");
    match asked.path.as_str() {
        "/api/mutation" if asked.header("authorization") != format!("Convex {CONVEX_KEY}") => {
            refused()
        }
        "/api/mutation" => Answer::json(200, &json!({"status": "success"})),
        "/xrpc/com.atproto.repo.putRecord"
            if asked.header("authorization") != format!("Bearer {PDS_KEY}") =>
        {
            refused()
        }
        "/xrpc/com.atproto.repo.putRecord" => Answer::json(200, &json!({})),
        _ if asked.header("x-typesense-api-key") != TYPESENSE_KEY => refused(),
        "/multi_search" => {
            let searches = asked.json()["searches"].as_array().map_or(0, Vec::len);
            Answer::json(200, &json!({"results": vec![json!({"hits": []}); searches]}))
        }
        _ if asked.body.contains("unstorable") => Answer::text(503, "text/plain", "not ready"),
        "/collections/memory_observations/documents/import" => {
            let lines = asked.body.lines().map(|_| r#"{"success":true}"#).collect::<Vec<_>>();
            Answer::text(200, "text/plain", &lines.join("\n"))
        }
        _ => Answer::text(404, "text/plain", "nothing"),
    }
}

fn session(id: &str, trigger: &str) -> Value {
    json!({
        "sessionId": id,
        "dedupeKey": format!("{id}-key"),
        "trigger": trigger,
        "messages": "user: Green tea in the morning. The key is sk-drill0123456789abcdefghij.\nassistant: The kettle is mended.",
        "messageCount": 2,
        "filesRead": ["tea.md"],
        "filesModified": ["kettle.rs"],
        "capturedAt": "2026-03-01T12:34:56Z",
    })
}

#[async_trait::async_trait(?Send)]
impl Flow for Memory {
    fn name(&self) -> &'static str {
        FUNCTION
    }

    async fn play(&self, scene: &Scene) {
        // Four begin in a minute, so no more than these.
        self.observed(scene).await;
        tokio::join!(self.again(scene), self.speechless(scene), self.unstorable(scene));
        for key in [TYPESENSE_KEY, CONVEX_KEY, PDS_KEY, models::KEY] {
            scene.hides(key, &[]);
        }
    }
}

impl Memory {
    /// What was said to a path about a session, as JSON.
    fn told(&self, path: &str, id: &str) -> Vec<Value> {
        let asked = self.site.asked_at(path).into_iter();
        asked.filter(|asked| asked.body.contains(id)).map(|asked| asked.json()).collect()
    }

    /// The documents of a session in the index.
    fn documents(&self, id: &str) -> Vec<Value> {
        let imports = self.site.asked_at("/collections/memory_observations/documents/import");
        let lines = imports.iter().flat_map(|asked| asked.body.lines());
        let documents = lines.map(|line| serde_json::from_str::<Value>(line).expect("a document"));
        documents.filter(|document| document["session_id"] == id).collect()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("2026-03-01.md")).expect("a log")
    }

    async fn observed(&self, scene: &Scene) {
        let run = scene.run(FUNCTION, ENDED, &session("tea", "shutdown")).await;
        run.assert_steps(&[&BEGIN[..], &STORE, &END].concat());
        let result = run.result();
        assert_eq!((&result["status"], &result["byModel"]), (&json!("observed"), &json!(true)));
        let counts = &result["counts"];
        for (name, count) in [
            ("observations", 3),
            ("storedCount", 2),
            ("allowCount", 1),
            ("holdCount", 1),
            ("discardCount", 1),
            ("fallbackCount", 0),
            ("dashboardErrors", 0),
        ] {
            assert_eq!(counts[name], count, "{name}: {counts}");
        }
        let documents = self.documents("tea");
        let texts: Vec<_> =
            documents.iter().map(|one| (&one["observation"], &one["write_verdict"])).collect();
        assert_eq!(
            json!(texts),
            json!([
                ["Green tea is drunk in the morning.", "allow"],
                ["The kettle was mended.", "hold"]
            ])
        );
        assert!(documents.iter().all(|one| one["embedding"].as_array().map(Vec::len) == Some(384)));
        assert_eq!(self.told("/api/mutation", "\"tea\"").len(), 2);
        let records = self.told("/xrpc/com.atproto.repo.putRecord", "\"tea\"");
        assert_eq!(records.len(), 1, "what may be recalled");
        assert_eq!(records[0]["repo"], "did:plc:drill");
        let log = self.log();
        for line in [
            "session: tea",
            "**Trigger**: shutdown",
            "#### Tea",
            "- Green tea is drunk",
            "**Current task**: tea",
        ] {
            assert!(log.contains(line), "{line}: {log}");
        }
        assert!(!log.contains("said hello") && !log.contains("sk-drill"), "{log}");
        let latest: String = scene.redis(&["GET", "memory:latest:2026-03-01"]);
        assert!(latest.contains("Green tea is drunk"), "{latest}");
        let lock = "memory:observe:lock:tea-key";
        assert_eq!(scene.redis::<String>(&["GET", lock]), run.id);
        let lasts: i64 = scene.redis(&["TTL", lock]);
        assert!((3500..=3600).contains(&lasts), "{lasts}");
        let of_run = |data: &Value| data["observationCount"] == 3 && data["reflectableCount"] == 1;
        let accumulated = scene.event("memory/observations.accumulated", of_run).await;
        assert_eq!(
            (&accumulated["data"]["date"], &accumulated["data"]["totalTokens"]),
            (&json!("2026-03-01"), &json!(2))
        );
        assert_eq!(scene.told("memory.observed", |payload| payload["sessionId"] == "tea").len(), 1);
        // That it began, and ended well, are details.
        assert_eq!(scene.actions(&run), ["observe.store.completed"]);
    }

    /// The same part of a session is observed once.
    async fn again(&self, scene: &Scene) {
        let before = self.documents("tea").len();
        let run = scene.run(FUNCTION, ENDED, &session("tea", "shutdown")).await;
        run.assert_steps(&[&BEGIN[..], &["otel-observe-dedupe"]].concat());
        assert_eq!(
            (&run.result()["status"], &run.output["dedupeKey"]),
            (&json!("deduplicated"), &json!("tea-key"))
        );
        assert!(scene.actions(&run).is_empty(), "it is a detail: {run:?}");
        assert_eq!(self.documents("tea").len(), before);
    }

    /// Without a model the beginning is held, and nobody is told anything of it by itself.
    async fn speechless(&self, scene: &Scene) {
        let mut asked = session("speechless", "compaction");
        asked["tokensBefore"] = json!(120_000);
        let run = scene.run(FUNCTION, PENDING, &asked).await;
        run.assert_steps(&[&BEGIN[..], &STORE, &END].concat());
        assert_eq!(
            (&run.result()["byModel"], &run.output["counts"]["holdCount"]),
            (&json!(false), &json!(1))
        );
        assert_eq!(run.output["counts"]["allowCount"], 0);
        let documents = self.documents("speechless");
        assert_eq!(documents.len(), 1, "{documents:?}");
        assert_eq!(
            (&documents[0]["observation_type"], &documents[0]["write_verdict"]),
            (&json!("observation_text"), &json!("hold"))
        );
        let actions = scene.actions(&run);
        assert_eq!(actions, ["observe.llm.fallback", "observe.store.completed"]);
        let of_run = |data: &Value| data["totalTokens"] == 120_000;
        assert_eq!(
            scene.event("memory/observations.accumulated", of_run).await["data"]["reflectableCount"],
            0
        );
        assert!(self.told("/xrpc/com.atproto.repo.putRecord", "speechless").is_empty());
    }

    /// What is not stored was not observed: the run fails, and its lock is given back.
    async fn unstorable(&self, scene: &Scene) {
        let run = scene.run(FUNCTION, ENDED, &session("unstorable", "shutdown")).await;
        assert!(run.failure().contains("503"), "{run:?}");
        run.assert_steps(&[&BEGIN[..], &STORE].concat());
        assert_eq!(run.attempts("store-to-typesense"), 4);
        let of_run = |data: &Value| data["run_id"] == run.id.as_str();
        let handler: Ran = scene.follows(FAILURE, "inngest/function.failed", of_run).await;
        handler.assert_steps(&["release-lock", "otel-observe-failed"]);
        assert_eq!(handler.result(), &json!(true));
        assert!(!scene.redis::<bool>(&["EXISTS", "memory:observe:lock:unstorable-key"]));
        assert_eq!(scene.actions(&handler), ["observe.failed"]);
        assert_eq!(scene.record(&run, "observe.store.failed")["success"], false);
    }
}
