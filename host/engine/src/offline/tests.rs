//! An owner that answers by hand.

use protocol::function::Manifest;
use protocol::op::{Op, OpCode, Wake};
use protocol::outcome::Outcome;
use protocol::reply::Reply as Told;
use protocol::step::StepName;
use protocol::sync::Announced;

use super::*;

fn started() -> (Offline, RunId) {
    let mut engine = Offline::new("2026-03-01T12:00:00Z".parse().expect("a time"));
    let manifest = r#"{"functions":[{"id":"f","retries":1,"triggers":[{"event":"a/b"}]}]}"#;
    let functions = Manifest::parse(manifest).expect("a manifest").functions;
    let (app, url) = ("app".parse().expect("an id"), "http://kit/".parse().expect("a URL"));
    let payload = SyncPayload::new(&app, None, &url, &Announced::active(&functions));
    engine.sync(&payload).expect("it is good");
    let events = NewEvent::parse_all(br#"{"name":"a/b"}"#).expect("an event");
    engine.receive(events, None);
    let run = engine.runs()[0];
    (engine, run)
}

fn only_call(engine: &mut Offline) -> (DueCall, protocol::call::Terms) {
    let mut calls = engine.calls();
    assert_eq!(calls.len(), 1);
    let call = calls.remove(0);
    let body: serde_json::Value = serde_json::from_slice(&call.body).expect("JSON");
    let number = body["ctx"]["attempt"].as_u64().expect("a number");
    let number = u32::try_from(number).expect("it is small");
    let attempt = protocol::call::Attempt { number, most: 2 };
    (call, protocol::call::Terms { attempt, version: -1 })
}

fn name(name: &str) -> StepName {
    StepName { id: StepId::hash(name), name: name.to_owned(), index: 0 }
}

#[test]
fn a_run_goes_through_steps_sleeps_and_lost_calls_at_the_owners_pace() {
    let (mut engine, run) = started();
    let (call, _) = only_call(&mut engine);
    assert_eq!(call.query, "fnId=app-f&stepId=step");
    assert!(engine.calls().is_empty(), "it is under way");

    // The worker dies: the call comes again, an attempt later and no moment earlier.
    engine.lose(call, "killed");
    assert!(engine.calls().is_empty());
    let due = engine.next_due().expect("a retry");
    engine.pass_to(due);
    let (call, terms) = only_call(&mut engine);
    assert_eq!(terms.attempt.number, 1);

    let sleep = OpCode::Sleep(Wake::At("2026-03-08T12:00:00Z".parse().expect("a time")));
    let op = Op { step: name("nap"), code: sleep, race: false };
    engine.reply(call, &Told::of(Outcome::Planned(vec![op]), terms));
    let state = engine.run(run).expect("a run");
    assert_eq!((state.status, state.next_call), (RunStatus::Running, None));
    while engine.calls().is_empty() {
        // Housekeeping is due every hour, so this is not the end of the sleep at once.
        let due = engine.next_due().expect("something is due");
        engine.pass_to(due);
        if engine.run(run).expect("a run").next_call.is_some() {
            break;
        }
    }
    assert_eq!(engine.now(), "2026-03-08T12:00:00Z".parse().expect("a time"));
}

#[test]
fn what_ended_stays_to_be_seen() {
    let (mut engine, run) = started();
    let (call, terms) = only_call(&mut engine);
    let data = RawValue::from_string("7".to_owned()).expect("JSON");
    let ran = Outcome::StepRan { step: name("a"), race: false, data: data.clone(), timing: None };
    engine.reply(call, &Told::of(ran, terms));
    let (call, terms) = only_call(&mut engine);
    assert!(engine.state(run).is_some());
    engine.reply(call, &Told::of(Outcome::Done(data), terms));
    let state = engine.run(run).expect("a run");
    assert_eq!(state.status, RunStatus::Completed);
    assert_eq!(state.steps[0].memo.get(), r#"{"data":7}"#);
    assert_eq!(state.output.expect("a result").get(), "7");
    assert!(engine.state(run).is_none(), "as on a server, nothing is left to be fetched");
}
