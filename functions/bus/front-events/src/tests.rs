//! What deliveries mean.

use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use crate::text::plain;
use crate::{Kind, Meaning, WebhookReceived, front_events};

fn received(delivery: Value) -> WebhookReceived {
    WebhookReceived { delivery }
}

fn mail(message: &Value) -> Value {
    json!({
        "id": "evt_1", "type": "inbound", "emitted_at": 1_453_770_984.123,
        "conversation": {"id": "cnv_1", "subject": "Hello"},
        "target": {"data": message},
    })
}

/// The one event that a delivery becomes.
fn event(delivery: Value) -> (String, Value) {
    let mut kit = Kit::new();
    let run = kit.run::<front_events>(received(delivery));
    let Meaning::Sent { name, id } = run.output::<Meaning>() else {
        panic!("nothing was sent: {:?}", run.output::<Value>())
    };
    let sent = kit.events().into_iter().find(|event| event.name == name).expect("it was sent");
    assert_eq!(sent.id.as_deref(), Some(id.as_str()));
    (name, sent.data)
}

#[test]
fn a_mail_of_a_rule() {
    let (name, data) = event(mail(&json!({
        "id": "msg_1", "is_inbound": true, "created_at": 1_453_770_984.5, "blurb": "Hi",
        "body": "<p>Hi <b>there</b></p>", "text": "Hi there", "subject": "Re: Hello",
        "recipients": [
            {"handle": "a@example.com", "name": "Ann", "role": "from"},
            {"handle": "b@example.com", "role": "to"}, {"handle": "c@example.com", "role": "cc"},
        ],
        "attachments": [{}],
    })));
    assert_eq!(name, "front/message.received");
    assert_eq!(
        data,
        json!({
            "conversationId": "cnv_1", "messageId": "msg_1", "from": "a@example.com", "fromName": "Ann",
            "to": ["b@example.com"], "subject": "Re: Hello", "body": "<p>Hi <b>there</b></p>",
            "bodyPlain": "Hi there", "preview": "Hi", "isInbound": true, "attachmentCount": 1,
            "createdAt": 1_453_770_984_500_i64,
        })
    );
}

#[test]
fn words_are_looked_for_until_some_are_found() {
    for (message, words) in [
        (json!({"text": "text", "blurb": "blurb", "body": "<p>body</p>"}), Some("text")),
        (json!({"text": " ", "blurb": "blurb", "body": "<p>body</p>"}), Some("blurb")),
        (json!({"body": "<p>body&nbsp;&amp; more</p>"}), Some("body & more")),
        (json!({"body": "<img src=x>", "attachments": [{}]}), Some("(attachments only)")),
        (json!({"body": "<img src=x>", "attachments": []}), None),
        (json!({}), None),
    ] {
        let (name, data) = event(mail(&message));
        if let Some(words) = words {
            assert_eq!(name, "front/message.received", "{message}");
            assert_eq!(data["bodyPlain"], json!(words));
        } else {
            assert_eq!(name, "front/message.quarantined", "{message}");
            let members = json!(["conversation", "emitted_at", "id", "target", "type"]);
            assert_eq!(data["payloadKeys"], members);
        }
    }
    let (_, data) = event(mail(
        &json!({"text": "x", "author": {"email": "d@example.com", "first_name": "Dee"}}),
    ));
    assert_eq!((&data["from"], &data["fromName"]), (&json!("d@example.com"), &json!("Dee")));
}

#[test]
fn what_happens_to_conversations() {
    let conversation = json!({"id": "cnv_1", "subject": "S", "assignee": {"email": "a@example.com", "first_name": "A", "last_name": "B"}});
    for (kind, target, name, data) in [
        (
            "archive",
            json!({}),
            "front/conversation.archived",
            json!({"conversationId": "cnv_1", "subject": "S"}),
        ),
        (
            "assign",
            json!({}),
            "front/assignee.changed",
            json!({"conversationId": "cnv_1", "assigneeEmail": "a@example.com", "assigneeName": "A B", "isUnassign": false}),
        ),
        (
            "unassign",
            json!({}),
            "front/assignee.changed",
            json!({"conversationId": "cnv_1", "assigneeEmail": null, "assigneeName": null, "isUnassign": true}),
        ),
        (
            "tag",
            json!({"id": "tag_1", "name": "urgent"}),
            "front/tag.added",
            json!({"conversationId": "cnv_1", "tagName": "urgent", "tagId": "tag_1"}),
        ),
        (
            "comment",
            json!({"body": "hm", "author": {"email": "a@example.com"}}),
            "front/comment.added",
            json!({"conversationId": "cnv_1", "commentBody": "hm", "authorEmail": "a@example.com"}),
        ),
    ] {
        let told = event(
            json!({"type": kind, "conversation": conversation, "target": {"data": target}, "emitted_at": 5}),
        );
        assert_eq!(told, (name.to_owned(), data), "{kind}");
    }
}

