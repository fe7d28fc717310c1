//! The healer of the server and the worker, with a command that says how they are: well, ill, and ill whatever is done.

use std::path::PathBuf;
use std::rc::Rc;

use serde_json::{Value, json};

use super::flow::Flow;
use super::programs::Programs;
use super::scene::{Ran, Scene};
use super::schedules;
use super::stage::Stage;

const FUNCTION: &str = "system/self-healing.inngest-runtime";
const ROUTER: &str = "system/self-healing.router";
const ASKED: &str = "system/inngest.runtime.health.requested";
const HEALING: &str = "system/self.healing.requested";
const RECORD: &str = "system.self-healing.inngest-runtime.health";

const BEFORE: &str = "probe-inngest-status-before";
const STEPS: [&str; 3] = [BEFORE, "restart-inngest-worker", "probe-inngest-status-after"];
const STATUS: &str = "inngest status";
const RESTART: &str = "inngest restart-worker --register --wait-ms 1500";

/// Says what the file of the drill says. What is `ill` is well once it was remedied in the same run: the folder in which it
/// runs is the run's own, so that a run that a schedule begins meanwhile changes nothing for others.
const JOELCLAW: &str = r#"
echo "${PWD##*/} $*" >> "@RUNS@"
how=$(cat "@HOW@")
if [ "$2" = restart-worker ]; then
    if [ "$how" = ill ]; then touch remedied; echo '{"ok": true}'; exit 0; fi
    echo 'a run is under way' >&2
    exit 1
fi
if [ -e remedied ]; then how=well; fi
case "$how" in
well) echo 'looking ...'; echo '{"ok": true, "result": {"checks": {"server": {"ok": true}, "worker": true}}}' ;;
ill | stubborn) echo '{"ok": true, "checks": {"server": true, "worker": {"ok": false}}}' ;;
unreachable)
    echo '{"result": {"checks": {"server": true, "worker": true}, "worker": {"reachable": false}}}' >&2 ;;
envelope) echo '{"ok": true}'; exit 4 ;;
silent) exit 0 ;;
broken) echo 'no such command'; exit 3 ;;
late) sleep 60 ;;
esac
"#;

struct Runtime {
    programs: Programs,
    /// What the command says.
    how: PathBuf,
    /// The folders of runs and how they called it.
    runs: PathBuf,
}

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    let folder = stage.folder("runtime");
    let (how, runs) = (folder.join("how"), folder.join("runs"));
    std::fs::write(&how, "well").expect("written");
    let script = JOELCLAW.replace("@HOW@", &how.display().to_string());
    let programs =
        stage.program("joelclaw", &script.replace("@RUNS@", &runs.display().to_string()));
    stage.grant(
        r#"[components.inngest-runtime-healer]
shell = [
  { program = "joelclaw", arguments = ["inngest", "status"] },
  { program = "joelclaw", arguments = ["inngest", "restart-worker", "--register", "--wait-ms", "1500"] },
]
[components.inngest-runtime-healer.config]
INNGEST_RUNTIME_STATUS_TIMEOUT_MS = "5000"
"#,
    );
    Rc::new(Runtime { programs, how, runs })
}

#[async_trait::async_trait(?Send)]
impl Flow for Runtime {
    fn name(&self) -> &'static str {
        FUNCTION
    }

    async fn play(&self, scene: &Scene) {
        let starts = schedules::triggers(scene, FUNCTION).await;
        assert_eq!(starts, ["TZ=America/Los_Angeles */10 * * * *", ASKED, HEALING]);
        self.healthy(scene).await;
        self.remediated(scene).await;
        self.degraded(scene).await;
        self.dry(scene).await;
        self.signs(scene).await;
        self.domains(scene).await;
        let all = self.programs.calls("joelclaw");
        assert!(
            all.iter().all(|call| [STATUS, RESTART].contains(&call.join(" ").as_str())),
            "{all:?}"
        );
    }
}

impl Runtime {
    /// Has the command say this from now on. Whoever reads meanwhile finds the old text or the new one.
    fn says(&self, how: &str) {
        let next = self.how.with_extension("next");
        std::fs::write(&next, how).expect("written");
        std::fs::rename(&next, &self.how).expect("renamed");
    }

    async fn look(&self, scene: &Scene, how: &str, data: &Value) -> Ran {
        self.says(how);
        scene.run(FUNCTION, ASKED, data).await
    }

    /// The commands that a run has called.
    fn called(&self, run: &Ran) -> Vec<String> {
        let all = std::fs::read_to_string(&self.runs).expect("calls");
        let own = all.lines().filter_map(|line| line.strip_prefix(run.id.as_str()));
        own.map(|call| call.trim().to_owned()).collect()
    }

    async fn healthy(&self, scene: &Scene) {
        let run = self.look(scene, "well", &json!({})).await;
        run.assert_steps(&STEPS[..1]);
        assert_eq!(self.called(&run), [STATUS]);
        let result = run.result();
        let before = json!({
            "healthy": true, "by": "checks", "server": true, "worker": true, "workerReachable": null,
            "command": {
                "command": "joelclaw inngest status", "exitCode": 0, "stderr": "",
                "stdout": "looking ...\n{\"ok\": true, \"result\": {\"checks\": {\"server\": {\"ok\": true}, \"worker\": true}}}",
            },
        });
        assert_eq!(
            result,
            &json!({
                "status": "healthy", "domain": "inngest-runtime", "sourceEventName": ASKED, "dryRun": false,
                "attempt": 0, "nextAttempt": 1, "remediationAttempted": false, "remediated": false,
                "before": before, "after": null, "restartExitCode": null,
            })
        );
        let record = scene.record(&run, RECORD);
        assert_eq!((&record["success"], &record["level"]), (&json!(true), &json!("info")));
        assert_eq!(record["component"], "self-healing");
    }

