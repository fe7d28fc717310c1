//! Checks of a system that is well, and what each of them looks at.

use serde_json::{Value, json};

use super::{CHECK, CHECKED, COMMIT, COMPARE, END, Health, LOOK, SIGNALS, check, service, steps};
use crate::flows::scene::Scene;
use crate::flows::stage::{CONVEX_KEY, TYPESENSE_KEY};

/// All services, in the order in which they are told.
const SERVICES: [&str; 10] = [
    "Redis",
    "Inngest",
    "Worker",
    "Gateway",
    "Webhooks",
    "Typesense",
    "Agent Secrets",
    "NFS Mounts",
    "Kubernetes",
    "Front Projection",
];

const SCHEDULE: &str = "check/system-health-signals-schedule";

impl Health {
    /// Nobody is told that all is well.
    pub(super) async fn well(&self, scene: &Scene) {
        let before = self.around.rows().len();
        // The oldest of the names means services too, where it does not say more.
        let run =
            scene.run(CHECK, "system/health.check.requested", &json!({"source": "drill"})).await;
        run.assert_steps(&steps(&[&LOOK, &[COMPARE, COMMIT], &END]));
        let result = run.result();
        assert_eq!((&result["status"], &result["mode"]), (&json!("noop"), &json!("core")));
        assert_eq!((&result["degraded"], &result["healing"]), (&json!([]), &json!([])));
        assert_eq!((&result["receipt"], &result["told"]), (&Value::Null, &Value::Null));
        let all = result["services"].as_array().expect("services");
        let names: Vec<_> = all.iter().map(|one| one["name"].as_str().expect("a name")).collect();
        assert_eq!(names, SERVICES);
        assert!(all.iter().all(|one| one["up"] == true), "{all:?}");

        // The first place has nothing of the kind, the second one is the real engine behind the address that colima says.
        let engine = &service(&run, "Inngest")["endpoint"];
        let port = scene.engine().rsplit(':').next().expect("a port");
        assert_eq!((&engine["class"], &engine["status"]), (&json!("vm"), &json!(200)));
        assert_eq!(engine["url"], format!("http://127.0.0.1:{port}/health"));
        let elsewhere = format!("{}/elsewhere/health", self.around.site.origin());
        let skipped = json!([{"url": elsewhere, "reason": "answered with status 404"}]);
        assert_eq!(engine["skipped"], skipped);
        let gateway = service(&run, "Gateway")["detail"].as_str().expect("words");
        assert!(gateway.contains(&format!("process {} listens", std::process::id())), "{gateway}");

        assert_eq!(result["convex"], json!({"rows": 10}));
        let rows = self.around.rows().split_off(before);
        let ids: Vec<_> =
            rows.iter().map(|row| row["resourceId"].as_str().expect("an id")).collect();
        let expected =
            SERVICES.map(|name| format!("system-status:{}", name.to_lowercase().replace(' ', "-")));
        assert_eq!(ids, expected);
        for (row, name) in rows.iter().zip(SERVICES) {
            let fields = &row["fields"];
            assert_eq!((&row["type"], &fields["name"]), (&json!("system_status"), &json!(name)));
            assert_eq!(fields["status"], "healthy");
        }

        let kept: String = scene.redis(&["GET", "health:last_result"]);
        let kept: Value = serde_json::from_str(&kept).expect("JSON");
        assert_eq!(kept["services"], result["services"]);
        let at = kept_at(scene);
        let update =
            scene.event("system/network.update", |data| data["checkedAt"] == at.as_str()).await;
        assert_eq!(
            (&update["data"]["status"], &update["data"]["degraded"]),
            (&json!("noop"), &json!([]))
        );
        let record = scene.record(&run, CHECKED);
        assert_eq!(
            (&record["success"], &record["component"]),
            (&json!(true), &json!("check-system-health"))
        );
        assert_eq!(record["metadata"]["policy"]["rank"], 1);
        assert!(record["metadata"]["timingsMs"]["Kubernetes"].is_u64(), "{record}");
        self.secrets_stay_where_they_belong();
    }

    fn secrets_stay_where_they_belong(&self) {
        let searches = self.around.typesense.asked();
        let mut searches = searches.iter().filter(|asked| asked.path.contains("/collections/"));
        assert!(searches.all(|asked| asked.header("x-typesense-api-key") == TYPESENSE_KEY));
        let said =
            |asked: &crate::flows::site::Asked, key: &str| format!("{asked:?}").contains(key);
        assert!(!self.around.typesense.asked().iter().any(|asked| said(asked, CONVEX_KEY)));
        assert!(!self.around.site.asked().iter().any(|asked| said(asked, TYPESENSE_KEY)));
    }

