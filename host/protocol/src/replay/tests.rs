//! Tables: a call and what the guest reports → what it is told.

use bytes::Bytes;
use jiff::Timestamp;

use super::*;
use crate::call::{Call, Route};
use crate::signature::{Trust, verify};

const RUN: &str = "01M81GXW71CEV7JQT6T4T8NAKZ";

struct Setup<'s> {
    target: Option<&'s str>,
    memos: &'s [(&'s str, &'s str)],
    stack: &'s [&'s str],
    immediate: bool,
}

const PLAIN: Setup<'static> = Setup { target: None, memos: &[], stack: &[], immediate: true };

fn call(setup: &Setup<'_>) -> Arc<Call> {
    let steps: Vec<String> = setup
        .memos
        .iter()
        .map(|(name, memo)| format!(r#""{}":{memo}"#, StepId::hash(name)))
        .collect();
    let stack: Vec<String> =
        setup.stack.iter().map(|name| format!(r#""{}""#, StepId::hash(name))).collect();
    let body = format!(
        r#"{{"ctx":{{"run_id":"{RUN}","disable_immediate_execution":{},"stack":{{"stack":[{}]}}}},"steps":{{{}}}}}"#,
        !setup.immediate,
        stack.join(","),
        steps.join(","),
    );
    let target = setup.target.map(StepId::hash);
    let verified =
        verify(None, Bytes::from(body), Timestamp::UNIX_EPOCH, &Trust::Dev).expect("trusted");
    Arc::new(Call::decode(Route { slug: "f".to_owned(), target }, &verified).expect("a call"))
}

fn run(name: &str) -> Found<'_> {
    Found { name, kind: "run", options: "" }
}

/// What was decided, in words short enough for a table.
fn told(decision: Result<Decision<'_>, ReplayError>) -> String {
    match decision {
        Ok(Decision::Resolve { step, value: Ok(data) }) => format!("{step}={data}"),
        Ok(Decision::Resolve { step, value: Err(error) }) => format!("{step}!{error}"),
        Ok(Decision::Execute { step, input: None }) => format!("run {step}"),
        Ok(Decision::Execute { step, input: Some(input) }) => format!("run {step} with {input}"),
        Ok(Decision::Stop(Stop::Send(sending))) => {
            format!("send {} from {}", sending.events.len(), sending.step.name)
        }
        Ok(Decision::Stop(Stop::Outcome(outcome))) => ended(&outcome),
        Err(error) => format!("error: {error}"),
    }
}

fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Planned(ops) => {
            let ops: Vec<_> =
                ops.iter().map(|op| format!("{} {}", op.code.name(), op.step.name)).collect();
            ops.join(", ")
        }
        Outcome::TargetNotFound { found, ending, .. } => {
            format!("no target among {}; {ending}", found.len())
        }
        Outcome::Done(data) => format!("done {data}"),
        Outcome::StepRan { step, data, .. } => format!("ran {} {data}", step.name),
        Outcome::StepFailed { step, error, .. } => {
            format!("{} failed: {}", step.name, error.message)
        }
        Outcome::Failed { error, .. } => format!("failed: {}", error.message),
    }
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).expect("JSON")
}

const TIMING: Timing = Timing { start: Timestamp::UNIX_EPOCH, took: std::time::Duration::ZERO };

#[test]
fn a_lone_new_step_runs_at_once_where_the_server_allows_it() {
    let allowed = call(&PLAIN);
    let mut replay = Replay::new(allowed.clone());
    assert_eq!(told(replay.next([run("a")], &[])), "run 0");
    assert_eq!(replay.running().as_deref(), Some("a"));
    assert_eq!(ended(&replay.finished(raw("1"), TIMING).expect("it ran")), "ran a 1");

    let forbidden = call(&Setup { immediate: false, ..PLAIN });
    assert_eq!(told(Replay::new(forbidden.clone()).next([run("a")], &[])), "StepPlanned a");
}

