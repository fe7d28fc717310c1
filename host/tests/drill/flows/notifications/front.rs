//! Mails, and who looks after them.

use serde_json::{Value, json};

use super::{TELLING, lines, notice};
use crate::flows::deliveries::deliver;
use crate::flows::scene::{Ran, Scene};
use crate::flows::site::{Answer, Site};
use crate::flows::stage::Stage;

pub(super) const TOKEN: &str = "token-of-front";

/// Front's API: it knows all conversations but those that are gone.
pub(super) fn site(stage: &Stage) -> Site {
    stage.site(|asked| {
        if asked.header("authorization") != format!("Bearer {TOKEN}") {
            return Answer::json(401, &json!({}));
        }
        if asked.path.ends_with("cnv_gone") {
            return Answer::json(404, &json!({"_error": {"title": "not found"}}));
        }
        let conversation = json!({
            "subject": "Tea", "status": "assigned", "assignee": {"email": "grace@example.com"},
            "tags": [{"name": "urgent"}, {"name": "tea"}],
        });
        Answer::json(200, &conversation)
    })
}

pub(super) async fn play(scene: &Scene, site: &Site) {
    tokio::join!(
        received(scene, site),
        important(scene),
        sent(scene),
        assigned(scene),
        other(scene)
    );
}

/// A delivery of a rule about a mail.
fn mail(kind: &str, conversation: &str, message: &str, from: &str) -> Value {
    json!({
        "id": format!("evt_{message}"), "type": kind, "emitted_at": 1_772_359_200.5,
        "conversation": {"id": conversation, "subject": "Tea"},
        "target": {"data": {
            "id": message, "is_inbound": kind == "inbound", "created_at": 1_772_359_200.25,
            "blurb": "Shall we?", "body": "<p>Shall we?</p>", "text": "Shall we have some?",
            "subject": "Re: Tea",
            "recipients": [
                {"handle": from, "name": "Ada", "role": "from"},
                {"handle": "team@example.com", "role": "to"},
            ],
            "attachments": [{}],
        }},
    })
}

/// Delivers, and follows what comes of it: the run that says what it means, and the one that tells.
async fn told(scene: &Scene, delivery: &Value, name: &str, function: &str) -> Ran {
    deliver(scene, "front", delivery, &[]).await;
    let own = |data: &Value| data["delivery"] == *delivery;
    let meant = scene.follows("front-events", "front/webhook.received", own).await;
    meant.assert_steps(&["send-front-event"]);
    assert_eq!((&meant.result()["status"], &meant.output["name"]), (&json!("sent"), &json!(name)));
    let id = meant.output["id"].clone();
    let events = scene.events(name).await;
    let event = events.iter().find(|event| event["id"] == id).expect("it was sent");
    scene.ended(function, event["internal_id"].as_str().expect("an id")).await
}

async fn received(scene: &Scene, site: &Site) {
    let delivery = mail("inbound", "cnv_1", "msg_1", "ada@example.com");
    let function = "front-message-received-notify";
    let run = told(scene, &delivery, "front/message.received", function).await;
    run.assert_steps(&["enrich-context", "index-message", "build-prompt", "notify-gateway"]);
    let payload = notice(scene, &run, "front.message.received", ("messageId", "msg_1"));
    assert_eq!(
        lines(&payload),
        [
            "Mail from Ada <ada@example.com>",
            "To: team@example.com",
            "Subject: Re: Tea",
            "Tags: urgent, tea",
            "Assignee: grace@example.com",
            "Attachments: 1",
            "Text: Shall we have some?",
        ]
    );
    let asked = site.asked_at("/conversations/cnv_1");
    assert_eq!((asked.len(), asked[0].method.as_str()), (1, "GET"));
    let indexed =
        scene.event("channel/message.received", |data| data["messageId"] == "msg_1").await;
    assert_eq!(indexed["id"], "front-index-msg_1");
    assert_eq!(
        (&indexed["data"]["channelType"], &indexed["data"]["text"], &indexed["data"]["timestamp"]),
        (&json!("email"), &json!("Shall we have some?"), &json!(1_772_359_200_250_i64)),
    );

    // Told once more, it is the same delivery: nothing comes of it.
    deliver(scene, "front", &delivery, &[]).await;
    let runs = scene.begun_by(&scene.id_of("front/message.received", "msg_1").await).await;
    assert_eq!(runs.len(), 1, "{runs:?}");

    // What Front does not know is told all the same.
    let delivery = mail("inbound", "cnv_gone", "msg_2", "ada@example.com");
    let run = told(scene, &delivery, "front/message.received", function).await;
    let payload = notice(scene, &run, "front.message.received", ("messageId", "msg_2"));
    assert!(!lines(&payload).iter().any(|line| line.starts_with("Tags")), "{payload}");
    assert_eq!(scene.record(&run, "notify.enrich")["level"], "warn");
}

/// A mail of somebody important is told by others.
async fn important(scene: &Scene) {
    for (message, from) in [("msg_3", "ada@vip.example"), ("msg_4", "george@king.example")] {
        let delivery = mail("inbound", "cnv_2", message, from);
        let function = "front-message-received-notify";
        let run = told(scene, &delivery, "front/message.received", function).await;
        run.assert_steps(&["enrich-context", "index-message", "emit-vip-email-received"]);
        assert_eq!(run.result()["status"], "handed-off");
        let vip = scene.event("vip/email.received", |data| data["messageId"] == message).await;
        assert_eq!(vip["data"]["tags"], json!(["urgent", "tea"]));
        let told = scene.told("front.message.received", |payload| payload["messageId"] == message);
        assert!(told.is_empty(), "{told:?}");
    }
}

async fn sent(scene: &Scene) {
    let delivery = mail("outbound", "cnv_3", "msg_5", "team@example.com");
    let run = told(scene, &delivery, "front/message.sent", "front-message-sent-notify").await;
    run.assert_steps(&TELLING);
    let payload = notice(scene, &run, "front.message.sent", ("messageId", "msg_5"));
    assert_eq!(lines(&payload)[0], "Mail was sent by Ada <team@example.com>");
}

async fn assigned(scene: &Scene) {
    let delivery = json!({
        "id": "evt_6", "type": "assign", "emitted_at": 7,
        "conversation": {
            "id": "cnv_4", "subject": "Tea",
            "assignee": {"email": "grace@example.com", "first_name": "Grace", "last_name": "H"},
        },
        "target": {"data": {}},
    });
    let function = "front-assignee-changed-notify";
    let run = told(scene, &delivery, "front/assignee.changed", function).await;
    run.assert_steps(&TELLING);
    let payload = notice(scene, &run, "front.assignee.changed", ("conversationId", "cnv_4"));
    assert_eq!(lines(&payload)[0], "A conversation is Grace H's now");
}

/// What means nothing to anybody ends there.
async fn other(scene: &Scene) {
    let delivery = json!({"id": "evt_7", "type": "sending_error", "conversation": {"id": "cnv_5"}});
    deliver(scene, "front", &delivery, &[]).await;
    let own = |data: &Value| data["delivery"] == delivery;
    let run = scene.follows("front-events", "front/webhook.received", own).await;
    assert_eq!(run.result(), &json!({"status": "ignored", "kind": "sending_error"}));
    run.assert_steps(&[]);
}
