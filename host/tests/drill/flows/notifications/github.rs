//! Workflows that have ended, and packages.

use serde_json::{Value, json};

use super::{TELLING, lines, notice};
use crate::flows::deliveries::deliver;
use crate::flows::scene::Scene;

pub(super) async fn play(scene: &Scene) {
    workflow(scene).await;
    package(scene).await;
}

async fn workflow(scene: &Scene) {
    let delivery = json!({
        "action": "completed",
        "workflow_run": {
            "id": 11, "run_number": 7, "run_attempt": 2, "workflow_id": 3, "name": "CI", "event": "push",
            "status": "completed", "conclusion": "failure", "html_url": "https://github.example/runs/11",
            "head_branch": "main", "head_sha": "0123456789abcdef", "actor": {"login": "tea-drinker"},
            "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:02:05Z",
        },
        "repository": {"full_name": "example/teapot", "html_url": "https://github.example/teapot"},
    });
    let headers = [("x-github-event", "workflow_run"), ("x-github-delivery", "delivery-1")];
    // GitHub sends again what it believes to be lost.
    for _ in 0..2 {
        deliver(scene, "github", &delivery, &headers).await;
    }
    let own = |data: &Value| data["runId"] == 11;
    let function = "github-workflow-run-completed-notify";
    let run = scene.follows(function, "github/workflow_run.completed", own).await;
    run.assert_steps(&TELLING);
    let kind = "github.workflow_run.completed";
    let payload = notice(scene, &run, kind, ("repository", "example/teapot"));
    assert_eq!((&payload["level"], &payload["durationSeconds"]), (&json!("warn"), &json!(125)));
    assert_eq!(
        lines(&payload),
        [
            "CI of example/teapot: failure",
            "Branch: main",
            "Commit: 01234567",
            "By: tea-drinker",
            "Seconds: 125",
            "See: https://github.example/runs/11",
        ]
    );
    let events = scene.events("github/workflow_run.completed").await;
    assert_eq!(events[0]["id"], "github-workflow-run-completed-delivery-1-11");
}

async fn package(scene: &Scene) {
    let delivery = json!({
        "action": "published",
        "package": {
            "ecosystem": "npm", "name": "teapot", "package_type": "npm",
            "html_url": "https://github.example/packages/1",
            "package_version": {"name": "1.2.0", "html_url": ""},
        },
        "repository": {"full_name": "example/teapot"}, "sender": {"login": "tea-drinker"},
    });
    let headers = [("x-github-event", "package"), ("x-github-delivery", "delivery-2")];
    deliver(scene, "github", &delivery, &headers).await;
    let own = |data: &Value| data["packageName"] == "teapot";
    let function = "github-package-published-notify";
    let run = scene.follows(function, "github/package.published", own).await;
    run.assert_steps(&TELLING);
    let payload = notice(scene, &run, "github.package.published", ("packageName", "teapot"));
    assert_eq!(payload["htmlUrl"], "https://github.example/packages/1");
    assert_eq!(lines(&payload)[0], "teapot 1.2.0 was published");
}
