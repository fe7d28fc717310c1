//! Every shape of call body the server sends, and what is read from it.

use protocol::id::StepId;
use protocol::memo::{Memo, Shape};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Fixture;

/// What a fixture holds. Memos are in the order of completion, by the names of their steps.
struct Expected<'e> {
    fixture: &'e str,
    slug: &'e str,
    run: &'e str,
    target: Option<&'e str>,
    attempt: (u32, u32),
    version: i32,
    immediate: bool,
    memos: &'e [(&'e str, Memo<'e>)],
}

/// A first call.
const FIRST: Expected<'static> = Expected {
    fixture: "",
    slug: "",
    run: "",
    target: None,
    attempt: (0, 5),
    version: -1,
    immediate: true,
    memos: &[],
};

/// A call after the first answer.
const LATER: Expected<'static> = Expected { version: 2, ..FIRST };

const BRANCHES: [(&str, Memo<'static>); 4] = [
    ("b", Memo::Data(r#""B""#)),
    ("a", Memo::Data(r#""A""#)),
    ("c", Memo::Data(r#""C""#)),
    ("z", Memo::Data("null")),
];

const CALLS: &[Expected<'static>] = &[
    Expected {
        fixture: "first_call",
        slug: "jsapp-dup-ids",
        run: "01M81GXW6SHFSXF01HMQNGNPJP",
        ..FIRST
    },
    Expected {
        fixture: "repeated_step",
        slug: "jsapp-dup-ids",
        run: "01M81GXW6SHFSXF01HMQNGNPJP",
        memos: &[
            ("same", Memo::Data(r#""str""#)),
            ("same:1", Memo::Data("42")),
            ("same:2", Memo::Data("null")),
            ("same:3", Memo::Data("null")),
        ],
        ..LATER
    },
    Expected {
        fixture: "after_sleeps",
        slug: "jsapp-sleeper",
        run: "01M81GXW7DWH03AQCWGZX79Z8Z",
        memos: &[
            ("before", Memo::Data(r#""b""#)),
            ("nap", Memo::Data("null")),
            ("nap-until", Memo::Data("null")),
        ],
        ..LATER
    },
    Expected {
        fixture: "sent_events",
        slug: "jsapp-sender",
        run: "01M81GXW6P3WJXMH737RRFABZ7",
        memos: &[(
            "send-two",
            Memo::Data(r#"{"ids":["01M81GXWDSDGCZ96C9KR1PCRGG","01M81GXWDSDGCZ96C9KR1PCRGH"]}"#),
        )],
        ..LATER
    },
    Expected {
        fixture: "step_second_attempt",
        slug: "jsapp-retrier",
        run: "01M81GXW6ADN27JEJF3EQG0TZP",
        attempt: (1, 4),
        ..LATER
    },
    Expected {
        fixture: "caught_step_error",
        slug: "jsapp-step-caught",
        run: "01M81GXW7BQEE2NGQPWRH7T9K5",
        attempt: (0, 2),
        memos: &[(
            "bad",
            Memo::Error(
                r#"{"message":"bad step","name":"NonRetriableError","stack":"NonRetriableError: bad step"}"#,
            ),
        )],
        ..LATER
    },
    Expected {
        fixture: "failed_invoke",
        slug: "jsapp-invoker",
        run: "01M81GXW7RYEQ54F43JGEWTHCH",
        memos: &[
            ("call-child", Memo::Data("42")),
            (
                "call-child-fail",
                Memo::Error(
                    r#"{"error":"NonRetriableError","message":"child says no","name":"NonRetriableError","stack":"NonRetriableError: child says no"}"#,
                ),
            ),
        ],
        ..LATER
    },
    Expected {
        fixture: "matched_wait",
        slug: "jsapp-waiter",
        run: "01M81GXW6Z0NATCNQXQNZT0QDV",
        memos: &[(
            "wait-hit",
            Memo::Data(
                r#"{"data":{"id":"id1795347640363","v":7},"id":"01M81GY01PQGG3KZB8MD26AKRP","name":"t/resume","ts":1795347644470,"user":{}}"#,
            ),
        )],
        ..LATER
    },
    Expected {
        fixture: "race",
        slug: "jsapp-race",
        run: "01M81GXW6QG3QTE84H2S15MNNZ",
        memos: &[("fast", Memo::Data(r#""fast""#)), ("slow", Memo::Data("null"))],
        ..LATER
    },
    Expected {
        fixture: "parallel_target",
        slug: "jsapp-parallel",
        run: "01M81GXW6RQ2RGB975H5WGG7QC",
        target: Some("a"),
        immediate: false,
        ..LATER
    },
    Expected {
        fixture: "parallel_joined",
        slug: "jsapp-parallel",
        run: "01M81GXW6RQ2RGB975H5WGG7QC",
        immediate: false,
        memos: &BRANCHES,
        ..LATER
    },
    Expected {
        fixture: "target_after_memos",
        slug: "jsapp-parallel",
        run: "01M81GXW6RQ2RGB975H5WGG7QC",
        target: Some("d"),
        memos: &BRANCHES,
        ..LATER
    },
    Expected { fixture: "batch", slug: "jsapp-batch", run: "01M81GXWH3X2WP1W7K2EJD29EB", ..FIRST },
    Expected {
        fixture: "edited_input",
        slug: "jsapp-multi",
        run: "01M81GXW6N50TMPR3RDTS8A13A",
        memos: &[("s0", Memo::Data("1")), ("s1", Memo::Input(r#"[{"n":7}]"#))],
        ..LATER
    },
];

#[test]
fn every_shape_of_call_is_decoded_without_loss() {
    for expected in CALLS {
        let name = expected.fixture;
        let call = Fixture::read(name).call();
        assert_eq!(call.route.slug, expected.slug, "{name}");
        assert_eq!(call.route.target, expected.target.map(StepId::hash), "{name}");
        assert_eq!(call.run.to_string(), expected.run, "{name}");
        assert_eq!((call.attempt.number, call.attempt.most), expected.attempt, "{name}");
        assert_eq!((call.version, call.use_api), (expected.version, false), "{name}");
        assert_eq!(call.immediate, expected.immediate, "{name}");
        assert_eq!(call.memos.len(), expected.memos.len(), "{name}");
        let mut before = None;
        for (step, memo) in expected.memos {
            let (found, rank) = call.memos.get(&StepId::hash(step), Shape::Wrapped).expect(step);
            assert_eq!(found, *memo, "{name}, step {step}");
            assert!(Some(rank) > before, "{name}, step {step}: its place in the stack");
            before = Some(rank);
        }
    }
}

#[test]
fn a_sleep_is_over_by_the_presence_of_its_memo() {
    let call = Fixture::read("after_sleeps").call();
    for (step, rank) in [("nap", 1), ("nap-until", 2)] {
        let found = call.memos.get(&StepId::hash(step), Shape::Presence);
        assert_eq!(found, Some((Memo::Data("null"), rank)), "{step}");
    }
    assert_eq!(call.memos.get(&StepId::hash("after"), Shape::Presence), None);
}

#[test]
fn a_large_state_is_known_to_be_missing() {
    let call = Fixture::read("large_state").call();
    assert!(call.use_api && call.memos.is_empty());
}

#[derive(Deserialize)]
struct Events {
    event: Box<RawValue>,
    events: Box<RawValue>,
}

#[test]
fn events_reach_the_guest_byte_for_byte() {
    for name in ["first_call", "batch", "step_second_attempt", "matched_wait", "result"] {
        let fixture = Fixture::read(name);
        let call = fixture.call();
        let sent: Events = serde_json::from_str(fixture.call.get()).expect("a call");
        // A batch of one event is that event.
        let batch =
            if name == "batch" { format!(r#","events":{}"#, sent.events) } else { String::new() };
        let expected = format!(
            r#"{{"run_id":"{}","attempt":{},"max_attempts":{},"event":{}{batch}}}"#,
            call.run, call.attempt.number, call.attempt.most, sent.event
        );
        assert_eq!(call.for_guest(), expected, "{name}");
    }
    let batch: Events =
        serde_json::from_str(&Fixture::read("batch").call().for_guest()).expect("JSON");
    assert_eq!(batch.events.get().matches(r#""name":"t/batch""#).count(), 3);
}