#[test]
fn an_application_wraps_what_it_tells() {
    let (name, data) = event(json!({
        "type": "conversation_snooze_expired",
        "payload": {"id": "evt_2", "emitted_at": 7, "conversation": {"id": "cnv_2", "subject": "T"}},
    }));
    assert_eq!(
        (name.as_str(), data),
        ("front/conversation.unsnoozed", json!({"conversationId": "cnv_2", "subject": "T"}))
    );
}

#[test]
fn every_happening_has_an_id_of_its_own() {
    let id = |delivery: Value| {
        let run =
            Kit::new().run::<front_events>(Outgoing::of(&received(delivery)).id("the-delivery"));
        match run.output::<Meaning>() {
            Meaning::Sent { id, .. } => id,
            Meaning::Ignored { kind } => panic!("{kind} is ignored"),
        }
    };
    let archived = |more: Value| {
        let mut delivery = json!({"type": "archive", "conversation": {"id": "cnv_1"}});
        delivery.as_object_mut().expect("an object").extend(more.as_object().expect("one").clone());
        delivery
    };
    assert_eq!(
        id(archived(json!({"id": "evt_9", "emitted_at": 12.5}))),
        "front-archive-evt_9-12.5"
    );
    assert_eq!(id(archived(json!({"emitted_at": 12}))), "front-archive-cnv_1-12");
    assert_eq!(id(archived(json!({"ts": "x"}))), "front-archive-cnv_1-x");
    assert_eq!(id(archived(json!({}))), "front-archive-cnv_1-the-delivery");
}

#[test]
fn what_nobody_wants_to_hear_of_is_ignored() {
    for delivery in [json!({"type": "sending_error"}), json!({}), json!([]), json!({"type": 7})] {
        let mut kit = Kit::new();
        let run = kit.run::<front_events>(received(delivery.clone()));
        assert!(matches!(run.output::<Meaning>(), Meaning::Ignored { .. }), "{delivery}");
        run.assert_steps(Vec::<&str>::new());
    }
    assert_eq!(Kind::named("trash"), Some(Kind::Conversation("front/conversation.deleted")));
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_delivery_is_one_event_whatever_dies(kit: &mut Kit) {
    let sample: Value =
        serde_json::from_str(include_str!("../events/webhook-received.json")).expect("JSON");
    let delivery: WebhookReceived =
        serde_json::from_value(sample["data"].clone()).expect("it fits");
    let run = kit.run::<front_events>(delivery);
    run.assert_steps(["send-front-event"]);
    let names: Vec<_> = kit.events().into_iter().map(|event| event.name).collect();
    assert_eq!(
        names.iter().filter(|name| *name == "front/message.received").count(),
        1,
        "{names:?}"
    );
}

#[test]
fn markup_is_taken_away() {
    for (html, words) in [
        ("", ""),
        ("plain", "plain"),
        ("a<br>b", "a b"),
        ("<style>p{color:red}</style><p>x</p><script>if (a < b) {}</script>y", "x y"),
        ("<STYLE>p</Style >x", "x"),
        ("<styled>x</styled>", "x"),
        ("<p>unclosed", "unclosed"),
        ("x <", "x"),
        ("<script>never closed", ""),
        ("&amp;lt; &lt;b&gt; &#39;q&#39;", "&lt; <b> 'q'"),
        ("ä<é>ö", "ä ö"),
    ] {
        assert_eq!(plain(html), words, "{html}");
    }
}
