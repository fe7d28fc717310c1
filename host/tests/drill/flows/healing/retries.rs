//! What is sent again.

use serde_json::{Value, json};

use super::{
    BOTH, DECIDE, Healing, REQUESTED, TOLD, model, nothing_follows, request, routed, told,
};
use crate::flows::scene::{Ran, Scene};

const STEPS: [&str; 4] = [DECIDE, "self-healing-router-wait", "emit-self-healing-retry", TOLD];

/// The event that was sent again.
async fn again(scene: &Scene, run: &Ran, name: &str) -> Value {
    run.assert_steps(&STEPS);
    let source = format!("drill/{name}");
    let event = format!("drill/mend.{name}");
    let sent = scene.event(&event, |data| data["sourceFunction"] == source.as_str()).await;
    assert_eq!(scene.events(&event).await.len(), 1);
    sent["data"].clone()
}

impl Healing {
    /// No model decides, so it is the rule: below the budget it waits.
    pub(super) async fn by_the_rule(&self, scene: &Scene) {
        let data = request(
            "rule",
            &json!({
                "attempt": "1",
                "evidence": ["an empty table"],
                "playbook": {"links": ["here"]},
                "owner": "ada",
                "deadlineAt": "2030-01-01T00:00:00Z",
                "fallbackAction": "manual",
                "context": {"of": "the drill"},
                "retryPolicy": {"maxRetries": 1000, "sleepMinMs": 2, "sleepMaxMs": 3, "sleepStepMs": 4},
            }),
        );
        let run = routed(scene, &data).await;
        let sent = again(scene, &run, "rule").await;
        assert_eq!(
            self.asked("rule"),
            BOTH,
            "each is asked once, whatever the wait does to the run"
        );

        let result = run.result();
        assert_eq!((&result["action"], &result["nextAttempt"]), (&json!("pause"), &json!(2)));
        assert_eq!(result["delayMs"], 5000, "the shortest wait that there is");
        assert_eq!(result["routeToEventName"], "drill/mend.rule");
        for member in [
            "sourceFunction",
            "targetComponent",
            "problemSummary",
            "evidence",
            "playbook",
            "owner",
            "deadlineAt",
            "fallbackAction",
        ] {
            assert_eq!(sent[member], data[member], "{member}");
        }
        assert_eq!((&sent["attempt"], &sent["nextAttempt"]), (&json!(2), &json!(2)));
        let policy =
            json!({"maxRetries": 64, "sleepMinMs": 5000, "sleepMaxMs": 5000, "sleepStepMs": 5000});
        assert_eq!(sent["retryPolicy"], policy);
        assert_eq!(sent["decision"]["model"], "deterministic-guardrail");
        assert_eq!(sent["decision"]["routeToEventName"], "drill/mend.rule");
        assert_eq!(sent["context"]["of"], "the drill");
        let context = &sent["context"]["runContext"];
        assert_eq!(
            context["runContextKey"],
            format!(
                "{REQUESTED}::drill/rule::otel-pipeline::otel-pipeline::drill/mend.rule::next-2"
            )
        );
        assert_eq!(context["sourceEventName"], REQUESTED);

        let told = told(scene, &run, "rule", "scheduled").await;
        assert_eq!(
            (&told["model"], &told["owner"]),
            (&json!("deterministic-guardrail"), &json!("ada"))
        );
        assert_eq!((&told["evidence"], &told["playbook"]), (&data["evidence"], &data["playbook"]));
        assert_eq!(&told["context"]["runContext"], context);
        assert_eq!((&told["attempt"], &told["domain"]), (&json!(1), &json!("otel-pipeline")));
    }

    /// With talk and a fence around its answer.
    pub(super) async fn by_a_model(&self, scene: &Scene) {
        let run = routed(scene, &request("fenced", &json!({}))).await;
        let sent = again(scene, &run, "fenced").await;
        assert_eq!(self.asked("fenced"), [model::FIRST]);
        let result = run.result();
        assert_eq!(
            (&result["action"], &result["reason"]),
            (&json!("retry"), &json!("it will pass"))
        );
        assert_eq!(result["delayMs"], 5000, "a second is too short");
        assert_eq!((&sent["attempt"], &sent["decision"]["confidence"]), (&json!(1), &json!(0.9)));
        assert_eq!(sent["retryPolicy"]["maxRetries"], 5);
        let told = told(scene, &run, "fenced", "scheduled").await;
        assert_eq!((&told["model"], &told["confidence"]), (&json!(model::FIRST), &json!(0.9)));
    }

    /// The first one is away.
    pub(super) async fn by_the_model_behind(&self, scene: &Scene) {
        let run = routed(scene, &request("away", &json!({}))).await;
        again(scene, &run, "away").await;
        assert_eq!(self.asked("away"), BOTH);
        assert_eq!(told(scene, &run, "away", "scheduled").await["model"], model::SECOND);
    }

    /// The request names no event and the model does; but none that somebody else owns.
    pub(super) async fn to_the_event_of_a_model(&self, scene: &Scene) {
        let run = routed(scene, &request("named", &json!({"targetEventName": null}))).await;
        let sent = again(scene, &run, "named").await;
        assert_eq!(sent["targetEventName"], "drill/mend.named");
        assert_eq!(
            told(scene, &run, "named", "scheduled").await["routeToEventName"],
            "drill/mend.named"
        );

        let data = request("backup-by-model", &json!({"targetEventName": ""}));
        let run = routed(scene, &data).await;
        run.assert_steps(&[DECIDE, TOLD, "alert-self-healing-backup-blocked"]);
        told(scene, &run, "backup-by-model", "blocked").await;
        assert_eq!(run.result()["reason"], "system/backup.failure.router owns it");
        let asked = scene.events("system/backup.retry.requested").await;
        let own = |event: &Value| event["data"]["sourceFunction"] == "drill/backup-by-model";
        assert!(!asked.iter().any(own), "{asked:?}");
        // Nor was what a request names sent for one that is incomplete.
        nothing_follows(scene, "incomplete").await;
    }
}
