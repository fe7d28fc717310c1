//! The check of registrations and schedules, before the real server and worker: a function that is missing, one that stays
//! so, schedules that are dead, and a worker that is away.

mod planted;
mod relay;

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

use self::relay::{Case, Relay, SECRETS};
use super::flow::Flow;
use super::scene::{Ran, Scene};
use super::schedules;
use super::stage::Stage;

const FUNCTION: &str = "check/function-registration-and-runs";
const ASKED: &str = "system/function-health.requested";

/// The function that goes missing.
const HIDDEN: &str = "system/backup.failure.router";

/// The schedules that are looked at, by the ids of their functions.
const SCHEDULED: [(&str, &str); 3] = [
    (FUNCTION, "flows-cluster/check/function-registration-and-runs/0 * * * *"),
    (
        "system/backup.typesense",
        "flows-host/system/backup.typesense/TZ=America/Los_Angeles 0 3 * * *",
    ),
    (
        "system/self-healing.inngest-runtime",
        "flows-host/system/self-healing.inngest-runtime/TZ=America/Los_Angeles */10 * * * *",
    ),
];

const LIST: [&str; 2] = ["list-expected-functions", "list-registered-functions"];
const REGISTER: [&str; 2] = ["register-missing-functions", "confirm-registered-functions"];
const JUDGE: [&str; 3] = ["remember-schedules", "judge-schedules", "tell-function-health"];

struct Registration {
    relay: Relay,
}

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    let relay = Relay::on(stage);
    let (server, worker) = (relay.server.origin(), relay.worker.origin());
    stage.secret("function_health_server", SECRETS[0]);
    stage.secret("function_health_worker", SECRETS[1]);
    stage.grant(&format!(
        r#"[components.registration-check]
http = [
  {{ to = "{server}", methods = ["GET"], private = true }},
  {{ to = "{worker}/api/functions", methods = ["GET"], private = true }},
  {{ to = "{worker}/api/inngest", methods = ["PUT"], private = true }},
]
secrets = [
  {{ name = "function_health_server", to = ["{server}"] }},
  {{ name = "function_health_worker", to = ["{worker}"] }},
]
redis = {{}}
[components.registration-check.config]
INNGEST_URL = "{server}"
INNGEST_WORKER_URL = "{worker}"
FUNCTION_HEALTH_SERVER_SECRET = "function_health_server"
FUNCTION_HEALTH_WORKER_SECRET = "function_health_worker"
"#
    ));
    Rc::new(Registration { relay })
}

#[async_trait::async_trait(?Send)]
impl Flow for Registration {
    fn name(&self) -> &'static str {
        FUNCTION
    }

    async fn play(&self, scene: &Scene) {
        // Whoever asks meanwhile, on the hour, finds all well.
        let worker = scene.addresses().last().expect("a worker for the cluster");
        self.relay.worker_is(format!("http://{worker}"));
        away_from_the_hour().await;
        let starts = schedules::triggers(scene, FUNCTION).await;
        assert_eq!(starts, ["0 * * * *", ASKED]);
        self.well(scene).await;
        self.missing(scene).await;
        self.forgotten(scene).await;
        self.dead(scene).await;
        self.over(scene).await;
        self.away(scene).await;
        self.unwilling(scene).await;
    }
}

/// The hourly check would find, and tell, what is meant for another one.
async fn away_from_the_hour() {
    let into = jiff::Timestamp::now().as_second().rem_euclid(3600);
    if into > 3420 {
        tokio::time::sleep(Duration::from_secs(3620 - into.unsigned_abs())).await;
    }
}

/// The steps, with these before the schedules and one for each of these schedules.
fn steps(before: &[&str], schedules: &[String]) -> Vec<String> {
    let looked = schedules.iter().map(|schedule| format!("check-schedule[{schedule}]"));
    let before = LIST.iter().chain(before).map(|step| (*step).to_owned());
    before.chain(looked).chain(JUDGE.map(str::to_owned)).collect()
}

