//! What every reply has, whatever it answers.

use std::collections::BTreeMap;

use protocol::call::Terms;
use protocol::outcome::Outcome;
use protocol::reply::Reply;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Makes the reply to an outcome, and checks it.
pub(crate) fn to(outcome: Outcome, terms: Terms) -> Reply {
    let reply = Reply::of(outcome, terms);
    check(&reply, terms);
    reply
}

/// Checks a reply to a call on these terms: its body is JSON of the form that its status says, and the server takes its
/// headers.
pub(crate) fn check(reply: &Reply, terms: Terms) {
    assert!(serde_json::from_slice::<IgnoredAny>(&reply.body).is_ok(), "no JSON: {reply:?}");
    match reply.status {
        200 => {}
        206 => ops(&reply.body),
        400 | 500 => {
            let error: BTreeMap<String, Box<RawValue>> =
                serde_json::from_slice(&reply.body).expect("an error is an object");
            assert!(error.contains_key("name") && error.contains_key("message"), "{error:?}");
            assert!(reply.no_retry.is_some(), "a failure says whether it is final: {reply:?}");
        }
        status => panic!("no reply has the status {status}"),
    }
    assert!(reply.version <= 2, "{reply:?}");
    // What is not recorded yet, or newer than this worker, gets what this worker speaks.
    assert!(reply.version >= 1 || terms.version == 0, "{reply:?} to {terms:?}");
    assert!(reply.retry_after.is_none_or(|seconds| (1..=86_400).contains(&seconds)), "{reply:?}");
    if terms.attempt.is_last() && matches!(reply.status, 400 | 500) {
        assert_eq!(reply.no_retry, Some(true), "the last attempt is final: {reply:?}");
    }
    for (name, value) in reply.headers() {
        assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{name}: {value:?}");
    }
}

fn ops(body: &[u8]) {
    let ops: Vec<BTreeMap<String, Box<RawValue>>> =
        serde_json::from_slice(body).expect("ops are objects in a list");
    for op in ops {
        for member in ["op", "name", "displayName"] {
            let text = op.get(member).map(|text| text.get());
            assert!(text.is_some_and(|text| text.starts_with('"')), "{member}: {text:?}");
        }
        let id: String = serde_json::from_str(op["id"].get()).expect("a text");
        assert!(id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert!(op.contains_key("data") || op.contains_key("error"), "{op:?}");
    }
}
