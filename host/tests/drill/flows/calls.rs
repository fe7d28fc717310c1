//! Calls that are answered, missed, and none of ours.

use std::rc::Rc;

use serde_json::{Value, json};

use super::flow::Flow;
use super::scene::Scene;
use super::stage::Stage;

const FUNCTION: &str = "voice-missed-call";
const OURS: &str = "+15555550100";

struct Calls;

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    stage.grant(&format!("[components.missed-call.config]\nTELNYX_PHONE_NUMBER = \"{OURS}\"\n"));
    Rc::new(Calls)
}

fn call(session: &str, to: &str) -> Value {
    json!({"call_session_id": session, "direction": "incoming", "from": "+15555550199", "to": to})
}

#[async_trait::async_trait(?Send)]
impl Flow for Calls {
    fn name(&self) -> &'static str {
        "voice-missed-call"
    }

    async fn play(&self, scene: &Scene) {
        tokio::join!(answered(scene), missed(scene), other(scene));
    }
}

async fn answered(scene: &Scene) {
    let event = scene.send("telnyx/call.initiated", &call("answered", OURS)).await;
    let answered = ("telnyx/call.answered", &json!({"call_session_id": "answered"}));
    let run = scene.ended_by(FUNCTION, &event, answered).await;
    assert_eq!(run.result(), &json!({"status": "answered"}));
    run.assert_steps(&["lease-voice-did", "wait-for-answer"]);
    assert_eq!(scene.actions(&run), ["voice.call.answered"]);
}

async fn missed(scene: &Scene) {
    // The answer to another call is none to this one: `answered` is told meanwhile.
    let run = scene.run(FUNCTION, "telnyx/call.initiated", &call("missed", OURS)).await;
    let message = run.result()["message"].as_str().expect("a message").to_owned();
    assert!(message.contains("+15555550199") && message.contains("45 s"), "{message}");
    assert_eq!(run.output["notified"], true);
    run.assert_steps(&["lease-voice-did", "wait-for-answer", "page-joel", "notify-gateway-urgent"]);
    let requested = scene
        .event("notification/call.requested", |data| data["message"] == message.as_str())
        .await;
    assert_eq!(requested["name"], "notification/call.requested");
    let told = scene.told("voice.call.missed", |payload| payload["prompt"] == message.as_str());
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["payload"]["priority"], "urgent");
    assert_eq!(scene.record(&run, "voice.call.missed")["level"], "warn");
    // Our number is in no result: the step says only whose call it was.
    assert!(!run.output.to_string().contains(OURS), "{run:?}");
}

async fn other(scene: &Scene) {
    let elsewhere = call("elsewhere", "+15555550111");
    let run = scene.run(FUNCTION, "telnyx/call.initiated", &elsewhere).await;
    assert_eq!(run.result()["status"], "skipped");
    run.assert_steps(&["lease-voice-did"]);
    let mut outgoing = call("outgoing", OURS);
    outgoing["direction"] = json!("outgoing");
    let run = scene.run(FUNCTION, "telnyx/call.initiated", &outgoing).await;
    assert_eq!(run.result()["status"], "skipped");
    run.assert_steps(&[]);
}
