//! Tables: a call and what the guest reports → what it is told.

mod programs;
mod proof;

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

fn replay_of(call: Arc<Call>) -> Replay {
    rigorous(call, Rigour::Lenient)
}

fn rigorous(call: Arc<Call>, rigour: Rigour) -> Replay {
    Replay::new(call, Arc::new(Directory::new("app".parse().expect("an id"))), rigour)
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
            let name = &sending.step.name;
            match &sending.what {
                Message::Events(events) => format!("send {} from {name}", events.len()),
                Message::Signal { signal, data } => format!("signal {signal} {data} from {name}"),
            }
        }
        Ok(Decision::Stop(Stop::Outcome(outcome))) => ended(&outcome),
        Err(error) => format!("error: {error}"),
    }
}

fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Planned(ops) => {
            let mark = |op: &Op| if op.race { "!" } else { "" };
            let ops: Vec<_> = ops
                .iter()
                .map(|op| format!("{} {}{}", op.code.name(), op.step.name, mark(op)))
                .collect();
            ops.join(", ")
        }
        Outcome::TargetNotFound { found, ending, .. } => {
            format!("no target among {}; {ending}", found.len())
        }
        Outcome::Switch => "switch".to_owned(),
        Outcome::Again { unique } => format!("again {unique}"),
        Outcome::Superseded => "superseded".to_owned(),
        Outcome::Fits => "fits".to_owned(),
        Outcome::Unfit(misfit) => misfit.name().to_owned(),
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
    let mut replay = replay_of(allowed.clone());
    assert_eq!(told(replay.next([run("a")], &[])), "run 0");
    assert_eq!(replay.running().as_deref(), Some("a"));
    assert_eq!(ended(&replay.finished(raw("1"), TIMING).expect("it ran")), "ran a 1");

    let forbidden = call(&Setup { immediate: false, ..PLAIN });
    assert_eq!(told(replay_of(forbidden.clone()).next([run("a")], &[])), "StepPlanned a");
}

