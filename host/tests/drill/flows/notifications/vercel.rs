//! Deployments, and the repair of those that fail.

use serde_json::{Value, json};

use super::{TELLING, lines, notice};
use crate::flows::deliveries::deliver;
use crate::flows::scene::{Ran, Scene};

pub(super) async fn play(scene: &Scene) {
    for (what, words) in [
        ("created", "teapot is being deployed"),
        ("succeeded", "teapot was deployed"),
        ("canceled", "teapot was not deployed: it was canceled"),
    ] {
        let run = told(scene, what, &format!("dpl_{what}"), &format!("teapot-{what}")).await;
        run.assert_steps(&TELLING);
        let kind = format!("vercel.deploy.{what}");
        let payload = notice(scene, &run, &kind, ("deploymentId", what));
        let first = lines(&payload)[0].replace(&format!("-{what}"), "");
        assert!(first.starts_with(words), "{first}");
    }
    let run = told(scene, "error", "dpl_error", "teapot-error").await;
    run.assert_steps(&["enrich-context", "build-prompt", "notify-gateway", "request-repair-agent"]);
    notice(scene, &run, "vercel.deploy.error", ("deploymentId", "dpl_error"));
    let requested = asked_for(scene, "dpl_error").await;
    let data = &requested["data"];
    assert_eq!(
        (&data["tool"], &data["sandbox"], &data["timeout"]),
        (&json!("codex"), &json!("danger-full-access"), &json!(300))
    );

    // The repair was deployed, and has failed too: people are told. The second request has the id of the first one, and an
    // id starts nothing a second time within a day.
    let run = told(scene, "error", "dpl_error_again", "teapot-error").await;
    assert_eq!(run.result()["status"], "notified");
    run.assert_steps(&["enrich-context", "build-prompt", "notify-gateway", "request-repair-agent"]);
    let requests = scene.events("system/agent.requested").await;
    let same: Vec<_> = requests.iter().filter(|event| event["id"] == requested["id"]).collect();
    assert_eq!(same.len(), 2, "{requests:?}");
}

async fn asked_for(scene: &Scene, deployment: &str) -> Value {
    let own = |data: &Value| data["requestId"] == format!("vercel-deploy-error-{deployment}");
    scene.event("system/agent.requested", own).await
}

async fn told(scene: &Scene, what: &str, deployment: &str, project: &str) -> Ran {
    let delivery = json!({
        "id": format!("hook-{deployment}"), "type": format!("deployment.{what}"), "createdAt": 1_772_359_200_000_i64,
        "payload": {
            "deployment": {
                "id": deployment, "url": "teapot-1.example", "name": project,
                "meta": {
                    "githubCommitSha": "0123456789abcdef", "githubCommitMessage": "Boil longer",
                    "githubCommitAuthorName": "Ada", "githubCommitRef": "main", "githubRepo": "teapot",
                },
            },
            "links": {"deployment": "https://vercel.example/teapot/1"},
            "project": {"id": "prj_1"}, "target": "production", "plan": "hobby", "regions": ["sfo1"],
        },
    });
    deliver(scene, "vercel", &delivery, &[]).await;
    let own = |data: &Value| data["deploymentId"] == deployment;
    let function = format!("vercel-deploy-{what}-notify");
    scene.follows(&function, &format!("vercel/deploy.{what}"), own).await
}
