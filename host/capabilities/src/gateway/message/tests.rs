use super::*;

#[test]
fn what_wakes_is_told_at_once() {
    for (kind, source, origin, wakes_up) in [
        ("alert", "inngest/a", None, true),
        ("vip/email.received", "inngest/a", None, true),
        ("system/health.alert", "inngest/a", None, true),
        ("vercel.deploy.error", "inngest/a", None, true),
        ("deploy.failed", "inngest/a", None, true),
        ("telegram.message", "inngest/a", None, true),
        ("note", "inngest/telegram/callback.received", None, true),
        ("note", "inngest/a", Some("discord-7"), true),
        ("progress", "inngest/a", None, false),
        ("deploy.succeeded", "inngest/a", None, false),
        ("backup.failed", "inngest/a", Some("main"), false),
        ("system/health.checked", "inngest/a", None, false),
    ] {
        assert_eq!(wakes(kind, source, origin), wakes_up, "{kind} from {source}, {origin:?}");
    }
}

#[test]
fn it_goes_to_those_who_listen() {
    for (kind, origin, listening, expected) in [
        ("note", None, &["gateway"][..], &["gateway"][..]),
        ("note", Some("s1"), &["gateway", "s1"], &["gateway", "s1"]),
        ("note", Some("s1"), &["s1"], &["s1"]),
        ("note", Some("s1"), &["gateway"], &["gateway"]),
        ("note", Some("gateway"), &["gateway"], &["gateway"]),
        ("alert", Some("s1"), &["gateway", "s1"], &["gateway"]),
        ("alert", Some("s1"), &["s1"], &["main"]),
        ("note", Some("s1"), &[], &["main"]),
        ("note", None, &["other"], &["main"]),
    ] {
        let listening: Vec<String> = listening.iter().map(ToString::to_string).collect();
        assert_eq!(targets(kind, origin, &listening), expected, "{kind} {origin:?} {listening:?}");
    }
}

#[test]
fn the_origin_is_in_the_event() {
    for (event, name, session) in [
        (r#"{"name":"a/b","data":{"originSession":"s"}}"#, "a/b", Some("s")),
        (r#"{"name":"a/b","data":{"originSession":""}}"#, "a/b", None),
        (r#"{"name":"a/b","data":{"originSession":7}}"#, "a/b", None),
        (r#"{"name":"a/b"}"#, "a/b", None),
        ("null", "unknown", None),
    ] {
        let origin = Origin { event: name.to_owned(), session: session.map(str::to_owned) };
        assert_eq!(Origin::of(event), origin, "{event}");
    }
}

#[test]
fn an_id_is_the_same_again_and_different_elsewhere() {
    let run: RunId = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().expect("an id");
    let (a, b) = (StepId::hash("a"), StepId::hash("b"));
    assert_eq!(id(run, a, 0), id(run, a, 0));
    assert_ne!(id(run, a, 0), id(run, a, 1));
    assert_ne!(id(run, a, 0), id(run, b, 0));
    let id = id(run, a, 0);
    assert_eq!((id.len(), &id[14..15]), (36, "8"), "{id}");
}

#[test]
fn members_stand_in_the_order_of_the_lists() {
    let message = Message {
        id: "i".to_owned(),
        kind: "progress".to_owned(),
        source: "inngest/a".to_owned(),
        payload: Map::from_iter([("message".to_owned(), Value::from("m".repeat(300)))]),
        ts: 7,
    };
    let json = serde_json::to_string(&message).expect("JSON");
    assert!(json.starts_with(r#"{"id":"i","type":"progress","source":"inngest/a","payload":{"#));
    assert!(json.ends_with(r#"},"ts":7}"#));
    assert_eq!(message.summary().chars().count(), SUMMARY);
    let notice = Notice { event_id: "i", kind: "progress" };
    let json = serde_json::to_string(&notice).expect("JSON");
    assert_eq!(json, r#"{"eventId":"i","type":"progress"}"#);
}