#[test]
fn several_new_steps_are_planned_in_the_order_they_were_found() {
    let call = call(&PLAIN);
    let sleep = Found { name: "z", kind: "sleep", options: r#"{"milliseconds":1000}"# };
    let mut replay = replay_of(call);
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
    let mut replay = replay_of(call.clone());
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
    let mut replay = replay_of(call.clone());
    assert_eq!(told(replay.next([run("a"), run("b"), run("x")], &[])), "0=1");
    assert_eq!(told(replay.next([run("c")], &[1, 2])), "run 3");
}

#[test]
fn a_target_runs_before_anything_is_resolved() {
    let memos = [("winner", r#"{"data":1}"#)];
    let call =
        call(&Setup { target: Some("b"), memos: &memos, stack: &["winner"], immediate: false });
    let mut replay = replay_of(call.clone());
    assert_eq!(told(replay.next([run("winner"), run("b")], &[])), "run 1");
}

#[test]
fn a_target_may_come_after_memos_and_may_be_missing() {
    let memos = [("a", r#"{"data":1}"#)];
    let call =
        call(&Setup { target: Some("late"), memos: &memos, stack: &["a"], immediate: false });
    let mut replay = replay_of(call.clone());
    assert_eq!(told(replay.next([run("a")], &[])), "0=1");
    assert_eq!(told(replay.next([run("late"), run("other")], &[])), "run 1");

    let mut replay = replay_of(call.clone());
    assert_eq!(told(replay.next([run("a")], &[])), "0=1");
    assert_eq!(
        told(replay.next([run("other")], &[])),
        "no target among 1; it waits for other steps"
    );

    let returned = replay_of(call.clone()).ended(Ok(raw("7")));
    assert_eq!(ended(&returned), "no target among 0; it returned without meeting the step");
    let failed = replay_of(call.clone()).ended(Err((ErrorObject::new("E", "m"), Retry::Again)));
    assert_eq!(ended(&failed), "no target among 0; it failed with E: m");
}

#[test]
fn an_edited_input_runs_the_step_with_it() {
    let call = call(&Setup { memos: &[("a", r#"{"input":[5]}"#)], ..PLAIN });
    assert_eq!(told(replay_of(call.clone()).next([run("a")], &[])), "run 0 with [5]");
}

#[test]
fn repeats_have_memos_of_their_own() {
    let memos = [("a", r#"{"data":1}"#), ("a:1", r#"{"data":2}"#)];
    let call = call(&Setup { memos: &memos, stack: &["a", "a:1"], ..PLAIN });
    let mut replay = replay_of(call.clone());
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
    let mut replay = replay_of(call.clone());
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
    assert_eq!(told(replay_of(free.clone()).next([sending(good)], &[])), "send 2 from s");
    assert_eq!(
        told(replay_of(free.clone()).next([sending(good), run("a")], &[])),
        "StepPlanned s, StepPlanned a"
    );
    for found in [vec![sending(bad)], vec![sending(bad), run("a")]] {
        let said = told(replay_of(free.clone()).next(found, &[]));
        assert!(said.contains("step \"s\"") && said.contains("reserved"), "{said}");
    }
    let memo = r#"{"data":{"ids":["x"]}}"#;
    let done = call(&Setup { memos: &[("s", memo)], ..PLAIN });
    assert_eq!(told(replay_of(done.clone()).next([sending(good)], &[])), r#"0={"ids":["x"]}"#);
}

#[test]
fn broken_rules_are_errors_that_say_what_to_do() {
    let call = call(&PLAIN);
    let says = |decision: Result<Decision<'_>, ReplayError>, text: &str| {
        let said = told(decision);
        assert!(said.starts_with("error: ") && said.contains(text), "{said}");
    };
    says(replay_of(call.clone()).next([], &[]), "not a step");
    says(replay_of(call.clone()).next([run("a")], &[7]), "step number 7");
    let odd = Found { name: "o", kind: "telepathy", options: "" };
    says(replay_of(call.clone()).next([odd], &[]), "telepathy");
    let long = Found { name: "z", kind: "sleep", options: r#"{"milliseconds":99999999999}"# };
    says(replay_of(call.clone()).next([long], &[]), "366 days");

    let mut replay = replay_of(call.clone());
    replay.next([run("outer")], &[]).expect("it runs");
    says(replay.next([run("inner")], &[]), "inside the body of step \"outer\"");

    let mut replay = replay_of(call.clone());
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

fn of_kind<'f>(name: &'f str, kind: &'f str, options: &'f str) -> Found<'f> {
    Found { name, kind, options }
}

/// A call under a recorded execution version, with these memos in the order in which they ended.
fn versioned(version: i32, memos: &[(&str, &str)]) -> Arc<Call> {
    let stack: Vec<&str> = memos.iter().map(|(name, _)| *name).collect();
    let mut call = (*call(&Setup { memos, stack: &stack, ..PLAIN })).clone();
    call.version = version;
    Arc::new(call)
}

const WAIT: &str = r#"{"event":"a/b","milliseconds":1000}"#;

#[test]
fn kinds_the_server_carries_out_are_reported_with_their_options() {
    for (kind, options, op, opts) in [
        (
            "wait-for-event",
            r#"{"event":"shop/paid","milliseconds":90000,"if":"async.data.n == 1"}"#,
            "WaitForEvent",
            r#"{"event":"shop/paid","timeout":"90s","if":"async.data.n == 1"}"#,
        ),
        // Nothing on the wire means "expire at once", so a wait of no time is the shortest one.
        (
            "wait-for-event",
            r#"{"event":"e","milliseconds":0}"#,
            "WaitForEvent",
            r#"{"event":"e","timeout":"1ms"}"#,
        ),
        (
            "wait-for-signal",
            r#"{"signal":"approve/42","milliseconds":1500,"replace":true}"#,
            "WaitForSignal",
            r#"{"signal":"approve/42","timeout":"1500ms","conflict":"replace"}"#,
        ),
        (
            "wait-for-signal",
            r#"{"signal":"s","milliseconds":1000}"#,
            "WaitForSignal",
            r#"{"signal":"s","timeout":"1s"}"#,
        ),
        (
            "invoke",
            r#"{"function":"charge","app":"billing","data":{"n":5},"milliseconds":60000}"#,
            "InvokeFunction",
            r#"{"function_id":"billing-charge","payload":{"data":{"n":5}},"timeout":"60s"}"#,
        ),
        (
            "invoke",
            r#"{"function":"near"}"#,
            "InvokeFunction",
            r#"{"function_id":"app-near","payload":{"data":{}}}"#,
        ),
        (
            "invoke",
            r#"{"function":"far","data":null}"#,
            "InvokeFunction",
            r#"{"function_id":"other-far","payload":{"data":{}}}"#,
        ),
        (
            "fetch",
            r#"{"url":"https://x.example/p","method":"GET","headers":{"accept":"text/plain"}}"#,
            "Gateway",
            r#"{"url":"https://x.example/p","method":"GET","headers":{"accept":"text/plain"},"body":""}"#,
        ),
        (
            "infer",
            r#"{"url":"https://ai.example","format":"anthropic","auth_key":"k","body":{"model":"m"}}"#,
            "AIGateway",
            r#"{"url":"https://ai.example","headers":{},"auth_key":"k","format":"anthropic","body":{"model":"m"}}"#,
        ),
    ] {
        let directory = Directory::new("app".parse().expect("an id"))
            .with(&"other".parse().expect("an id"), ["far".parse().expect("an id")]);
        let mut replay = Replay::new(call(&PLAIN), Arc::new(directory), Rigour::Lenient);
        let decision = replay.next([of_kind("s", kind, options)], &[]);
        let Ok(Decision::Stop(Stop::Outcome(Outcome::Planned(ops)))) = decision else {
            panic!("{kind}: {decision:?}")
        };
        let json = serde_json::to_string(&ops[0]).expect("JSON");
        assert!(json.contains(&format!(r#""op":"{op}""#)), "{json}");
        assert!(
            json.contains(&format!(
                r#""name":"{}","opts":{opts},"data":null}}"#,
                if op == "WaitForSignal" {
                    json.split(r#""signal":""#)
                        .nth(1)
                        .and_then(|rest| rest.split('"').next())
                        .expect("a signal")
                } else {
                    "s"
                }
            )),
            "{json}"
        );
    }
}

#[test]
fn options_that_the_server_would_choke_on_are_refused_here() {
    for (kind, options, says) in [
        ("wait-for-event", r#"{"event":" ","milliseconds":1}"#, "event is empty"),
        ("wait-for-event", r#"{"event":"e"}"#, "milliseconds"),
        ("wait-for-event", r#"{"event":"e","milliseconds":99999999999}"#, "366 days"),
        ("wait-for-signal", r#"{"signal":"","milliseconds":1}"#, "signal is empty"),
        ("invoke", r#"{"function":"f","data":[1]}"#, "not a JSON object"),
        ("invoke", r#"{"function":""}"#, "function"),
        ("fetch", r#"{"url":"nowhere","method":"GET"}"#, "not an address"),
        ("fetch", r#"{"url":"https://x.example","method":""}"#, "method is empty"),
        (
            "infer",
            r#"{"url":"https://x.example","format":"crystal-ball","body":{}}"#,
            "crystal-ball",
        ),
        ("send-signal", r#"{"signal":""}"#, "signal is empty"),
    ] {
        let said = told(replay_of(call(&PLAIN)).next([of_kind("s", kind, options)], &[]));
        assert!(
            said.starts_with("error: step \"s\"") && said.contains(says),
            "{kind} {options}: {said}"
        );
    }
}

#[test]
fn what_the_server_carried_out_resolves_as_its_kind_is_stored() {
    for (kind, memo, says) in [
        ("wait-for-event", r#"{"data":{"n":1}}"#, r#"0={"data":{"n":1}}"#),
        ("wait-for-event", "null", "0=null"),
        ("wait-for-signal", r#"{"data":{"signal":"s","data":7}}"#, r#"0={"signal":"s","data":7}"#),
        ("wait-for-signal", "null", "0=null"),
        ("invoke", r#"{"data":7}"#, "0=7"),
        ("invoke", r#"{"error":{"name":"E","message":"m"}}"#, r#"0!{"name":"E","message":"m"}"#),
        ("fetch", r#"{"data":{"status_code":404}}"#, r#"0={"status_code":404}"#),
        (
            "infer",
            r#"{"error":{"name":"AIGatewayError","message":"m"}}"#,
            r#"0!{"name":"AIGatewayError","message":"m"}"#,
        ),
        ("send-signal", r#"{"data":null}"#, "0=null"),
    ] {
        let call = call(&Setup { memos: &[("s", memo)], ..PLAIN });
        assert_eq!(told(replay_of(call).next([of_kind("s", kind, "")], &[])), says, "{kind}");
    }
}

#[test]
fn an_operator_may_edit_what_a_model_is_asked() {
    let call = call(&Setup { memos: &[("s", r#"{"input":[{"model":"n"}]}"#)], ..PLAIN });
    let options = r#"{"url":"https://ai.example","body":{"model":"m","max":1}}"#;
    let mut replay = replay_of(call);
    let decision = replay.next([of_kind("s", "infer", options)], &[]);
    let Ok(Decision::Stop(Stop::Outcome(Outcome::Planned(ops)))) = decision else {
        panic!("{decision:?}")
    };
    let json = serde_json::to_string(&ops[0]).expect("JSON");
    assert!(json.contains(r#""body":{"max":1,"model":"n"}"#), "{json}");
}

#[test]
fn a_lone_signal_is_sent_by_the_host() {
    let options = r#"{"signal":"s","data":{"ok":true}}"#;
    let mut replay = replay_of(call(&PLAIN));
    assert_eq!(
        told(replay.next([of_kind("t", "send-signal", options)], &[])),
        r#"signal s {"ok":true} from t"#
    );
    replay.keep(raw("null")).expect("it was sent");
    assert_eq!(told(replay.next([], &[])), "0=null");
}

#[test]
fn a_race_marks_every_op_from_then_on() {
    let mut replay = replay_of(versioned(2, &[("before", r#"{"data":1}"#)]));
    assert_eq!(told(replay.next([run("before")], &[])), "0=1");
    replay.enter_race();
    let nap = Found { name: "z", kind: "sleep", options: r#"{"milliseconds":1000}"# };
    assert_eq!(told(replay.next([run("a"), nap], &[])), "StepPlanned a!, Sleep z!");

    let mut target = replay_of(call(&Setup { target: Some("a"), immediate: false, ..PLAIN }));
    target.enter_race();
    assert_eq!(told(target.next([run("a"), run("b")], &[])), "run 0");
    let outcome = target.finished(raw("1"), TIMING).expect("it ran");
    assert!(matches!(outcome, Outcome::StepRan { race: true, .. }), "{outcome:?}");
}

#[test]
fn after_a_race_steps_are_planned_and_never_run_at_once() {
    let won = [("a", r#"{"data":1}"#)];
    let both = [("a", r#"{"data":1}"#), ("b", r#"{"data":2}"#)];
    let raced = |memos| {
        let mut replay = replay_of(versioned(2, memos));
        replay.enter_race();
        assert_eq!(told(replay.next([run("a"), run("b")], &[])), "0=1");
        replay
    };
    // `b` was found beside `a`: an earlier call planned it, and it may be running.
    assert_eq!(told(raced(&won).next([], &[])), "StepPlanned b!");
    // `b` was dropped as the loser: when it ends, the server calls again, while `next` is still running.
    assert_eq!(told(raced(&won).next([run("next")], &[1])), "StepPlanned next!");
    // This is that call: `next` was planned when `b` had not ended, and may be running.
    assert_eq!(told(raced(&both).next([run("next")], &[1])), "StepPlanned next!");
}

#[test]
fn a_race_with_a_wait_needs_the_version_that_wakes_at_every_end() {
    let found = || [run("a"), of_kind("w", "wait-for-event", WAIT)];
    let raced = |version| {
        let mut replay = replay_of(versioned(version, &[]));
        replay.enter_race();
        told(replay.next(found(), &[]))
    };
    // Nothing is recorded yet, or the right version is: the plan itself carries it.
    assert_eq!(raced(-1), "StepPlanned a!, WaitForEvent w!");
    assert_eq!(raced(1), "StepPlanned a!, WaitForEvent w!");
    assert_eq!(raced(2), "switch");
    // Without a race the barrier is what is wanted.
    let joined = told(replay_of(versioned(2, &[])).next(found(), &[]));
    assert_eq!(joined, "StepPlanned a, WaitForEvent w");
}

#[test]
fn kept_results_come_back_like_memos_and_the_function_goes_on() {
    let mut replay = replay_of(versioned(2, &[("a", r#"{"data":1}"#)]));
    assert_eq!(told(replay.next([run("a")], &[])), "0=1");
    assert_eq!(told(replay.next([run("b")], &[])), "run 1");
    assert_eq!(ended(&replay.finished(raw("2"), TIMING).expect("it ran")), "ran b 2");
    replay.keep(raw("2")).expect("it ran");
    assert_eq!(told(replay.next([], &[])), "1=2");
    assert_eq!(told(replay.next([run("c")], &[])), "run 2");
    replay.finished(raw("3"), TIMING).expect("it ran");
    replay.keep(raw("3")).expect("it ran");
    assert_eq!(replay.keep(raw("3")), Err(ReplayError::NotRunning), "each is kept once");
    assert_eq!(told(replay.next([], &[])), "2=3");
    replay.plan_only();
    assert_eq!(told(replay.next([run("d")], &[])), "StepPlanned d");
}

#[test]
fn what_was_sent_is_not_asked_for_again() {
    let options = r#"{"events":[{"name":"a/b"}]}"#;
    let mut replay = replay_of(call(&PLAIN));
    let sending = of_kind("s", "send-event", options);
    assert_eq!(told(replay.next([sending], &[])), "send 1 from s");
    // Its result was not kept, and something goes on all the same.
    assert!(told(replay.next([], &[])).contains("not a step"));
    assert_eq!(told(replay.next([run("a")], &[])), "run 1");
}
