//! Calls.

use outside::Note;
use outside::testing::World;
use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_sdk::telemetry::Level;
use system_bus_testing::{Kit, RunStatus};

use crate::{CallAnswered, CallInitiated, CallRequested, Line, Outcome, voice_missed_call};

const OURS: &str = "+1 (555) 555-0100";

fn call(session: &str) -> CallInitiated {
    CallInitiated {
        call_session_id: session.to_owned(),
        direction: "incoming".to_owned(),
        from: "+15555550123".to_owned(),
        to: "+15555550100".to_owned(),
    }
}

fn answered(session: &str) -> CallAnswered {
    CallAnswered { call_session_id: session.to_owned() }
}

/// The one record of a run.
fn record(world: &World) -> Note {
    let mut notes = world.notes();
    assert_eq!(notes.len(), 1, "{notes:?}");
    notes.remove(0)
}

#[system_bus_sdk::test]
fn a_call_that_is_answered_disturbs_nobody(kit: &mut Kit) {
    let world = World::begin();
    kit.config("TELNYX_PHONE_NUMBER", OURS);
    let run = kit.start::<voice_missed_call>(call("c1"));
    kit.until_waiting();
    assert_eq!(kit.look(run).waits_for(), ["wait-for-answer"]);
    kit.advance(Duration::from_secs(44));
    kit.send(answered("c1"));
    let run = kit.until_ended(run);
    run.assert_steps(["lease-voice-did", "wait-for-answer"]);
    assert_eq!(run.output::<Outcome>(), Outcome::Answered);
    assert!(kit.sent::<CallRequested>().is_empty());
    let record = record(&world);
    assert!(record.error.is_none() && record.action == "voice.call.answered");
}

#[system_bus_sdk::test]
fn a_call_that_nobody_answers_is_told_after_45_seconds(kit: &mut Kit) {
    let world = World::begin();
    kit.config("TELNYX_PHONE_NUMBER", OURS);
    let run = kit.start::<voice_missed_call>(call("c1"));
    kit.until_waiting();
    // The answer to another call is none to this one.
    kit.send(answered("c2"));
    kit.advance(Duration::from_millis(44_999));
    assert_eq!(kit.look(run).waits_for(), ["wait-for-answer"]);
    assert!(kit.sent::<CallRequested>().is_empty());
    kit.advance(Duration::from_millis(1));
    let run = kit.until_ended(run);
    run.assert_steps(["lease-voice-did", "wait-for-answer", "page-joel", "notify-gateway-urgent"]);
    let message = "Missed call from +15555550123: nobody answered within 45 s".to_owned();
    assert_eq!(kit.sent::<CallRequested>(), [CallRequested { message: message.clone() }]);
    // A native build has no gateway: the run completes all the same.
    assert_eq!(run.output::<Outcome>(), Outcome::Missed { message, notified: false });
    let record = record(&world);
    assert_eq!((record.action.as_str(), record.level), ("voice.call.missed", Level::Warn));
}

#[system_bus_sdk::test]
fn two_calls_at_once_are_told_apart(kit: &mut Kit) {
    kit.config("TELNYX_PHONE_NUMBER", OURS);
    let first = kit.start::<voice_missed_call>(call("c1"));
    let second = kit.start::<voice_missed_call>(call("c2"));
    kit.until_waiting();
    kit.send(answered("c2"));
    assert_eq!(kit.until_ended(second).output::<Outcome>(), Outcome::Answered);
    assert!(matches!(kit.until_ended(first).output::<Outcome>(), Outcome::Missed { .. }));
}

#[system_bus_sdk::test]
fn calls_that_nobody_has_to_answer_are_skipped(kit: &mut Kit) {
    kit.config("TELNYX_PHONE_NUMBER", OURS);
    let outgoing = CallInitiated { direction: "outgoing".to_owned(), ..call("c1") };
    let elsewhere = CallInitiated { to: "+15555559999".to_owned(), ..call("c2") };
    let own = CallInitiated { from: OURS.to_owned(), ..call("c3") };
    for call in [outgoing, elsewhere, own, call(" ")] {
        let world = World::begin();
        let run = kit.run::<voice_missed_call>(call);
        assert!(matches!(run.output::<Outcome>(), Outcome::Skipped { .. }), "{run:?}");
        assert_eq!(record(&world).level, Level::Debug);
    }
    let run = kit.run::<voice_missed_call>(Outgoing::named("telnyx/call.initiated", &json!({})));
    assert!(matches!(run.output::<Outcome>(), Outcome::Skipped { .. }));
}

#[system_bus_sdk::test]
fn no_step_ends_with_our_number(kit: &mut Kit) {
    kit.config("TELNYX_PHONE_NUMBER", OURS);
    let run = kit.run::<voice_missed_call>(call("c1"));
    assert_eq!(run.step("lease-voice-did").output::<Line>(), Line::Ours);
    for step in &run.steps {
        let stored = step.result.as_ref().expect("it ended well").to_string();
        assert!(!stored.contains("0100"), "{}: {stored}", step.name);
    }
}

#[system_bus_sdk::test]
fn without_our_number_the_run_fails_and_says_so(kit: &mut Kit) {
    let world = World::begin();
    let run = kit.run::<voice_missed_call>(call("c1"));
    assert_eq!(run.status, RunStatus::Failed);
    assert_eq!(run.error().message(), "TELNYX_PHONE_NUMBER is not set");
    assert!(record(&world).error.is_some());
}

#[test]
fn whose_line_it_is() {
    for (ours, to, from, line) in [
        ("+1 (555) 555-0100", "+15555550100", "+15555550123", Line::Ours),
        ("+15555550100", "+15555550100", "", Line::Ours),
        ("+15555550100", "+15555550101", "+15555550123", Line::Other),
        ("+15555550100", "+15555550100", "+15555550100", Line::Other),
        ("none", "", "", Line::Other),
    ] {
        let call = CallInitiated { to: to.to_owned(), from: from.to_owned(), ..call("c1") };
        assert_eq!(call.line(ours), line, "{ours} {to} {from}");
    }
}

#[system_bus_sdk::test(crash = "everywhere")]
fn somebody_is_paged_once_whatever_dies(kit: &mut Kit) {
    kit.config("TELNYX_PHONE_NUMBER", OURS);
    let run = kit.run::<voice_missed_call>(call("c1"));
    assert!(matches!(run.output::<Outcome>(), Outcome::Missed { .. }));
    assert_eq!(kit.sent::<CallRequested>().len(), 1);
}

#[system_bus_sdk::test]
fn the_sample_is_missed(kit: &mut Kit) {
    kit.config("TELNYX_PHONE_NUMBER", OURS);
    let sample = include_str!("../events/call-initiated.json");
    let sample: Value = serde_json::from_str(sample).expect("the sample is JSON");
    let event = Outgoing::named("telnyx/call.initiated", &sample["data"]);
    assert!(matches!(kit.run::<voice_missed_call>(event).output(), Outcome::Missed { .. }));
}

#[test]
fn it_is_tried_again_at_least_once() {
    let declared = <voice_missed_call as system_bus_sdk::Function>::DECLARATION;
    assert_eq!((declared.id, declared.retries), ("voice-missed-call", Some(2)));
}
