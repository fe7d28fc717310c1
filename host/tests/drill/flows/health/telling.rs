//! What people are told of a change, what healers are asked, and the summary of a day.

use serde_json::{Value, json};

use super::{
    CHECKED, COMMIT, COMPARE, END, Health, LOOK, RECEIPT, SIGNALS, TELL, check, local, service,
    steps,
};
use crate::flows::invoker::invoke;
use crate::flows::scene::{Ran, Scene};
use crate::flows::schedules;

const DIGEST: &str = "check/system-health-daily-digest";
const HEALING: &str = "system/self.healing.requested";
const ROUTED: &str = "system.health.self-healing.dispatch";

/// How what is wrong has changed.
#[track_caller]
fn kind(run: &Ran) -> &str {
    run.output["transition"]["kind"].as_str().unwrap_or_else(|| panic!("none: {run:?}"))
}

/// What people were told of this type so far.
fn told(scene: &Scene, kind: &str) -> Vec<Value> {
    scene.told(kind, |_| true).into_iter().map(|mut push| push["payload"].take()).collect()
}

impl Health {
    pub(super) async fn opened(&self, scene: &Scene) {
        self.around.set("kubernetes", true);
        let before = self.around.rows().len();
        let run = check(scene, "core").await;
        run.assert_steps(&steps(&[&LOOK, &[COMPARE, RECEIPT], &TELL, &[COMMIT], &END]));
        assert_eq!((&run.result()["status"], kind(&run)), (&json!("degraded"), "opened"));
        assert_eq!(run.output["degraded"], json!(["Kubernetes"]));
        let detail =
            "`kubectl get --raw=/readyz` ended with code 1: the etcd of the cluster is away";
        assert_eq!(service(&run, "Kubernetes")["detail"], detail);
        let told = told(scene, "system.health.degraded");
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(
            (&told[0]["level"], &told[0]["immediateTelegram"]),
            (&json!("warn"), &json!(false))
        );
        assert_eq!(told[0]["details"], json!({"Kubernetes": detail}));
        let rows = self.around.rows().split_off(before);
        assert_eq!(rows.len(), 11);
        assert_eq!(rows[8]["fields"]["status"], "down");
        assert_eq!(
            (&rows[10]["type"], &rows[10]["fields"]["message"]),
            (&json!("notification"), &told[0]["message"])
        );
        let record = scene.record(&run, CHECKED);
        assert_eq!((&record["success"], &record["level"]), (&json!(false), &json!("warn")));
        let latch: String = scene.redis(&["GET", "health:system-health:transition-latch:v1"]);
        let latch: Value = serde_json::from_str(&latch).expect("JSON");
        assert_eq!(
            (&latch["schema"], &latch["subjects"]),
            (&json!("system-health-latch.v1"), &json!(["Kubernetes"]))
        );
    }

    /// The same again is no news.
    pub(super) async fn repeated(&self, scene: &Scene) {
        let run = check(scene, "core").await;
        run.assert_steps(&steps(&[&LOOK, &[COMPARE, RECEIPT, COMMIT], &END]));
        assert_eq!((kind(&run), &run.result()["receipt"]["deliver"]), ("repeated", &json!(false)));
        assert_eq!(told(scene, "system.health.degraded").len(), 1);
    }

