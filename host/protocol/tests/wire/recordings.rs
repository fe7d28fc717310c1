//! Whole recordings, where there are some: set `SYSTEM_BUS_CAPTURES` to a folder of `*.jsonl` files whose lines are
//! exchanges `{"req": {"method", "url", "body": {"json"}, "raw"}, …}`. Without it there is nothing to check.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use protocol::id::StepId;
use protocol::memo::{Memo, Shape};
use serde_json::Value;

use crate::decode;

/// What was found in one file.
#[derive(Debug, Default)]
struct Tally {
    calls: usize,
    memos: BTreeMap<&'static str, usize>,
}

#[test]
fn no_recorded_call_is_refused() {
    let Some(folder) = std::env::var_os("SYSTEM_BUS_CAPTURES") else {
        println!("SYSTEM_BUS_CAPTURES names no folder of recordings; nothing was checked");
        return;
    };
    let mut all = 0;
    for entry in fs::read_dir(&folder).expect("a folder of recordings") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            let tally = check(&path);
            all += tally.calls;
            println!("{}: {} calls, memos {:?}", path.display(), tally.calls, tally.memos);
        }
    }
    assert!(all > 0, "the folder holds calls");
}

fn check(path: &Path) -> Tally {
    let mut tally = Tally::default();
    let text = fs::read_to_string(path).expect("a recording");
    for (number, line) in text.lines().enumerate() {
        let row: Value = serde_json::from_str(line).expect("JSON");
        let request = &row["req"];
        let url = request["url"].as_str().unwrap_or_default();
        let Some((_, query)) = url.split_once('?').filter(|_| request["method"] == "POST") else {
            continue;
        };
        let body = &request["body"]["json"];
        // Very long bodies are recorded without their bytes.
        let raw = request["raw"].as_str().map_or_else(|| body.to_string(), str::to_owned);
        let place = format!("{}:{}", path.display(), number + 1);
        check_call(&place, query, &raw, body, &mut tally);
    }
    tally
}

fn check_call(place: &str, query: &str, raw: &str, body: &Value, tally: &mut Tally) {
    let call = decode(query, raw).unwrap_or_else(|error| panic!("{place}: {error}"));
    tally.calls += 1;
    let ctx = &body["ctx"];
    assert_eq!(call.run.to_string(), ctx["run_id"], "{place}");
    assert_eq!(
        (call.attempt.number, call.attempt.most),
        (number(&ctx["attempt"]), number(&ctx["max_attempts"])),
        "{place}"
    );
    assert_eq!(ctx["disable_immediate_execution"], !call.immediate, "{place}");
    assert_eq!(body["version"], call.version, "{place}");
    let given: Value = serde_json::from_str(&call.for_guest()).expect("JSON");
    assert_eq!(given["event"], body["event"], "{place}");
    // A batch of one event is that event, and is not handed over twice.
    let single = body["events"].as_array().is_none_or(|events| events.len() <= 1);
    assert_eq!(given.get("events"), body.get("events").filter(|_| !single), "{place}");

    let steps = body["steps"].as_object().expect("steps");
    let stack = ctx["stack"]["stack"].as_array().expect("a stack");
    assert_eq!(call.memos.len(), steps.len(), "{place}");
    for (id, stored) in steps {
        let id: StepId = id.parse().expect("an id");
        let (memo, rank) = call.memos.get(&id, Shape::Wrapped).expect("a memo");
        let (shape, read) = match memo {
            Memo::Data(data) => ("data", data),
            Memo::Error(error) => ("error", error),
            Memo::Input(input) => ("input", input),
        };
        let read: Value = serde_json::from_str(read).expect("a memo is JSON");
        let wrapped = stored.as_object().filter(|object| object.len() == 1);
        let expected = wrapped.and_then(|object| object.get(shape));
        assert_eq!(&read, expected.unwrap_or(stored), "{place}");
        assert_eq!(stack[rank as usize], id.to_string(), "{place}");
        let kind = if stored.is_null() {
            "null"
        } else if expected.is_none() {
            "event"
        } else {
            shape
        };
        *tally.memos.entry(kind).or_default() += 1;
    }
}

fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|number| number.try_into().ok()).expect("a small number")
}