/// The real schedules that are looked at.
fn real() -> Vec<String> {
    SCHEDULED.map(|(_, schedule)| schedule.to_owned()).to_vec()
}

fn assert_steps(run: &Ran, expected: &[String]) {
    run.assert_steps(&expected.iter().map(String::as_str).collect::<Vec<_>>());
}

/// How often people were alerted of these problems.
fn alerts(scene: &Scene, problems: &Value) -> usize {
    scene.told("alert", |payload| payload["problems"] == *problems).len()
}

impl Registration {
    async fn check(&self, scene: &Scene, case: Case) -> Ran {
        self.relay.set(case);
        scene.run(FUNCTION, ASKED, &json!({})).await
    }

    fn puts(&self) -> usize {
        self.relay.worker.asked_at("/api/inngest").len()
    }

    async fn well(&self, scene: &Scene) {
        let run = self.check(scene, Case::Well).await;
        assert_steps(&run, &steps(&[], &real()));
        let result = run.result();
        assert_eq!((&result["status"], &result["told"]), (&json!("healthy"), &json!("nothing")));
        let own = scene.functions().await.iter().filter(|(_, role)| *role == "cluster").count();
        assert_eq!(result["expected"], own);
        assert_eq!((&result["missing"], &result["problems"]), (&json!([]), &json!([])));
        for (schedule, (_, key)) in
            result["schedules"].as_array().expect("all").iter().zip(SCHEDULED)
        {
            // One may have fired since the drill began.
            let verdict = schedule["verdict"].as_str().expect("a verdict");
            assert!(["young", "alive"].contains(&verdict), "{schedule}");
            let key = format!("registration-check:function-health:schedule:{key}");
            let kept: String = scene.redis(&["GET", &key]);
            let kept: Value = serde_json::from_str(&kept).expect("JSON");
            assert!(kept["firstSeen"].as_i64().is_some_and(|at| at > 0), "{kept}");
            let lasts: i64 = scene.redis(&["TTL", &key]);
            assert!(lasts > 799 * 86_400, "{lasts}");
        }
        assert_eq!(self.puts(), 0);
        let runs = "/v2/apps/flows-host/functions/system%2Fbackup.typesense/runs";
        let asked = self.relay.server.asked_at(runs);
        assert_eq!(
            (asked[0].query["status"].as_str(), asked[0].query["limit"].as_str()),
            ("COMPLETED", "100")
        );
        // Each has the secret that is its own: another one is refused.
        let told = |site: &super::site::Site, secret: &str| {
            let all = site.asked();
            all.iter().any(|asked| asked.headers.values().any(|value| value.contains(secret)))
        };
        assert!(!told(&self.relay.server, SECRETS[1]) && !told(&self.relay.worker, SECRETS[0]));
        let record = scene.record(&run, "check.function-registration-and-runs");
        assert_eq!(
            (&record["success"], &record["component"]),
            (&json!(true), &json!("function-health"))
        );
        for secret in SECRETS {
            scene.hides(secret, &[&run]);
        }
    }

    /// The worker registers, and is believed once the server knows the function.
    async fn missing(&self, scene: &Scene) {
        let run = self.check(scene, Case::Missing).await;
        assert_steps(&run, &steps(&REGISTER, &real()));
        let result = run.result();
        assert_eq!((&result["status"], &result["told"]), (&json!("healthy"), &json!("nothing")));
        assert_eq!((&result["missing"], &result["stillMissing"]), (&json!([HIDDEN]), &json!([])));
        assert_eq!(self.puts(), 1);
        assert_eq!(self.relay.worker.asked_at("/api/inngest")[0].method, "PUT");
    }

