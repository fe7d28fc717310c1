//! A function of the drill's own, which invokes others: those that only a schedule starts need not wait for it.

use serde_json::{Value, json};

use super::scene::{Ran, Scene};
use super::site::{Answer, Asked, Site};
use super::stage::ROLES;

/// The one step of the function.
const STEP: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

/// Invokes a function with these data, by an app of this name, and waits for the end of its run.
pub(crate) async fn invoke(scene: &Scene, app: &str, function: &str, data: &Value) -> Ran {
    let functions = scene.functions().await;
    let (_, role) = functions.iter().find(|(id, _)| id == function).expect("it is served");
    assert!(ROLES.contains(role));
    let slug = format!("{}-{function}", super::stage::app_of(role));
    let mut data = data.clone();
    data["by"] = json!(app);
    let (asked, given) = (slug.clone(), data.clone());
    let site = Site::start(move |call| answer(call, &asked, &given));
    register(scene, app, &site).await;
    scene.send(&format!("{app}/go"), &json!({})).await;
    let own = |data: &Value| data["by"] == app && data["_inngest"]["fn_id"] == slug.as_str();
    scene.follows(function, "inngest/function.invoked", own).await
}

/// Asks the server for the run, and ends once it has ended.
fn answer(call: &Asked, slug: &str, data: &Value) -> Answer {
    let over = call.json()["steps"].get(STEP).is_some();
    let answer = if over {
        Answer::json(200, &Value::Null)
    } else {
        let opts = json!({"function_id": slug, "payload": {"data": data}});
        let op = json!({"op": "InvokeFunction", "id": STEP, "displayName": "call", "opts": opts});
        Answer::json(206, &json!([op]))
    };
    answer.with("x-inngest-sdk", "js:v3.40.0")
}

async fn register(scene: &Scene, app: &str, site: &Site) {
    let url = format!("{}/?fnId={app}-go&stepId=step", site.origin());
    let step = json!({"id": "step", "name": "step", "runtime": {"type": "http", "url": url}});
    let function = json!({
        "id": format!("{app}-go"),
        "name": "go",
        "triggers": [{"event": format!("{app}/go")}],
        "steps": {"step": step},
    });
    let registration = json!({
        "url": site.origin(),
        "deployType": "ping",
        "appName": app,
        "sdk": "js:v3.40.0",
        "v": "0.1",
        "framework": "drill",
        "functions": [function],
    });
    let client = reqwest::Client::new();
    let request = client.post(format!("{}/fn/register", scene.engine())).json(&registration);
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{:?}", answer.text().await);
}
