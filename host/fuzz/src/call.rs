//! Calls: what is read from one is what stands in it, and nothing else.
//!
//! An input is the query of a call's URL in the first line, and its body behind it. Two parts may follow, each behind a line
//! `---`: the memos and the events as they are fetched where the server left them out.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use jiff::Timestamp;
use protocol::call::{Call, Route};
use protocol::id::StepId;
use protocol::memo::{Memo, MemoTable, Shape};
use protocol::replay::answer_from_memo;
use protocol::signature::{Trust, verify};
use serde_json::Value;

use crate::{json, reply};

/// Checks one input.
pub fn check(data: &[u8]) {
    let mut parts = parts(data).map(Bytes::copy_from_slice);
    let call = parts.next().unwrap_or_default();
    let line = call.iter().position(|&byte| byte == b'\n').unwrap_or(call.len());
    let query = String::from_utf8_lossy(&call[..line]).into_owned();
    let body = call.slice((line + 1).min(call.len())..);

    let Ok(route) = Route::parse(&query) else { return };
    let Some(call) = decode(&route, &body) else { return };
    looked_at(&call);
    let told = json::distinct(&body).filter(well_formed);
    if let Some(told) = &told {
        says(&call, told);
        memos(&call.memos, &body, &told["steps"], &stack(told));
        // Written again in another form, it is the same call.
        let again = Bytes::from(told.to_string());
        let other = decode(&route, &again).expect("the form of its JSON does not matter");
        says(&other, told);
        memos(&other.memos, &again, &told["steps"], &stack(told));
        assert_eq!((call.attempt, call.version), (other.attempt, other.version));
        assert_eq!((call.immediate, call.use_api), (other.immediate, other.use_api));
        assert_eq!(call.dispatch, other.dispatch);
    }

    let (Some(actions), Some(batch)) = (parts.next(), parts.next()) else { return };
    let event = call.event().to_owned();
    let Ok(call) = call.with_state(&actions, &batch) else { return };
    looked_at(&call);
    assert!(!call.use_api, "nothing is left to fetch");
    if let (Some(told), Some(steps)) = (&told, json::distinct(&actions)) {
        memos(&call.memos, &actions, &steps, &stack(told));
    }
    if let Some(Value::Array(events)) = json::distinct(&batch) {
        let event = events.first().cloned().or_else(|| json::value(&event));
        assert_eq!(json::value(call.event()), event);
    }
}

fn parts(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    const LINE: &[u8] = b"\n---\n";
    let mut more = true;
    std::iter::from_fn(move || {
        more.then(|| {
            let line = data.windows(LINE.len()).position(|window| window == LINE);
            let (part, rest) = match line {
                Some(at) => (&data[..at], &data[at + LINE.len()..]),
                None => (data, &data[data.len()..]),
            };
            (data, more) = (rest, line.is_some());
            part
        })
    })
}

fn decode(route: &Route, body: &Bytes) -> Option<Call> {
    let verified = verify(None, body.clone(), Timestamp::UNIX_EPOCH, &Trust::Dev);
    Call::decode(route.clone(), &verified.expect("a development server is believed")).ok()
}

/// What must hold of a call, whatever it was made of.
fn looked_at(call: &Call) {
    let raw = serde_json::from_str::<serde::de::IgnoredAny>(&call.for_guest());
    assert!(raw.is_ok(), "the guest gets no JSON: {}", call.for_guest());
    assert_eq!(
        call.attempt.is_last(),
        u64::from(call.attempt.number) + 1 >= call.attempt.most.into()
    );
    if call.may_checkpoint() {
        assert!(call.route.target.is_none() && call.immediate, "{call:?}");
    }
    if let Some(outcome) = answer_from_memo(call) {
        assert_eq!(reply::to(outcome, call.terms()).status, 206);
    }
}

/// Whether a body has the members of a call where a call has them. (The decoder also takes lists for objects, as its
/// library does.)
fn well_formed(body: &Value) -> bool {
    let object = |value: Option<&Value>| value.is_none_or(Value::is_object);
    body.is_object()
        && object(body.get("ctx"))
        && object(body["ctx"].get("stack"))
        && body.get("steps").is_none_or(|steps| steps.is_object() || steps.is_null())
}

