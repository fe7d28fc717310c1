use outside::testing::World;
use serde_json::{Value, json};
use system_bus_sdk::http::{HttpError, HttpErrorKind, Response};
use system_bus_testing::{Kit, Run};

use super::{event, named, plain, sample};
use crate::{
    ChannelMessage, Outcome, VipEmail, front_assignee_changed_notify,
    front_message_received_notify, front_message_sent_notify,
};

const RECEIVED: &str = include_str!("../../events/front-message-received.json");

/// A Front that knows the conversation.
fn knows(kit: &mut Kit) -> World {
    kit.http(|request| {
        assert_eq!(request.url(), "https://api2.frontapp.com/conversations/cnv_1");
        let token = ("authorization".to_owned(), "Bearer <front_api_token>".to_owned());
        assert!(request.headers().contains(&token));
        Ok(Response::new(200).with_json(&json!({
            "subject": "Tea, again",
            "status": "unassigned",
            "assignee": { "email": "bob@example.com" },
            "tags": [{ "name": "urgent" }, { "name": "tea" }],
        })))
    });
    World::begin()
}

fn received(kit: &mut Kit, changed: &Value) -> Run {
    kit.run::<front_message_received_notify>(event(RECEIVED, changed))
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_mail_is_indexed_once_and_told_once(kit: &mut Kit) {
    let world = knows(kit);
    let run = received(kit, &plain());
    run.assert_steps(["enrich-context", "index-message", "build-prompt", "notify-gateway"]);
    assert_eq!(run.output::<Outcome>().status, "notified");
    let indexed = kit.sent::<ChannelMessage>();
    assert_eq!(indexed.len(), 1);
    assert_eq!(
        (indexed[0].text.as_str(), indexed[0].timestamp),
        ("Shall we?", Some(1_772_359_200_000))
    );
    let heard = world.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].kind, "front.message.received");
    assert_eq!(heard[0].payload["context"]["assignee"], "bob@example.com");
    let prompt = heard[0].payload["prompt"].as_str().expect("a text");
    assert_eq!(
        prompt,
        "Mail from Ada <ada@example.com>\nTo: team@example.com\nSubject: Tea\nTags: urgent, tea\n\
         Assignee: bob@example.com\nAttachments: 1\nText: Shall we?"
    );
    assert_eq!(world.actions(), ["notify.told"]);
    assert!(!format!("{run:?}").contains("<front_api_token>"));
}

#[system_bus_sdk::test(crash = "everywhere")]
fn an_important_mail_is_handed_on_and_not_told_here(kit: &mut Kit) {
    let world = knows(kit);
    kit.config("VIP_SENDERS", "ada@example.com");
    let run = received(kit, &plain());
    run.assert_steps(["enrich-context", "index-message", "emit-vip-email-received"]);
    let outcome: Outcome = run.output();
    assert_eq!(
        (outcome.status.as_str(), outcome.kind.as_str()),
        ("handed-off", "vip/email.received")
    );
    let handed = kit.sent::<VipEmail>();
    assert_eq!(handed.len(), 1);
    assert_eq!((handed[0].mail.message_id.as_str(), handed[0].tags.len()), ("msg_1", 2));
    assert_eq!(kit.sent::<ChannelMessage>().len(), 1);
    assert!(world.heard().is_empty());
    assert_eq!(world.actions(), ["notify.vip"]);
}

#[system_bus_sdk::test]
fn the_same_mail_delivered_twice_is_indexed_under_one_id(kit: &mut Kit) {
    let _world = knows(kit);
    received(kit, &plain());
    received(kit, &plain());
    let ids: Vec<_> = kit.events().into_iter().map(|event| event.id).collect();
    assert_eq!(ids, [ids[0].clone(), ids[0].clone()]);
}

#[system_bus_sdk::test]
fn without_front_it_is_told_with_what_is_known(kit: &mut Kit) {
    let _ = knows(kit);
    for how in ["refused", "broken", "no token", "no id"] {
        let world = World::begin();
        kit.http(move |request| match how {
            "refused" => Err(HttpError::new(HttpErrorKind::Refused, request.url(), "")),
            _ => Ok(Response::new(503)),
        });
        if how == "no token" {
            world.no_secret("front_api_token");
        }
        let changed = if how == "no id" { json!({ "conversationId": "../x" }) } else { plain() };
        let run = received(kit, &changed);
        assert_eq!(run.attempts("enrich-context"), 1, "{how}");
        assert_eq!(world.heard()[0].payload["context"]["subject"], "", "{how}");
        assert_eq!(world.actions(), ["notify.enrich!", "notify.told"], "{how}");
    }
}

#[system_bus_sdk::test]
fn a_gateway_that_is_away_fails_nothing(kit: &mut Kit) {
    let world = knows(kit);
    world.gateway_down();
    assert!(!received(kit, &plain()).output::<Outcome>().pushed);
    assert_eq!(world.actions(), ["notify.told!"]);
}

#[system_bus_sdk::test]
fn what_front_does_not_say_is_left_out(kit: &mut Kit) {
    let world = knows(kit);
    let nulls = json!({ "subject": null, "fromName": null, "to": null, "bodyPlain": null, "createdAt": null });
    received(kit, &nulls);
    let prompt = world.heard()[0].payload["prompt"].as_str().expect("a text").to_owned();
    assert!(
        prompt.starts_with("Mail from ada@example.com <ada@example.com>\nSubject: Tea, again"),
        "{prompt}"
    );
}

#[system_bus_sdk::test(crash = "everywhere")]
fn mails_that_were_sent_and_assignees_are_told(kit: &mut Kit) {
    let world = knows(kit);
    let (_, data) = sample(RECEIVED);
    let sent = kit.run::<front_message_sent_notify>(named("front/message.sent", data, &plain()));
    sent.assert_steps(["enrich-context", "build-prompt", "notify-gateway"]);
    assert!(kit.events().is_empty());
    let somebody = json!({ "conversationId": "cnv_1", "assigneeName": "Bob", "isUnassign": false });
    let nobody = json!({ "conversationId": "cnv_1", "assigneeName": "Bob", "isUnassign": true });
    for (data, words) in
        [(somebody, "A conversation is Bob's now"), (nobody, "A conversation is nobody's now")]
    {
        let run = kit.run::<front_assignee_changed_notify>(named(
            "front/assignee.changed",
            data,
            &plain(),
        ));
        run.assert_steps(["enrich-context", "build-prompt", "notify-gateway"]);
        let heard = world.heard();
        let prompt = heard.last().expect("it was told").payload["prompt"].clone();
        assert!(prompt.as_str().expect("a text").starts_with(words), "{prompt}");
    }
    assert_eq!(
        world.kinds(),
        ["front.message.sent", "front.assignee.changed", "front.assignee.changed"]
    );
}
