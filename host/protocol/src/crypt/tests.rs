use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use crate::call::{Call, Route};
use crate::event::NewEvent;
use crate::id::StepId;
use crate::memo::{Memo, Shape};
use crate::op::{ErrorObject, Op, OpCode, Retry};
use crate::outcome::Outcome;
use crate::signature::{Trust, verify};
use crate::step::StepName;

const ONE: &str = "0101010101010101010101010101010101010101010101010101010101010101";
const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
const RUN: &str = "01M81GXW71CEV7JQT6T4T8NAKZ";
const OTHER_RUN: &str = "01M81GXW71CEV7JQT6T4T8NAK0";

fn vault(key: &str, fallback: Option<&str>) -> Arc<Vault> {
    Arc::new(Vault::parse(key, fallback).expect("keys"))
}

/// A call with these memos and this event.
fn call(slug: &str, run: &str, memos: &[(&str, &str)], event: &str) -> Call {
    let steps: Vec<_> =
        memos.iter().map(|(name, memo)| format!(r#""{}":{memo}"#, StepId::hash(name))).collect();
    let body = format!(
        r#"{{"ctx":{{"run_id":"{run}"}},"event":{event},"events":[{event}],"steps":{{{}}}}}"#,
        steps.join(",")
    );
    let verified =
        verify(None, Bytes::from(body), Timestamp::UNIX_EPOCH, &Trust::Dev).expect("trusted");
    let route = Route { slug: slug.to_owned(), target: None };
    Call::decode(route, &verified).expect("a call")
}

fn sealer(vault: &Arc<Vault>) -> Sealer {
    Sealer::new(Arc::clone(vault), &call("app-f", RUN, &[], "{}"))
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("JSON")
}

fn step(name: &str) -> StepName {
    StepName { id: StepId::hash(name), name: name.to_owned(), index: 0 }
}

fn ran(name: &str, data: &str) -> Outcome {
    Outcome::StepRan { step: step(name), race: false, data: raw(data), timing: None }
}

/// What a step's result is on the server.
fn stored(vault: &Arc<Vault>, name: &str, data: &str) -> String {
    match sealer(vault).outcome(ran(name, data)) {
        Outcome::StepRan { data, .. } => data.get().to_owned(),
        other => panic!("{other:?}"),
    }
}

fn data_of(call: &Call, name: &str) -> String {
    match call.memos.get(&StepId::hash(name), Shape::Wrapped) {
        Some((Memo::Data(text), _)) => text.to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_are_read_in_both_forms_and_never_shown() {
    for text in [ONE, TWO, &format!(" {ONE} "), &ONE.to_uppercase()] {
        assert!(Vault::parse(text, None).is_ok(), "{text}");
    }
    assert!(Vault::parse(ONE, Some(&format!("{TWO}, {ONE},"))).is_ok());
    assert!(!format!("{:?}", vault(ONE, None)).contains("0101"));
    for bad in ["", "secret", &ONE[2..], "////"] {
        let error = Vault::parse(bad, None).expect_err(bad).to_string();
        assert!(error.starts_with("SYSTEM_BUS_ENCRYPTION_KEY is not a key"), "{error}");
        let error = Vault::parse(ONE, Some(&format!("{TWO},x{bad}"))).expect_err(bad).to_string();
        assert!(
            error.contains("KEY_FALLBACK is not a list") && !error.contains("secret"),
            "{error}"
        );
    }
}

#[test]
fn a_result_comes_back_byte_for_byte_and_the_server_sees_nothing_of_it() {
    let vault = vault(ONE, None);
    for data in [r#"{"b":1.50,"a":[9007199254740993,"ünï\u0000"]}"#, "7", r#""plain""#, "[]"] {
        let stored = stored(&vault, "a", data);
        assert!(stored.starts_with(r#"{"__system_bus_encrypted":"v1.s."#), "{stored}");
        assert!(!stored.contains("plain"), "{stored}");
        for memo in [format!(r#"{{"data":{stored}}}"#), format!(r#"{{ "data" : {stored} }}"#)] {
            let call = call("app-f", RUN, &[("a", &memo), ("plain", "null")], "{}");
            let opened = open_call(Some(&vault), call).expect("it opens");
            assert_eq!(data_of(&opened, "a"), data);
            assert_eq!(opened.memos.len(), 2);
        }
    }
    assert_eq!(stored(&vault, "a", "null"), "null");
}

#[test]
fn sealing_is_repeatable_within_a_run_and_different_elsewhere() {
    let vault = vault(ONE, None);
    let other = Sealer::new(Arc::clone(&vault), &call("app-f", OTHER_RUN, &[], "{}"));
    let Outcome::StepRan { data: elsewhere, .. } = other.outcome(ran("a", "1")) else { panic!() };
    assert_eq!(stored(&vault, "a", "1"), stored(&vault, "a", "1"));
    let all = [
        stored(&vault, "a", "1"),
        stored(&vault, "b", "1"),
        stored(&vault, "a", "2"),
        elsewhere.get().to_owned(),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(!all[..at].contains(one), "{all:?}");
    }
    // A rerun carries the results of one run into another.
    let memo = format!(r#"{{"data":{elsewhere}}}"#);
    let opened = open_call(Some(&vault), call("app-f", RUN, &[("a", &memo)], "{}")).expect("opens");
    assert_eq!(data_of(&opened, "a"), "1");
}

#[test]
fn a_value_opens_in_its_own_place_only_and_unaltered_only() {
    let vault = vault(ONE, None);
    let good = stored(&vault, "a", r#""secret""#);
    let end = good.len() - 3;
    let flipped = if good.as_bytes()[end] == b'A' { "B" } else { "A" };
    let altered = format!("{}{flipped}{}", &good[..end], &good[end + 1..]);
    let memo = |stored: &str| format!(r#"{{"data":{stored}}}"#);
    for (what, slug, name, stored, event) in [
        ("another step", "app-f", "b", good.clone(), "{}".to_owned()),
        ("another function", "app-g", "a", good.clone(), "{}".to_owned()),
        ("altered", "app-f", "a", altered, "{}".to_owned()),
        ("another kind", "app-f", "a", good.replace(".s.", ".e."), "{}".to_owned()),
        ("an unknown kind", "app-f", "a", good.replace(".s.", ".x."), "{}".to_owned()),
        ("a newer version", "app-f", "a", good.replace("v1.", "v2."), "{}".to_owned()),
        (
            "cut off",
            "app-f",
            "a",
            r#"{"__system_bus_encrypted":"v1.s.00"}"#.to_owned(),
            "{}".to_owned(),
        ),
        ("in an event", "app-f", "z", "1".to_owned(), format!(r#"{{"data":{good}}}"#)),
    ] {
        let call = call(slug, RUN, &[(name, &memo(&stored))], &event);
        let error = open_call(Some(&vault), call).expect_err(what);
        assert!(matches!(error, OpenError::Damaged { .. }), "{what}: {error}");
    }
}

#[test]
fn keys_are_rotated_and_a_missing_one_is_named_with_its_variable() {
    let old = vault(ONE, None);
    let memo = format!(r#"{{"data":{}}}"#, stored(&old, "a", "7"));
    let opened = |vault: Option<&Vault>| {
        let call = call("app-f", RUN, &[("a", &memo)], "{}");
        open_call(vault, call).map(|call| data_of(&call, "a"))
    };
    let rotated = vault(TWO, Some(ONE));
    assert_eq!(opened(Some(&rotated)), Ok("7".to_owned()));
    assert_ne!(stored(&rotated, "a", "7"), stored(&old, "a", "7"), "the first key encrypts");
    assert_eq!(stored(&rotated, "a", "7"), stored(&vault(TWO, None), "a", "7"));
    let error = opened(Some(&vault(TWO, None))).expect_err("another key").to_string();
    assert!(error.contains("add that key to SYSTEM_BUS_ENCRYPTION_KEY_FALLBACK"), "{error}");
    let error = opened(None).expect_err("no key").to_string();
    assert!(error.contains("SYSTEM_BUS_ENCRYPTION_KEY is not set"), "{error}");
}

#[test]
fn what_is_not_encrypted_passes_as_it_is() {
    let memos = [
        ("a", r#"{"data":{"__system_bus_encrypted":1}}"#),
        ("b", r#"{"data":{"__system_bus_encrypted":"v1","more":1}}"#),
        ("c", r#"{"data":"{\"__system_bus_encrypted\":\"v1.s.x.y\"}"}"#),
        ("d", r#"{"error":{"name":"E","message":"m"}}"#),
        ("e", "null"),
    ];
    for vault in [None, Some(&*vault(ONE, None))] {
        let opened = open_call(vault, call("app-f", RUN, &memos, r#"{"data":{}}"#)).expect("plain");
        assert_eq!(data_of(&opened, "a"), r#"{"__system_bus_encrypted":1}"#);
        assert_eq!(data_of(&opened, "c"), r#""{\"__system_bus_encrypted\":\"v1.s.x.y\"}""#);
        assert_eq!(opened.event(), r#"{"data":{}}"#);
    }
}

proptest::proptest! {
    /// Markers of every kind of nonsense are refused or passed over, and nothing breaks.
    #[test]
    fn no_text_breaks_reading(text in r#"[{}":,.a-z_ \\]{0,40}"#, inner in r#"(v1\.)?[ser.]{0,3}[0-9a-zA-Z+/=.ä\\"]{0,30}"#) {
        let marker = format!(r#"{{"__system_bus_encrypted":"{inner}"}}"#);
        let data = format!("{text}{marker}{text}");
        let ignore = |_: &str| Ok::<_, ()>(String::new());
        let _ = marker::replace(&data, ignore);
        let _ = marker::Marker::read(&inner);
    }
}

#[test]
fn events_hide_one_member_and_functions_that_they_start_read_it() {
    let vault = vault(ONE, None);
    let sent = NewEvent::parse_all(
        br#"[{"name":"a/b","data":{"id":7,"encrypted":{"iban":"DE00"}}},{"name":"c/d","data":{"x":"encrypted"}}]"#,
    )
    .expect("events");
    let sealed = sealer(&vault).events(&sent);
    let data: Value = serde_json::from_str(sealed[0].data.get()).expect("JSON");
    assert_eq!(data["id"], 7, "the server's conditions read it");
    assert!(!sealed[0].data.get().contains("DE00"), "{}", sealed[0].data);
    assert_eq!(sealed[1].data.get(), sent[1].data.get());
    let event = format!(r#"{{"name":"a/b","data":{}}}"#, sealed[0].data);
    let memo = &event;
    let opened = open_call(Some(&vault), call("app-g", OTHER_RUN, &[("wait", memo)], &event));
    let opened = opened.expect("it opens");
    let read: Value = serde_json::from_str(opened.event()).expect("JSON");
    assert_eq!(read["data"], json!({"id": 7, "encrypted": {"iban": "DE00"}}));
    let guest: Value = serde_json::from_str(&opened.for_guest()).expect("JSON");
    assert!(guest.get("events").is_none(), "one event still crosses once: {guest}");
    let (memo, _) = opened.memos.get(&StepId::hash("wait"), Shape::Whole).expect("a memo");
    assert!(matches!(memo, Memo::Data(text) if text.contains("DE00")), "{memo:?}");
}

#[test]
fn a_result_of_a_function_opens_where_it_was_invoked() {
    let vault = vault(ONE, None);
    let Outcome::Done(result) = sealer(&vault).outcome(Outcome::Done(raw(r#"{"paid":true}"#)))
    else {
        panic!("done")
    };
    assert!(!result.get().contains("paid"));
    let memo = format!(r#"{{"data":{result}}}"#);
    let opened = open_call(Some(&vault), call("other-p", OTHER_RUN, &[("call", &memo)], "{}"));
    assert_eq!(data_of(&opened.expect("it opens"), "call"), r#"{"paid":true}"#);
}

#[test]
fn ops_are_sealed_and_failures_stay_readable() {
    let sealer = sealer(&vault(ONE, None));
    let run = OpCode::StepRun { data: raw("\"secret\""), timing: None };
    let failed = OpCode::StepFailed { error: ErrorObject::new("E", "told"), timing: None };
    let ops = [run, failed, OpCode::StepPlanned]
        .map(|code| Op { step: step("a"), race: false, code })
        .to_vec();
    let Outcome::Planned(ops) = sealer.outcome(Outcome::Planned(ops)) else { panic!("planned") };
    let written = serde_json::to_string(&ops).expect("JSON");
    assert!(!written.contains("secret") && written.contains("told"), "{written}");
}

#[test]
fn a_result_that_grows_too_large_fails_its_step_for_good() {
    let sealer = sealer(&vault(ONE, None));
    let large = format!("\"{}\"", "x".repeat(7 << 19));
    match sealer.outcome(ran("a", &large)) {
        Outcome::StepFailed { error, retry: Retry::Never, .. } => {
            assert!(error.message.contains("4194304"), "{}", error.message);
        }
        other => panic!("{}", matches!(other, Outcome::StepRan { .. })),
    }
    let fits = format!("\"{}\"", "x".repeat(3_000_000));
    assert!(matches!(sealer.outcome(ran("a", &fits)), Outcome::StepRan { .. }));
}

#[test]
fn what_fits_is_known_before_a_function_goes_on_with_it() {
    let sealer = sealer(&vault(ONE, None));
    let op = |data: &str| {
        let code = OpCode::StepRun { data: raw(data), timing: None };
        Op { step: step("a"), code, race: false }
    };
    assert!(sealer.fits(&op("7")));
    // The server takes it as it is, and not in the longer form it gets.
    assert!(!sealer.fits(&op(&format!("\"{}\"", "x".repeat(3_600_000)))));
}
