//! Leave that is asked for, given, refused, learnt, and given at once.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

use super::flow::Flow;
use super::scene::{Ran, Scene};
use super::stage::Stage;

const REQUEST: &str = "agent/approval-request";
const RESOLVE: &str = "agent/approval-resolve";

struct Approvals;

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    stage.grant("[components.approvals.redis]\nprefix = \"\"\n");
    Rc::new(Approvals)
}

#[async_trait::async_trait(?Send)]
impl Flow for Approvals {
    fn name(&self) -> &'static str {
        "agent/approval-request and -resolve"
    }

    async fn play(&self, scene: &Scene) {
        let id = pending(scene).await;
        approved(scene, &id).await;
        again(scene, &id).await;
        at_once(scene).await;
        rejected(scene).await;
        unknown(scene).await;
    }
}

async fn request(scene: &Scene, category: &str) -> Ran {
    let data = json!({
        "agent": "mender",
        "category": category,
        "operation": "push to main",
        "reasoning": "the build is red",
    });
    scene.run(REQUEST, "agent/approval.requested", &data).await
}

fn decision(id: &str, status: &str, reviewer: &str, learn: bool) -> Value {
    json!({"requestId": id, "status": status, "reviewer": reviewer, "learn": learn})
}

async fn resolve(scene: &Scene, decision: &Value) -> Ran {
    scene.run(RESOLVE, "agent/approval.resolved", decision).await
}

fn waiting(scene: &Scene, id: &str) -> BTreeMap<String, String> {
    scene.redis(&["HGETALL", &format!("approval:pending:{id}")])
}

/// The entries of the history about a request.
fn history(scene: &Scene, id: &str) -> Vec<Value> {
    let all: Vec<String> = scene.redis(&["ZRANGE", "approval:history", "0", "-1"]);
    let all = all.iter().map(|entry| serde_json::from_str::<Value>(entry).expect("JSON"));
    all.filter(|entry| entry["requestId"] == id).collect()
}

async fn pending(scene: &Scene) -> String {
    let run = request(scene, "git").await;
    run.assert_steps(&["submit-request", "notify-gateway-pending"]);
    assert_eq!(run.result()["status"], "pending");
    let id = run.output["requestId"].as_str().expect("an id").to_owned();
    let fields = waiting(scene, &id);
    for (field, value) in [
        ("agent", "mender"),
        ("category", "git"),
        ("operation", "push to main"),
        ("status", "pending"),
    ] {
        assert_eq!(fields[field], value, "{fields:?}");
    }
    let told = scene.told("agent.approval.pending", |payload| payload["requestId"] == id.as_str());
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["payload"]["reasoning"], "the build is red");
    assert_eq!(scene.actions(&run), ["approval.pending"]);
    id
}

async fn approved(scene: &Scene, id: &str) {
    let run = resolve(scene, &decision(id, "approved", "ada", true)).await;
    run.assert_steps(&["resolve-request", "notify-gateway-resolved"]);
    assert_eq!(run.result()["decision"], "recorded");
    assert!(waiting(scene, id).is_empty());
    let history = history(scene, id);
    assert_eq!(history.len(), 1, "{history:?}");
    assert_eq!(
        (&history[0]["status"], &history[0]["reviewer"]),
        (&json!("approved"), &json!("ada"))
    );
    assert!(scene.redis::<bool>(&["SISMEMBER", "approval:auto:mender", "git"]));
    let lasts: i64 = scene.redis(&["TTL", &format!("approval:resolved:{id}")]);
    assert!(lasts > 29 * 86_400, "{lasts}");
    let told = scene.told("agent.approval.resolved", |payload| payload["requestId"] == id);
    assert_eq!((told.len(), &told[0]["payload"]["learned"]), (1, &json!(true)));
    assert_eq!(scene.actions(&run), ["approval.resolved"]);
}

/// A second reviewer comes too late: what holds stays, and nobody is told again.
async fn again(scene: &Scene, id: &str) {
    let run = resolve(scene, &decision(id, "rejected", "grace", false)).await;
    run.assert_steps(&["resolve-request"]);
    let holds = run.result();
    assert_eq!(
        (&holds["decision"], &holds["status"]),
        (&json!("already-resolved"), &json!("approved"))
    );
    assert_eq!(history(scene, id).len(), 1);
    let told = scene.told("agent.approval.resolved", |payload| payload["requestId"] == id);
    assert_eq!(told.len(), 1);
    assert_eq!(scene.actions(&run), ["approval.already_resolved"]);
}

/// What was learnt is granted at once, and the decision about it starts a run that has nothing to do.
async fn at_once(scene: &Scene) {
    let run = request(scene, "git").await;
    run.assert_steps(&["submit-request", "emit-auto-resolved"]);
    assert_eq!(run.result()["status"], "auto-approved");
    let id = run.output["requestId"].as_str().expect("an id");
    assert!(waiting(scene, id).is_empty());
    assert_eq!(history(scene, id).len(), 1);
    let resolved =
        scene.follows(RESOLVE, "agent/approval.resolved", |data| data["requestId"] == id).await;
    assert_eq!(resolved.result()["decision"], "auto-approved");
    resolved.assert_steps(&[]);
    assert!(scene.told("agent.approval.pending", |payload| payload["requestId"] == id).is_empty());
}

async fn rejected(scene: &Scene) {
    let run = request(scene, "deploy").await;
    let id = run.output["requestId"].as_str().expect("an id");
    let run = resolve(scene, &decision(id, "rejected", "ada", true)).await;
    assert_eq!(run.result()["learned"], false);
    assert!(!scene.redis::<bool>(&["SISMEMBER", "approval:auto:mender", "deploy"]));
    assert_eq!(history(scene, id)[0]["status"], "rejected");
}

async fn unknown(scene: &Scene) {
    let run = resolve(scene, &decision("nobody-asked", "approved", "ada", false)).await;
    assert_eq!(run.status, "Failed", "{run:?}");
    assert!(run.output.to_string().contains("UnknownRequest"), "{run:?}");
    assert_eq!(scene.actions(&run), ["approval.resolve"]);
}
