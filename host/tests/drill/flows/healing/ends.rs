//! What is not sent again.

use serde_json::json;

use super::{BOTH, DECIDE, Healing, TOLD, message, model, nothing_follows, request, routed, told};
use crate::flows::scene::Scene;

const BACKUPS: &str = "system/backup.failure.router owns it";

impl Healing {
    /// What is missing is named, and no model is asked.
    pub(super) async fn incomplete(&self, scene: &Scene) {
        let data = request("incomplete", &json!({"problemSummary": " ", "targetComponent": null}));
        let run = routed(scene, &data).await;
        run.assert_steps(&[TOLD]);
        let told = told(scene, &run, "incomplete", "invalid").await;
        assert_eq!(told["action"], "escalate");
        assert_eq!(told["reason"], "the request lacks targetComponent, problemSummary");
        let record = scene.record(&run, super::RECORD);
        assert_eq!(
            record["metadata"]["requiredFields"],
            json!(["targetComponent", "problemSummary"])
        );
        assert!(self.asked("incomplete").is_empty());
        nothing_follows(scene, "incomplete").await;
    }

    /// Backups have a router of their own: by their domain, and by the event that would be sent.
    pub(super) async fn owned(&self, scene: &Scene) {
        for (name, further) in [
            ("backup-domain", json!({"domain": "backup"})),
            ("backup-event", json!({"targetEventName": "system/backup.retry.requested"})),
        ] {
            let run = routed(scene, &request(name, &further)).await;
            run.assert_steps(&[TOLD, "alert-self-healing-backup-blocked"]);
            told(scene, &run, name, "blocked").await;
            assert_eq!(run.result()["reason"], BACKUPS);
            message(scene, name, &[BACKUPS, "a backup was blocked"]).await;
            assert!(self.asked(name).is_empty());
        }
        // The healer of the runtime has the same event, so nobody needs to be told.
        let data = request(
            "runtime",
            &json!({"targetEventName": "system/inngest.runtime.health.requested"}),
        );
        let run = routed(scene, &data).await;
        run.assert_steps(&[TOLD]);
        told(scene, &run, "runtime", "blocked").await;
        nothing_follows(scene, "runtime").await;
    }

    pub(super) async fn without_an_event(&self, scene: &Scene) {
        let run = routed(scene, &request("eventless", &json!({"targetEventName": null}))).await;
        run.assert_steps(&[DECIDE, TOLD, "alert-self-healing-exhausted"]);
        told(scene, &run, "eventless", "blocked").await;
        assert_eq!(run.result()["reason"], "there is no event to send again");
        message(scene, "eventless", &["there is no event to send again"]).await;
    }

    /// A model wants one more attempt than there may be; and the rule knows that there is none.
    pub(super) async fn out_of_budget(&self, scene: &Scene) {
        let run = routed(scene, &request("exhausted", &json!({"attempt": 5}))).await;
        run.assert_steps(&[DECIDE, TOLD, "alert-self-healing-exhausted"]);
        let completed = told(scene, &run, "exhausted", "exhausted").await;
        assert_eq!(
            (&completed["reason"], &completed["action"]),
            (&json!("the budget is used up (6/5)"), &json!("escalate"))
        );
        message(
            scene,
            "exhausted",
            &["the budget is used up (6/5)", "attempt: 5", "exhausted: nothing arrives"],
        )
        .await;

        let own = json!({"attempt": 2, "retryPolicy": {"maxRetries": 2}});
        let run = routed(scene, &request("over", &own)).await;
        run.assert_steps(&[DECIDE, TOLD, "alert-self-healing-escalated"]);
        told(scene, &run, "over", "escalated").await;
        assert_eq!(run.result()["reason"], "the budget is used up: attempt 2 of 2");
        assert_eq!(self.asked("over"), BOTH);
        message(scene, "over", &["attempt: 2"]).await;
    }

    /// A model says so: the first one, and the one that is asked where the first does not decide.
    pub(super) async fn to_people(&self, scene: &Scene) {
        let run = routed(scene, &request("people", &json!({}))).await;
        run.assert_steps(&[DECIDE, TOLD, "alert-self-healing-escalated"]);
        let completed = told(scene, &run, "people", "escalated").await;
        assert_eq!(completed["model"], model::FIRST);
        message(scene, "people", &["somebody has to pull the plug", "target: otel-pipeline"]).await;

        let run = routed(scene, &request("second", &json!({}))).await;
        let completed = told(scene, &run, "second", "escalated").await;
        assert_eq!(
            (&completed["model"], &completed["reason"]),
            (&json!(model::SECOND), &json!("I know better"))
        );
        assert_eq!(self.asked("second"), BOTH);
        message(scene, "second", &["I know better"]).await;
    }
}