    /// The registration is answered well and changes nothing. People are told once.
    async fn forgotten(&self, scene: &Scene) {
        let problems = json!([format!("{HIDDEN} is not registered as it should be")]);
        for told in ["now", "before"] {
            let run = self.check(scene, Case::Forgotten).await;
            assert_steps(&run, &steps(&REGISTER, &real()));
            let result = run.result();
            assert_eq!((&result["status"], &result["told"]), (&json!("degraded"), &json!(told)));
            assert_eq!(
                (&result["stillMissing"], &result["problems"]),
                (&json!([HIDDEN]), &problems)
            );
            assert_eq!(alerts(scene, &problems), 1);
            let record = scene.record(&run, "check.function-registration-and-runs");
            assert_eq!((&record["success"], &record["level"]), (&json!(false), &json!("error")));
        }
        let latch = "registration-check:function-health:told";
        let lasts: i64 = scene.redis(&["TTL", latch]);
        assert!((86_000..=86_400).contains(&lasts), "{lasts}");
    }

    /// Schedules that are registered and lead to nothing. What is wrong has changed, so people are told.
    async fn dead(&self, scene: &Scene) {
        for (function, cron, _) in planted::SCHEDULES {
            let key =
                format!("registration-check:function-health:schedule:planted/{function}/{cron}");
            let long_ago = json!({"firstSeen": 1, "lastSuccess": null}).to_string();
            scene.redis::<()>(&["SET", &key, &long_ago]);
        }
        let run = self.check(scene, Case::Dead).await;
        let planted =
            planted::SCHEDULES.map(|(function, cron, _)| format!("planted/{function}/{cron}"));
        assert_steps(&run, &steps(&[], &[real(), planted.to_vec()].concat()));
        let result = run.result();
        let schedules = result["schedules"].as_array().expect("all");
        let of_planted = schedules.iter().filter(|one| one["app"] == "planted");
        let seen: Vec<_> =
            of_planted.map(|one| (&one["function"], &one["cron"], &one["verdict"])).collect();
        assert_eq!(json!(seen), json!(planted::SCHEDULES));
        let dead = |function: &str, cron: &str| {
            format!(
                "{function} of planted: `{cron}` led to no run that completed within twice its period"
            )
        };
        let problems = json!([
            dead("dead/two", "*/15 * * * *"),
            dead("late/three", "0 * * * *"),
            "odd/four of planted: `every morning` cannot be read",
        ]);
        assert_eq!((&result["problems"], &result["told"]), (&problems, &json!("now")));
        assert_eq!(alerts(scene, &problems), 1);
        let alive: String = scene.redis(&[
            "GET",
            "registration-check:function-health:schedule:planted/alive/one/*/15 * * * *",
        ]);
        let alive: Value = serde_json::from_str(&alive).expect("JSON");
        assert_eq!(alive["firstSeen"], 1);
        assert!(alive["lastSuccess"].as_i64().is_some_and(|at| at > 1), "{alive}");
    }

    /// Nothing is wrong any more.
    async fn over(&self, scene: &Scene) {
        for told in ["resolved", "nothing"] {
            let run = self.check(scene, Case::Well).await;
            assert_eq!(
                (&run.result()["status"], &run.result()["told"]),
                (&json!("healthy"), &json!(told))
            );
            let notices = scene.told("system.function-health.resolved", |_| true);
            assert_eq!(notices.len(), 1);
            assert_eq!(
                notices[0]["payload"]["message"],
                "all functions are registered and run again"
            );
        }
        assert!(!scene.redis::<bool>(&["EXISTS", "registration-check:function-health:told"]));
    }

    /// The check is tried again, and then it fails.
    async fn away(&self, scene: &Scene) {
        let run = self.check(scene, Case::Away).await;
        assert_eq!((run.steps.as_slice(), run.attempts(LIST[0])), (&[LIST[0].to_owned()][..], 4));
        assert!(run.failure().contains("503"), "{run:?}");
        let record = scene.record(&run, "check.function-registration-and-runs");
        assert_eq!((&record["success"], &record["level"]), (&json!(false), &json!("error")));
    }

    /// A worker that cannot register fails the check too: nobody knows what is missing then.
    async fn unwilling(&self, scene: &Scene) {
        let run = self.check(scene, Case::Unwilling).await;
        assert_eq!(run.attempts(REGISTER[0]), 4);
        assert!(run.failure().contains("500"), "{run:?}");
        scene.record(&run, "check.function-registration-and-runs");
        self.relay.set(Case::Well);
    }
}