#[test]
fn several_new_steps_are_planned_in_the_order_they_were_found() {
    let call = call(&PLAIN);
    let sleep = Found { name: "z", kind: "sleep", options: r#"{"milliseconds":1000}"# };
    let mut replay = Replay::new(call);
    assert_eq!(
        told(replay.next([run("b"), sleep, run("a")], &[])),
        "StepPlanned b, Sleep z, StepPlanned a"
    );
}

#[test]
fn memos_resolve_in_the_servers_order_then_in_the_bodys() {
    let memos =
        [("a", r#"{"data":1}"#), ("b", r#"{"data":2}"#), ("c", r#"{"error":{"message":"m"}}"#)];
    let call = call(&Setup { memos: &memos, stack: &["c", "b"], ..PLAIN });
    let mut replay = Replay::new(call.clone());
    assert_eq!(told(replay.next([run("a"), run("b"), run("c")], &[])), r#"2!{"message":"m"}"#);
    assert_eq!(told(replay.next([], &[])), "1=2");
    assert_eq!(told(replay.next([], &[])), "0=1");
    assert_eq!(told(replay.next([run("d")], &[])), "run 3");
}

#[test]
fn a_dropped_step_is_neither_resolved_nor_reported() {
    let call = call(&Setup {
        memos: &[("a", r#"{"data":1}"#), ("b", r#"{"data":2}"#)],
        stack: &["a", "b"],
        ..PLAIN
    });
    let mut replay = Replay::new(call.clone());
    assert_eq!(told(replay.next([run("a"), run("b"), run("x")], &[])), "0=1");
    assert_eq!(told(replay.next([run("c")], &[1, 2])), "run 3");
}

#[test]
fn a_target_runs_before_anything_is_resolved() {
    let memos = [("winner", r#"{"data":1}"#)];
    let call =
        call(&Setup { target: Some("b"), memos: &memos, stack: &["winner"], immediate: false });
    let mut replay = Replay::new(call.clone());
    assert_eq!(told(replay.next([run("winner"), run("b")], &[])), "run 1");
}

#[test]
fn a_target_may_come_after_memos_and_may_be_missing() {
    let memos = [("a", r#"{"data":1}"#)];
    let call =
        call(&Setup { target: Some("late"), memos: &memos, stack: &["a"], immediate: false });
    let mut replay = Replay::new(call.clone());
    assert_eq!(told(replay.next([run("a")], &[])), "0=1");
    assert_eq!(told(replay.next([run("late"), run("other")], &[])), "run 1");

    let mut replay = Replay::new(call.clone());
    assert_eq!(told(replay.next([run("a")], &[])), "0=1");
    assert_eq!(
        told(replay.next([run("other")], &[])),
        "no target among 1; it waits for other steps"
    );

    let returned = Replay::new(call.clone()).ended(Ok(raw("7")));
    assert_eq!(ended(&returned), "no target among 0; it returned without meeting the step");
    let failed = Replay::new(call.clone()).ended(Err((ErrorObject::new("E", "m"), Retry::Again)));
    assert_eq!(ended(&failed), "no target among 0; it failed with E: m");
}

#[test]
fn an_edited_input_runs_the_step_with_it() {
    let call = call(&Setup { memos: &[("a", r#"{"input":[5]}"#)], ..PLAIN });
    assert_eq!(told(Replay::new(call.clone()).next([run("a")], &[])), "run 0 with [5]");
}

#[test]
fn repeats_have_memos_of_their_own() {
    let memos = [("a", r#"{"data":1}"#), ("a:1", r#"{"data":2}"#)];
    let call = call(&Setup { memos: &memos, stack: &["a", "a:1"], ..PLAIN });
    let mut replay = Replay::new(call.clone());
    assert_eq!(told(replay.next([run("a")], &[])), "0=1");
    assert_eq!(told(replay.next([run("a")], &[])), "1=2");
    assert_eq!(told(replay.next([run("a")], &[])), "run 2");
    assert_eq!(replay.running_step().map(|step| step.index), Some(2));
}

#[test]
fn a_finished_sleep_is_known_by_its_presence() {
    let call = call(&Setup {
        memos: &[("z", "null"), ("a", r#"{"data":null}"#)],
        stack: &["z", "a"],
        ..PLAIN
    });
    let mut replay = Replay::new(call.clone());
    let sleep = Found { name: "z", kind: "sleep", options: "" };
    assert_eq!(told(replay.next([sleep], &[])), "0=null");
    assert_eq!(told(replay.next([run("a")], &[])), "1=null");
}

#[test]
fn events_are_sent_by_the_host_and_checked_before_they_are_planned() {
    let sending = |options| Found { name: "s", kind: "send-event", options };
    let good = r#"{"events":[{"name":"a/b"},{"name":"c/d","data":{"x":1}}]}"#;
    let bad = r#"{"events":[{"name":"inngest/x"}]}"#;
    let free = call(&PLAIN);
    assert_eq!(told(Replay::new(free.clone()).next([sending(good)], &[])), "send 2 from s");
    assert_eq!(
        told(Replay::new(free.clone()).next([sending(good), run("a")], &[])),
        "StepPlanned s, StepPlanned a"
    );
    for found in [vec![sending(bad)], vec![sending(bad), run("a")]] {
        let said = told(Replay::new(free.clone()).next(found, &[]));
        assert!(said.contains("step \"s\"") && said.contains("reserved"), "{said}");
    }
    let memo = r#"{"data":{"ids":["x"]}}"#;
    let done = call(&Setup { memos: &[("s", memo)], ..PLAIN });
    assert_eq!(told(Replay::new(done.clone()).next([sending(good)], &[])), r#"0={"ids":["x"]}"#);
}

#[test]
fn broken_rules_are_errors_that_say_what_to_do() {
    let call = call(&PLAIN);
    let says = |decision: Result<Decision<'_>, ReplayError>, text: &str| {
        let said = told(decision);
        assert!(said.starts_with("error: ") && said.contains(text), "{said}");
    };
    says(Replay::new(call.clone()).next([], &[]), "not a step");
    says(Replay::new(call.clone()).next([run("a")], &[7]), "step number 7");
    let odd = Found { name: "o", kind: "telepathy", options: "" };
    says(Replay::new(call.clone()).next([odd], &[]), "telepathy");
    let long = Found { name: "z", kind: "sleep", options: r#"{"milliseconds":99999999999}"# };
    says(Replay::new(call.clone()).next([long], &[]), "366 days");

    let mut replay = Replay::new(call.clone());
    replay.next([run("outer")], &[]).expect("it runs");
    says(replay.next([run("inner")], &[]), "inside the body of step \"outer\"");

    let mut replay = Replay::new(call.clone());
    assert_eq!(replay.finished(raw("1"), TIMING).map(|_| ()), Err(ReplayError::NotRunning));
    let names: Vec<String> = (0..=MAX_STEPS).map(|n| n.to_string()).collect();
    says(replay.next(names.iter().map(|name| run(name)), &[]), "10000 steps");
}

#[test]
fn a_target_with_a_stored_end_needs_no_instance() {
    let memos = [
        ("ok", r#"{"data":[1]}"#),
        ("bad", r#"{"error":{"name":"E","message":"m"}}"#),
        ("edit", r#"{"input":[]}"#),
    ];
    let answer = |target| {
        let call = call(&Setup { target: Some(target), memos: &memos, ..PLAIN });
        answer_from_memo(&call).map(|outcome| ended(&outcome))
    };
    assert_eq!(answer("ok").map(|said| said.ends_with("[1]")), Some(true));
    assert_eq!(answer("bad").map(|said| said.ends_with("failed: m")), Some(true));
    assert_eq!((answer("edit"), answer("new")), (None, None));
}