    async fn remediated(&self, scene: &Scene) {
        let data =
            json!({"attempt": "2", "playbook": {"links": ["here"]}, "evidence": ["it was slow"]});
        let run = self.look(scene, "ill", &data).await;
        run.assert_steps(&STEPS);
        assert_eq!(self.called(&run), [STATUS, RESTART, STATUS]);
        let result = run.result();
        assert_eq!(
            (&result["status"], &result["restartExitCode"]),
            (&json!("remediated"), &json!(0))
        );
        assert_eq!(
            (&result["remediationAttempted"], &result["remediated"]),
            (&json!(true), &json!(true))
        );
        assert_eq!(
            (&result["before"]["healthy"], &result["before"]["worker"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(result["after"]["healthy"], true);
        assert_eq!((&result["attempt"], &result["nextAttempt"]), (&json!(2), &json!(3)));
        // One record, with how it was, what was done and how it is.
        let record = scene.record(&run, RECORD);
        assert_eq!((&record["success"], &record["level"]), (&json!(true), &json!("warn")));
        let told = &record["metadata"];
        assert_eq!(told["playbook"], data["playbook"]);
        assert_eq!(told["evidence"], data["evidence"]);
        assert_eq!((&told["before"], &told["after"]), (&result["before"], &result["after"]));
        assert_eq!(told["restart"]["command"], format!("joelclaw {RESTART}"));
    }

    async fn degraded(&self, scene: &Scene) {
        let run = self.look(scene, "stubborn", &json!({})).await;
        run.assert_steps(&STEPS);
        assert_eq!(self.called(&run), [STATUS, RESTART, STATUS]);
        let result = run.result();
        assert_eq!((&result["status"], &result["remediated"]), (&json!("degraded"), &json!(false)));
        assert_eq!(
            result["restartExitCode"], 1,
            "a remedy that fails is an answer, and not done again"
        );
        let record = scene.record(&run, RECORD);
        assert_eq!((&record["success"], &record["level"]), (&json!(false), &json!("error")));
        assert_eq!(record["metadata"]["restart"]["stderr"], "a run is under way");
        assert_eq!(record["metadata"]["playbook"]["kill"], json!([]));
    }

    async fn dry(&self, scene: &Scene) {
        let run = self.look(scene, "ill", &json!({"dryRun": true})).await;
        run.assert_steps(&STEPS[..1]);
        assert_eq!(self.called(&run), [STATUS]);
        let result = run.result();
        assert_eq!((&result["status"], &result["dryRun"]), (&json!("detected"), &json!(true)));
        assert_eq!(result["remediationAttempted"], false);
        let record = scene.record(&run, RECORD);
        assert_eq!((&record["success"], &record["level"]), (&json!(false), &json!("warn")));
    }

    /// By what it is seen that the runtime is well.
    async fn signs(&self, scene: &Scene) {
        for (how, healthy, by, code) in [
            ("unreachable", false, "worker.reachable", 0),
            ("envelope", true, "ok", 4),
            ("silent", true, "exit", 0),
            ("broken", false, "exit", 3),
            ("late", false, "exit", 124),
        ] {
            let run = self.look(scene, how, &json!({"dryRun": true})).await;
            let before = &run.result()["before"];
            let seen = (&before["healthy"], &before["by"], &before["command"]["exitCode"]);
            assert_eq!(seen, (&json!(healthy), &json!(by), &json!(code)), "{how}");
        }
    }

    /// A request for healing reaches the router as well: only one of the two acts.
    async fn domains(&self, scene: &Scene) {
        let request = |domain: &str| {
            json!({"sourceFunction": "drill", "targetComponent": "worker", "problemSummary": "it is slow",
                "domain": domain, "targetEventName": ASKED})
        };
        self.says("well");
        let event = scene.send(HEALING, &request("inngest-runtime")).await;
        let (run, router) =
            tokio::join!(scene.ended(FUNCTION, &event), scene.ended(ROUTER, &event));
        assert_eq!(run.result()["status"], "healthy");
        assert_eq!(run.result()["sourceEventName"], HEALING);
        router.assert_steps(&["emit-self-healing-completed"]);
        assert_eq!(router.result()["status"], "blocked");
        assert_eq!(router.result()["reason"], format!("{FUNCTION} owns it"));

        let other = json!({"sourceFunction": "drill", "domain": "gateway-bridge"});
        let run = scene.run(FUNCTION, HEALING, &other).await;
        run.assert_steps(&[]);
        assert_eq!(
            (&run.result()["status"], &run.result()["domain"]),
            (&json!("skipped"), &json!("gateway-bridge"))
        );
        assert!(self.called(&run).is_empty());
        let warned = scene.records(&run).into_iter().any(|record| record["level"] == "warn");
        assert!(!warned, "requests for others are the course of things");
    }
}