    /// Each healer is asked once, with all that it looks after; Convex refuses, and that stops nothing.
    pub(super) async fn fatal(&self, scene: &Scene) {
        for what in ["gateway", "worker", "convex"] {
            self.around.set(what, true);
        }
        let run = check(scene, "core").await;
        self.around.set("convex", false);
        let heal = [
            "claim-self-heal[gateway-bridge]",
            "dispatch-gateway-bridge-self-heal",
            "record-self-heal[gateway-bridge]",
            "claim-self-heal[inngest-runtime]",
            "dispatch-inngest-runtime-self-heal",
            "record-self-heal[inngest-runtime]",
        ];
        run.assert_steps(&steps(&[&LOOK, &heal, &[COMPARE, RECEIPT], &TELL, &[COMMIT], &END]));
        assert_eq!((kind(&run), &run.result()["convex"]["rows"]), ("changed", &json!(0)));
        assert!(
            run.output["convex"]["error"].as_str().is_some_and(|it| it.contains("no such table"))
        );
        // The rows and the notice, each refused.
        let refused = scene.actions(&run).iter().filter(|it| *it == "system.health.convex").count();
        assert_eq!(refused, 2);
        let fatal = told(scene, "system.fatal");
        assert_eq!(fatal.len(), 1, "{fatal:?}");
        assert_eq!(
            (&fatal[0]["level"], &fatal[0]["immediateTelegram"]),
            (&json!("fatal"), &json!(true))
        );
        assert_eq!(fatal[0]["before"], json!(["Kubernetes"]));
        assert_eq!(fatal[0]["degraded"], json!(["Gateway", "Kubernetes", "Worker"]));

        let of_run = |domain: &'static str, id: String| {
            move |data: &Value| {
                data["domain"] == domain && data["context"]["flowContext"]["runId"] == id.as_str()
            }
        };
        let gateway = scene.event(HEALING, of_run("gateway-bridge", run.id.clone())).await;
        let gateway = &gateway["data"];
        assert_eq!(
            (&gateway["targetComponent"], &gateway["attempt"]),
            (&json!("Gateway"), &json!(0))
        );
        assert_eq!(gateway["targetEventName"], "system/gateway.bridge.health.requested");
        assert_eq!(
            (&gateway["requestedBy"], &gateway["sourceFunction"]),
            (&json!("drill"), &json!("system/check-system-health"))
        );
        assert_eq!(gateway["retryPolicy"]["sleepMaxMs"], 900_000);
        let runtime = scene.event(HEALING, of_run("inngest-runtime", run.id.clone())).await;
        let runtime = &runtime["data"];
        assert_eq!(runtime["targetEventName"], "system/inngest.runtime.health.requested");
        assert_eq!(
            runtime["evidence"][0]["detail"],
            format!("Worker: {}", service(&run, "Worker")["detail"].as_str().expect("words"))
        );
        assert_eq!(runtime["context"]["services"], json!(["Worker", "Gateway", "Kubernetes"]));
        for domain in ["gateway-bridge", "inngest-runtime"] {
            let lasts: i64 =
                scene.redis(&["TTL", &format!("health:self-heal:{domain}:last_attempt")]);
            assert!((3500..=3600).contains(&lasts), "{domain}: {lasts}");
        }
        let asked = run.output["healing"].as_array().expect("a list");
        assert!(asked.len() == 2 && asked.iter().all(|one| one["dispatched"] == true), "{asked:?}");
    }

    /// The pause counts from the attempt.
    pub(super) async fn asked_before(&self, scene: &Scene) {
        let run = check(scene, "core").await;
        let heal = [
            "claim-self-heal[gateway-bridge]",
            "record-self-heal[gateway-bridge]",
            "claim-self-heal[inngest-runtime]",
            "record-self-heal[inngest-runtime]",
        ];
        run.assert_steps(&steps(&[&LOOK, &heal, &[COMPARE, RECEIPT, COMMIT], &END]));
        assert_eq!(kind(&run), "repeated");
        let asked = run.result()["healing"].as_array().expect("a list");
        for one in asked {
            assert_eq!(
                (&one["dispatched"], &one["reason"]),
                (&json!(false), &json!("it was asked for a short time ago"))
            );
        }
        let records = scene.records(&run);
        let routed = records.iter().filter(|it| it["action"] == ROUTED);
        assert_eq!(routed.count(), 2);
    }

    /// Errors and a drift of the memory's gate are one more change, and people have had theirs of the day.
    pub(super) async fn held_back(&self, scene: &Scene) {
        self.around.set("errors", true);
        self.around.set("drift", true);
        let run = check(scene, "full").await;
        assert_eq!((kind(&run), &run.result()["receipt"]["deliver"]), ("changed", &json!(false)));
        let reason = run.output["receipt"]["reason"].as_str().expect("a reason");
        assert!(reason.starts_with("people were told of one on "), "{reason}");
        assert_eq!(told(scene, "system.fatal").len(), 1);
        let [errors, gate] = [0, 1].map(|at| run.output["signals"][at].clone());
        assert_eq!(
            (&errors["state"], &errors["figures"]["rate"]),
            (&json!("escalated"), &json!(0.31))
        );
        assert_eq!(
            (&gate["state"], &gate["figures"]["verdicts"]),
            (&json!("escalated"), &json!(400))
        );
        assert!(run.steps.iter().any(|step| step == "emit-memory-write-gate-drift"), "{run:?}");
        let drift = scene.record(&run, "system.health.memory-write-gate-drift");
        assert_eq!(drift["success"], false);
        let lasts: i64 = scene.redis(&["TTL", "memory:health:write_gate_drift:last_notified"]);
        assert!((21_500..=21_600).contains(&lasts), "{lasts}");
        // Once in six hours.
        let again = check(scene, "signals").await;
        again.assert_steps(&steps(&[
            &SIGNALS,
            &["emit-otel-health-summary", "emit-memory-write-gate-drift", COMPARE, RECEIPT, COMMIT],
        ]));
        assert!(!scene.actions(&again).iter().any(|it| it.contains("drift")), "{again:?}");
    }

    /// A look at services does not end what the telemetry said.
    pub(super) async fn improved(&self, scene: &Scene) {
        for what in ["kubernetes", "gateway", "worker", "errors", "drift"] {
            self.around.set(what, false);
        }
        let run = check(scene, "core").await;
        assert_eq!((kind(&run), &run.result()["status"]), ("improved", &json!("noop")));
        assert_eq!(
            run.output["transition"]["subjects"],
            json!(["Memory Write Gate", "OTEL Error Rate"])
        );
    }

    pub(super) async fn resolved(&self, scene: &Scene) {
        let run = check(scene, "full").await;
        assert_eq!((kind(&run), &run.result()["status"]), ("resolved", &json!("noop")));
        let told = told(scene, "system.health.resolved");
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(
            told[0]["message"],
            "All is well again. It was: Memory Write Gate, OTEL Error Rate"
        );
        assert_eq!(
            (&told[0]["level"], &told[0]["immediateTelegram"]),
            (&json!("info"), &json!(false))
        );
    }

    /// The summary of the day before, which is told once.
    pub(super) async fn a_day(&self, scene: &Scene) {
        let starts = schedules::triggers(scene, DIGEST).await;
        assert_eq!(starts, ["TZ=America/Los_Angeles 5 0 * * *"]);
        let today = local().date();
        let key = |date: jiff::civil::Date| format!("health:system-health:day:v1:{date}");
        let day: String = scene.redis(&["GET", &key(today)]);
        let seen: Value = serde_json::from_str(&day).expect("JSON");
        let changes = seen["changes"].as_array().expect("changes");
        let kinds: Vec<_> =
            changes.iter().map(|change| change["kind"].as_str().expect("a kind")).collect();
        let expected = [
            "opened", "changed", "changed", "improved", "resolved", "opened", "improved",
            "resolved",
        ];
        assert_eq!(kinds, expected);
        let at_once: Vec<_> = changes.iter().map(|change| change["told"] == true).collect();
        assert_eq!(at_once, [true, true, false, false, true, false, false, false]);

        // What happened today is what happened yesterday, as far as the summary knows.
        let yesterday = today.yesterday().expect("a day");
        scene.redis::<()>(&["SET", &key(yesterday), &day]);
        let run = invoke(scene, "health-digest", DIGEST, &json!({"cron": "5 0 * * *"})).await;
        run.assert_steps(&[
            "read-health-day",
            "claim-health-daily-digest",
            "notify-health-daily-digest",
        ]);
        let result = run.result();
        assert_eq!(
            (&result["date"], &result["checks"]),
            (&json!(yesterday.to_string()), &seen["checks"])
        );
        let told = told(scene, "system.health.daily-digest");
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!((&told[0]["transitions"], &told[0]["openNow"]), (&seen["changes"], &json!([])));
        let message = told[0]["message"].as_str().expect("words");
        assert!(message.contains(" changed: Gateway, Kubernetes, Worker\n"), "{message}");
        assert!(message.contains("(not told at once)"), "{message}");
        assert_eq!(scene.actions(&run), ["system.health.digest"]);

        let again =
            invoke(scene, "health-digest-again", DIGEST, &json!({"cron": "5 0 * * *"})).await;
        again.assert_steps(&["read-health-day", "claim-health-daily-digest"]);
        assert_eq!(again.result()["told"], Value::Null);
        assert_eq!(scene.told("system.health.daily-digest", |_| true).len(), 1);
    }
}
