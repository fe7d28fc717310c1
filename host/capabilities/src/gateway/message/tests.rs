use super::*;

fn payload(json: &str) -> Payload {
    Payload::parse(json).expect("an object")
}

#[test]
fn what_wakes_is_told_at_once() {
    for (kind, told, origin, wakes_up) in [
        ("alert", "", None, true),
        ("vip/email.received", "", None, true),
        ("vip.dm", "", None, true),
        ("vipers", "", None, false),
        ("system/health.alert", "", None, true),
        ("system/health.alert.disk", "", None, true),
        ("system/health.checked", "", None, false),
        ("deploy.failed", "", None, true),
        ("vercel/deploy.failed", "", None, true),
        ("vercel.deploy.error", "", None, true),
        ("deploy/build-failed.again", "", None, true),
        ("deploy.succeeded", "", None, false),
        ("deploy.fail", "", None, false),
        ("Deploy.Failed", "", None, false),
        ("backup.failed", "", None, false),
        ("telegram/message.received", "", None, true),
        ("telegram.message", "", None, true),
        ("discord/message", "", None, true),
        ("discord.message", "", None, true),
        ("my.telegram.message", "", None, false),
        ("telegraph", "", None, false),
        ("note", "", Some("telegram:77"), true),
        ("note", "", Some("discord:77"), true),
        ("note", "", Some("discord-77"), false),
        ("note", "", Some("pid-1"), false),
        ("note", r#"{"source":"telegram"}"#, None, true),
        ("note", r#"{"source":"discord-bot"}"#, None, true),
        ("note", r#"{"source":"a telegram"}"#, None, false),
        ("note", r#"{"source":7}"#, None, false),
        // Which session it came from is the event's to say, not the payload's.
        ("note", r#"{"originSession":"telegram:77"}"#, None, false),
        ("progress", r#"{"message":"deploy failed"}"#, None, false),
    ] {
        assert_eq!(wakes(kind, &payload(told), origin), wakes_up, "{kind} {told} {origin:?}");
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
    let parts: Vec<_> = id.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
    assert!(id.chars().all(|c| matches!(c, '-' | '0'..='9' | 'a'..='f')), "{id}");
    // Readers take a UUID of version 4 only.
    assert!(&id[14..15] == "4" && "89ab".contains(&id[19..20]), "{id}");
}

fn message(kind: &str, json: &str) -> Message {
    Message {
        id: "i".to_owned(),
        kind: kind.to_owned(),
        source: "inngest/a".to_owned(),
        payload: payload(json),
        ts: 1_795_347_640_007,
    }
}

#[test]
fn members_stand_in_the_order_of_the_lists() {
    let json = serde_json::to_string(&message("note", r#"{"message":"m","z":1,"a":[2]}"#));
    assert_eq!(
        json.expect("JSON"),
        r#"{"id":"i","type":"note","source":"inngest/a","payload":{"message":"m","z":1,"a":[2]},"ts":1795347640007}"#
    );
    let notice = Notice { event_id: "i", kind: "progress" };
    let json = serde_json::to_string(&notice).expect("JSON");
    assert_eq!(json, r#"{"eventId":"i","type":"progress"}"#);
    let waiting = Waiting::new(&message("note", r#"{"message":"m"}"#), None);
    assert_eq!(
        serde_json::to_string(&waiting).expect("JSON"),
        r#"{"event":"note","timestamp":"2026-11-22T11:40:40.007Z","summary":"note: m"}"#
    );
}

#[test]
fn a_summary_is_the_type_and_the_first_text() {
    for (json, session, summary) in [
        ("", None, "note"),
        (r#"{"message":"m"}"#, None, "note: m"),
        (r#"{"message":"  m \n"}"#, None, "note: m"),
        (r#"{"message":"m","summary":"s"}"#, None, "note: s"),
        (r#"{"detail":"d","subject":"s"}"#, None, "note: s"),
        (r#"{"detail":"d","title":"t"}"#, None, "note: t"),
        (r#"{"text":"t","prompt":"p"}"#, None, "note: p"),
        (r#"{"summary":" ","message":7,"detail":"d"}"#, None, "note: d"),
        (r#"{"b":1,"a":"x"}"#, None, r#"note: {"b":1,"a":"x"}"#),
        (r#"{"b":1}"#, Some("s1"), r#"note: {"b":1,"originSession":"s1"}"#),
        ("", Some("s1"), r#"note: {"originSession":"s1"}"#),
        (r#"{"originSession":"mine"}"#, None, "note"),
    ] {
        assert_eq!(Waiting::new(&message("note", json), session).summary, summary, "{json}");
    }
}

#[test]
fn a_summary_has_an_end() {
    let of = |text: &str| {
        let json = serde_json::json!({ "message": text }).to_string();
        Waiting::new(&message("note", &json), None).summary
    };
    let fits = "m".repeat(214);
    assert_eq!(of(&fits), format!("note: {fits}"));
    assert_eq!(of(&"m".repeat(215)), format!("note: {}…", "m".repeat(213)));
    assert_eq!(of(&"m".repeat(9000)), format!("note: {}…", "m".repeat(213)));
    // Counted as its readers count, and no character in halves.
    let faces = of(&"🙂".repeat(300));
    assert!(faces.ends_with("🙂…") && faces.encode_utf16().count() <= SUMMARY, "{faces}");
}