    /// The telemetry has its turn once in 45 minutes, whoever asks.
    pub(super) async fn signals(&self, scene: &Scene) {
        let asked = "system/health.signals.requested";
        let run = scene.run(SCHEDULE, asked, &json!({})).await;
        run.assert_steps(&["gate-health-signals", "request-health-signals"]);
        assert_eq!(run.result()["requested"], true);
        let id = run.output["event_id"].as_str().expect("an id").to_owned();
        let lasts: i64 = scene.redis(&["TTL", "health:signals:last_requested"]);
        assert!((2600..=2700).contains(&lasts), "{lasts}");
        assert_eq!(scene.actions(&run), ["system.health.signals.scheduled"]);
        let again = scene.run(SCHEDULE, asked, &json!({})).await;
        again.assert_steps(&["gate-health-signals"]);
        assert_eq!(again.result(), &json!({"requested": false, "event_id": null}));

        let look = scene.ended(CHECK, &id).await;
        look.assert_steps(&steps(&[&SIGNALS, &["emit-otel-health-summary", COMPARE, COMMIT]]));
        assert_eq!(
            (&look.result()["mode"], &look.output["status"]),
            (&json!("signals"), &json!("noop"))
        );
        assert_eq!(look.output["services"], json!([]));
        let [errors, gate] = [0, 1].map(|at| look.output["signals"][at].clone());
        assert_eq!(
            (&errors["name"], &errors["state"]),
            (&json!("OTEL Error Rate"), &json!("normal"))
        );
        assert_eq!(
            (&errors["figures"]["total"], &errors["figures"]["errors"]),
            (&json!(100), &json!(1))
        );
        assert_eq!(
            (&gate["name"], &gate["state"]),
            (&json!("Memory Write Gate"), &json!("normal"))
        );
        let searches = self.around.typesense.asked_at("/collections/otel_events/documents/search");
        let filters: Vec<_> =
            searches.iter().map(|asked| asked.query["filter_by"].as_str()).collect();
        // What the check records itself is no failure of the system.
        assert!(filters[0].contains("component:!=check-system-health"), "{filters:?}");
    }

    /// What cannot be looked at is not wrong, and nobody is told of it.
    pub(super) async fn without_telemetry(&self, scene: &Scene) {
        self.around.set("typesense", true);
        let run = check(scene, "signals").await;
        self.around.set("typesense", false);
        run.assert_steps(&steps(&[&SIGNALS, &["emit-otel-health-summary"]]));
        assert_eq!(
            (&run.result()["status"], &run.output["degraded"]),
            (&json!("unchecked"), &json!([]))
        );
        assert_eq!(run.output["signals"][0]["state"], "unavailable");
        assert_eq!(scene.record(&run, CHECKED)["level"], "warn");
    }

    /// Whatever is looked at is found where it is wrong, with the reason.
    pub(super) async fn each_probe(&self, scene: &Scene) {
        let all = [
            ("webhooks", "Webhooks", "503"),
            ("typesense", "Typesense", "503"),
            ("secrets", "Agent Secrets", "the store is locked"),
            ("mount", "NFS Mounts", "nas-nvme"),
        ];
        for (what, ..) in all {
            self.around.set(what, true);
        }
        let run = check(scene, "core").await;
        for (what, ..) in all {
            self.around.set(what, false);
        }
        for (_, name, words) in all {
            let found = service(&run, name);
            let detail = found["detail"].as_str().expect("words");
            assert!(found["up"] == false && detail.contains(words), "{found}");
        }
        // These have no healer. Where Typesense is away, so is the index of mails.
        assert_eq!(run.result()["healing"], json!([]));
        let degraded = ["Agent Secrets", "Front Projection", "NFS Mounts", "Typesense", "Webhooks"];
        assert_eq!(run.output["degraded"], json!(degraded));

        self.around.set("mails", true);
        let run = check(scene, "core").await;
        self.around.set("mails", false);
        assert_eq!(run.result()["degraded"], json!(["Front Projection"]));
        assert_eq!(
            service(&run, "Front Projection")["detail"],
            "the newest mail is 1800 minutes old"
        );
        // This name of the event means everything.
        let run = scene.run(CHECK, "system/health.check", &json!({})).await;
        run.assert_steps(&steps(&[
            &["ping-services"],
            &SIGNALS,
            &LOOK[1..],
            &[COMPARE, super::RECEIPT, COMMIT],
            &END,
        ]));
        assert_eq!(
            (&run.result()["mode"], &run.output["status"]),
            (&json!("full"), &json!("noop"))
        );
    }
}

/// When the last check of services was.
fn kept_at(scene: &Scene) -> String {
    scene.redis(&["GET", "health:last_check"])
}
