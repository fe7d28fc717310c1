//! What the router makes of failures that others tell of.

use serde_json::{Value, json};

use super::{BACKUP, DETECTED, REQUESTED, ROUTER};
use crate::flows::scene::{Ran, Scene};

/// The message for people that has all of these words.
pub(super) async fn message(scene: &Scene, words: &[&str]) -> Value {
    let has = |data: &Value| {
        let text = data["text"].as_str().unwrap_or_default();
        words.iter().all(|words| text.contains(words))
    };
    let message = scene.event("gateway/send.message", has).await;
    assert_eq!(message["data"]["channel"], "telegram");
    message
}

pub(super) async fn decides(scene: &Scene) {
    tokio::join!(unknown(scene), another(scene), never_again(scene));
}

async fn failed(scene: &Scene, function: &str, error: &str, attempt: &Value) -> Ran {
    let data = json!({
        "targetFunctionId": function,
        "target": "something",
        "error": error,
        "attempt": attempt,
        "transportMode": "remote",
    });
    scene.run(ROUTER, DETECTED, &data).await
}

/// Nobody knows how to make that backup again.
async fn unknown(scene: &Scene) {
    let run = failed(scene, "system/backup.nobodys", "it was nobody's", &json!(0)).await;
    run.assert_steps(&["alert-backup-failure-escalated"]);
    let result = run.result();
    assert_eq!(
        (&result["status"], &result["reason"]),
        (&json!("invalid"), &json!("there is no backup `system/backup.nobodys`"))
    );
    message(scene, &["function: system/backup.nobodys", "error: it was nobody's"]).await;
}

/// Another backup is made again by its own function; that of Typesense leaves the request alone.
async fn another(scene: &Scene) {
    let error = "redis had no answer for the drill";
    // An attempt that is text counts as well.
    let run = failed(scene, "system/backup.redis", error, &json!("3")).await;
    run.assert_steps(&["decide-backup-retry", "backup-retry-wait", "request-backup-retry"]);
    assert_eq!(
        (&run.result()["status"], &run.result()["nextAttempt"]),
        (&json!("scheduled"), &json!(4))
    );
    let asked = |data: &Value| data["error"] == error;
    let skipped = scene.follows(BACKUP, REQUESTED, asked).await;
    assert_eq!(
        skipped.result(),
        &json!({"status": "skipped", "targetFunctionId": "system/backup.redis"})
    );
    let request = scene.event(REQUESTED, asked).await;
    assert_eq!(
        (&request["data"]["attempt"], &request["data"]["transportMode"]),
        (&json!(4), &json!("remote"))
    );
}

/// What fails again whatever is done.
async fn never_again(scene: &Scene) {
    for (error, reason) in [
        ("write: No space left on device, for the drill", "there is no space"),
        ("open: Permission denied, for the drill", "something is not permitted"),
    ] {
        let run = failed(scene, "system/backup.redis", error, &json!(0)).await;
        run.assert_steps(&["decide-backup-retry", "alert-backup-failure-escalated"]);
        assert_eq!(run.result()["status"], "escalated");
        let why = run.result()["reason"].as_str().expect("a reason");
        assert!(why.ends_with(reason), "{why}");
        message(scene, &[error, reason, "attempt: 0"]).await;
    }
}