fn stack(body: &Value) -> Vec<StepId> {
    let ids = body["ctx"]["stack"]["stack"].as_array().into_iter().flatten();
    ids.map(|id| id.as_str().and_then(|id| id.parse().ok()).expect("an id")).collect()
}

/// The call says what its body says.
fn says(call: &Call, body: &Value) {
    let ctx = &body["ctx"];
    assert_eq!(ctx["run_id"].as_str().map(str::to_uppercase), Some(call.run.to_string()));
    assert_eq!(json::value(call.event()).as_ref(), Some(&body["event"]));
    let guest = json::value(&call.for_guest()).expect("no deeper than the body");
    assert_eq!(guest["run_id"], call.run.to_string());
    assert_eq!(guest["attempt"], ctx.get("attempt").cloned().unwrap_or(0.into()));
    let most = ctx.get("max_attempts").filter(|most| !most.is_null()).cloned();
    assert_eq!(guest["max_attempts"], most.unwrap_or(5.into()));
    assert_eq!(guest["event"], body["event"]);
    match guest.get("events") {
        Some(events) => assert_eq!(events, &body["events"]),
        None => assert!(
            match &body["events"] {
                Value::Array(events) => match events.as_slice() {
                    [] => true,
                    [only] => *only == body["event"],
                    _ => false,
                },
                other => other.is_null(),
            },
            "events got lost: {body}"
        ),
    }
}

/// The table has the memos of `steps`, each of them a part of `body`, in the order of the stack.
fn memos(table: &MemoTable, body: &Bytes, steps: &Value, stack: &[StepId]) {
    let Some(steps) = steps.as_object() else { return assert!(table.is_empty()) };
    let by_id: BTreeMap<StepId, &Value> =
        steps.iter().map(|(id, memo)| (id.parse().expect("an id"), memo)).collect();
    assert_eq!(table.len(), by_id.len());
    if by_id.len() < steps.len() {
        // One id in two spellings: the last one counts, and the order is not known here.
        return;
    }
    let mut ranks = BTreeSet::new();
    for (id, memo) in by_id {
        let (wrapped, rank) = table.get(&id, Shape::Wrapped).expect("it is there");
        let expected = stack.iter().rposition(|other| *other == id);
        match expected {
            Some(place) => assert_eq!(rank as usize, place),
            None => assert!(rank as usize >= stack.len()),
        }
        assert!(ranks.insert(rank), "two steps have one rank");
        let (member, inner) = unwrapped(memo);
        let (said, text) = match wrapped {
            Memo::Data(text) => ("data", text),
            Memo::Error(text) => ("error", text),
            Memo::Input(text) => ("input", text),
        };
        assert_eq!((said, json::value(text).as_ref()), (member, Some(inner)));
        assert!(lies_within(text, body), "{text:?} is not in the body");
        let whole = table.get(&id, Shape::Whole).map(|(whole, _)| whole);
        let Some(Memo::Data(whole)) = whole else { panic!("{whole:?}") };
        assert_eq!(json::value(whole).as_ref(), Some(memo));
        assert!(lies_within(whole, body), "{whole:?} is not in the body");
        assert_eq!(table.get(&id, Shape::Presence), Some((Memo::Data("null"), rank)));
    }
}

/// How a memo of a step with a body is stored.
fn unwrapped(memo: &Value) -> (&'static str, &Value) {
    if let Some(object) = memo.as_object().filter(|object| object.len() == 1) {
        for member in ["data", "error", "input"] {
            if let Some(inner) = object.get(member) {
                return (member, inner);
            }
        }
    }
    ("data", memo)
}

fn lies_within(text: &str, body: &Bytes) -> bool {
    let (text, body) = (text.as_bytes().as_ptr_range(), body.as_ptr_range());
    body.start <= text.start && text.end <= body.end
}
